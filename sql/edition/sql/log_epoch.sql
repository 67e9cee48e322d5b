-- The epoch of the logs: of a server, its timeline and database, and a salt. Another epoch tells clients that numbers may be given anew.

create function stream_ext.log_server() returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (select s.system_identifier from pg_control_system() as s);
end
$$;
comment on function stream_ext.log_server() is
    'The identity of the server, which never changes while a process lives: immutable, so that a kept plan holds it and no call reads the control file.';

create function stream_ext.log_database() returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (select d.oid from pg_catalog.pg_database as d where d.datname = current_database());
end
$$;
comment on function stream_ext.log_database() is 'The number of the database, which is that of the process: immutable as log_server.';

create function stream_ext.log_standby_origin() returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- A standby has no insertion timeline; that of its last restart point follows a promotion of its primary late.
    return format('%s:%s:%s', stream_ext.log_server(),
        (select c.timeline_id from pg_control_checkpoint() as c), stream_ext.log_database());
end
$$;
comment on function stream_ext.log_standby_origin() is 'The server''s part of the epoch on a standby: its identity, its WAL timeline and its database.';

create function stream_ext.log_writer_origin() returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return concat(stream_ext.log_server(), ':',
        ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint, ':', stream_ext.log_database());
end
$$;
comment on function stream_ext.log_writer_origin() is
    'The server''s part of the epoch where it takes writes: its identity, its WAL timeline and its database. Immutable as log_server: a server that takes writes keeps its timeline, and one that does not yet raises an error, so no plan holds an earlier one.';

create function stream_ext.log_epoch_of(salt text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    origin pg_catalog.text;
begin
    -- Not in one expression, which would ask for both.
    if pg_is_in_recovery() then
        origin := stream_ext.log_standby_origin();
    else
        origin := stream_ext.log_writer_origin();
    end if;
    return encode(substr(sha256(convert_to(concat(origin, ':', $1), 'UTF8')), 1, 8), 'hex');
end
$$;
comment on function stream_ext.log_epoch_of(text) is 'The epoch: 16 hexadecimal digits from its origin and a salt.';

create function stream_ext.log_epoch() returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (select stream_ext.log_epoch_of(c.epoch_salt) from stream.config as c where c.id);
end
$$;
comment on function stream_ext.log_epoch() is 'The epoch, by config.epoch_salt.';
