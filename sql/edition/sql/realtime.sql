-- Broadcasting one event: a row of realtime.messages, written in the transaction of the change.
-- A row is dated by the moment at which it is written, so that a log's frames lie in the order of its numbers.

-- Volatile, so that it reads what is committed now, and not what the statement saw for which a plan is made.
create function stream_ext.realtime_shape(relation regclass, out method text, out takes_all boolean, out days date[])
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- A column that is not filled here must not be demanded; where the columns are others, Realtime's own function writes.
    select case when count(*) filter (where k.is_known) = 7
        and count(*) filter (where not k.is_known and a.attnotnull and not a.atthasdef) = 0 then 'insert' else 'send' end
    into method
    from pg_catalog.pg_attribute as a
    cross join lateral (
        select case a.atttypid
            when 'text'::regtype then a.attname in ('topic', 'extension', 'event')
            when 'timestamp'::regtype then a.attname in ('inserted_at', 'updated_at')
            when 'jsonb'::regtype then a.attname = 'payload'
            when 'boolean'::regtype then a.attname = 'private'
            else false end as is_known
    ) as k
    where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped;
    takes_all := exists (select from pg_catalog.pg_partitioned_table as d where d.partrelid = $1 and d.partdefid <> 0);
    -- Realtime names a partition by its day. A table of such a name that is not attached takes no row, nor one whose detachment is
    -- pending. Names of days that do not exist are left out.
    days := (
        select coalesce(array_agg(d.day), '{}')
        from pg_catalog.pg_inherits as i
        join pg_catalog.pg_class as k on k.oid = i.inhrelid
        join pg_catalog.pg_class as whole on whole.oid = i.inhparent and whole.relnamespace = k.relnamespace
        cross join lateral substring(k.relname collate "C" from '^messages_([0-9]{4}_(?:0[1-9]|1[0-2])_[0-3][0-9])$') as s (said)
        cross join lateral (
            select make_date(nullif(left(s.said, 4)::integer, 0), substr(s.said, 6, 2)::integer, 1)
                + right(s.said, 2)::integer - 1 as day
        ) as d
        where i.inhparent = $1 and not i.inhdetachpending and to_char(d.day::timestamp, 'YYYY_MM_DD') = s.said);
end
$$;
comment on function stream_ext.realtime_shape(regclass) is
    'How a table is written (insert, or send by Realtime''s own function), whether a default partition takes all rows, and the days whose partitions take theirs.';

-- Immutable, so that a kept plan holds the answer: ask only with the table's name as a constant, by which the plan is made anew when
-- the table is altered or gets or loses a partition.
create function stream_ext.realtime_columns(relation regclass) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (stream_ext.realtime_shape($1)).method;
end
$$;
comment on function stream_ext.realtime_columns(regclass) is 'How a table with these columns is written, as a kept plan holds it.';

create function stream_ext.realtime_takes_all(relation regclass) returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (stream_ext.realtime_shape($1)).takes_all;
end
$$;
comment on function stream_ext.realtime_takes_all(regclass) is 'Whether a table has a default partition, as a kept plan holds it.';

create function stream_ext.realtime_days(relation regclass) returns date[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (stream_ext.realtime_shape($1)).days;
end
$$;
comment on function stream_ext.realtime_days(regclass) is 'The days whose partitions take rows, as a kept plan holds them.';

create function stream_ext.realtime_target(at timestamptz) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if to_regclass('realtime.messages') is null then
        return null;
    end if;
    return case
        when ($1 at time zone 'UTC')::date = any (stream_ext.realtime_days('realtime.messages'::regclass))
            or stream_ext.realtime_takes_all('realtime.messages'::regclass)
        then stream_ext.realtime_columns('realtime.messages'::regclass) end;
end
$$;
comment on function stream_ext.realtime_target(timestamptz) is
    'How a row dated so is written: insert, send (by Realtime''s own function), or null while no partition takes it.';

create function stream_ext.realtime_method(at timestamptz) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    method pg_catalog.text;
begin
    if current_setting('stream_ext.unit', true) <> '' and stream_ext.regular_keeps_realtime_free() then
        return null;
    end if;
    method := stream_ext.realtime_target($1);
    -- Realtime's function dates a row by the begin of the transaction, which may be of another day.
    if method = 'send' and date_trunc('day', now() at time zone 'UTC') <> date_trunc('day', $1 at time zone 'UTC')
        and stream_ext.realtime_target(now()) is null
    then
        return null;
    end if;
    return method;
end
$$;
comment on function stream_ext.realtime_method(timestamptz) is
    'As realtime_target, and null for a unit of the regular work while another transaction keeps the table locked. Takes no lock, so it can be wrong a moment later.';

create function stream_ext.realtime_hold(at timestamptz) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if to_regclass('realtime.messages') is null or current_setting('stream_ext.unit', true) <> '' then
        if to_regclass('realtime.messages') is null or stream_ext.regular_keeps_realtime_free() then
            return null;
        end if;
    end if;
    -- As an insert locks it, so no partition is dropped before the row is written.
    lock table only realtime.messages in row exclusive mode;
    return case
        when ($1 at time zone 'UTC')::date = any (stream_ext.realtime_days('realtime.messages'::regclass))
            and stream_ext.realtime_columns('realtime.messages'::regclass) = 'insert'
        then 'insert' else stream_ext.realtime_method($1) end;
end
$$;
comment on function stream_ext.realtime_hold(timestamptz) is 'As realtime_method, valid until the transaction ends.';

create function stream_ext.realtime_write(method text, topic text, event text, payload text, at timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- Realtime reads flushed WAL only.
    if current_setting('synchronous_commit') = 'off' then
        perform set_config('synchronous_commit', 'on', true);
    end if;
    if $1 = 'insert' then
        insert into realtime.messages (topic, extension, payload, event, private, inserted_at, updated_at)
        values ($2, 'broadcast', $4::jsonb, $3, true, $5 at time zone 'UTC', $5 at time zone 'UTC');
    else
        perform stream_ext.realtime_send($2, $3, $4);
    end if;
end
$$;
comment on function stream_ext.realtime_write(text, text, text, text, timestamptz) is
    'Writes one row; the time is that for which the method was found.';

create function stream_ext.realtime_send(topic text, event text, payload text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
-- Realtime's function dates the row in the session's time zone, and partitions are days in UTC.
set timezone = 'UTC'
as $$
begin
    -- It sets an empty search path, under which a caller's temporary domain named uuid would run its checks as the owner of our tables.
    if exists (
        select from pg_catalog.pg_type as t
        join pg_catalog.pg_type as hidden
            on hidden.typname = t.typname and hidden.typnamespace = 'pg_catalog'::regnamespace
        where t.typnamespace = pg_my_temp_schema()
    ) then
        perform stream_ext.refuse_with_hint(
            'forbidden', 'drop the temporary types and tables that have names of Postgres''s own');
    end if;
    perform realtime.send($3::jsonb, $2, $1, true);
end
$$;
comment on function stream_ext.realtime_send(text, text, text) is 'Writes one row by Realtime''s own function.';

create function stream_ext.realtime_wait_for_disk() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Realtime reads flushed WAL only.
    if current_setting('synchronous_commit') = 'off' then
        perform set_config('synchronous_commit', 'on', true);
    end if;
end
$$;
comment on function stream_ext.realtime_wait_for_disk() is 'Commits this transaction synchronously: it emits, or acknowledges what is sent later.';

create function stream_ext.emit(topic text, event text, payload text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    moment pg_catalog.timestamptz;
    method pg_catalog.text;
begin
    if $1 is null or $2 is null or $3 is null then
        perform stream_ext.error_null(case when $1 is null then 'topic' when $2 is null then 'event' else 'payload' end);
    end if;
    moment := clock_timestamp();
    method := stream_ext.realtime_hold(moment);
    if method is null then
        perform stream_ext.realtime_note_late($1, $2, $3);
        return;
    end if;
    perform stream_ext.realtime_write(method, $1, $2, $3, moment);
    perform stream_ext.realtime_note_sent($1, $2);
end
$$;
comment on function stream_ext.emit(text, text, text) is
    'Broadcasts one event to a private topic. payload is the text of a JSON object. While no partition takes it, it is noted, to be sent late.';

create function stream_ext.realtime_note_late(topic text, event text, payload text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    body pg_catalog.jsonb;
begin
    -- What the other events state is stated again by their next one, or by sync.
    if $2 not in ('state', 'viewer_count', 'live', 'restricted', 'revoked', 'token_expiring', 'resync') then
        return;
    end if;
    body := $3;
    -- A mute and a ban are subjects of their own, of which one event may take back another.
    insert into stream.late_events as e (session_id, topic, subject, event, payload, user_id, noted_at)
    values ((body ->> 'session_id')::uuid, $1, coalesce(body ->> 'restriction', $2), $2, body,
        case when $1 like 'user:%' then substr($1, 6)::uuid end, clock_timestamp())
    on conflict on constraint late_events_pkey do update
    set event = excluded.event, payload = excluded.payload, noted_at = excluded.noted_at;
end
$$;
comment on function stream_ext.realtime_note_late(text, text, text) is
    'Notes an event that no partition takes; of each subject of a topic the newest is kept.';

create function stream_ext.realtime_note_sent(topic text, event text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    prefix constant pg_catalog.text := split_part($1, ':', 1);
    id constant pg_catalog.text := substr($1, length(prefix) + 2);
begin
    -- The topic itself is not kept: it may name a user.
    insert into stream.realtime_sends (kind, session_id) values (
        case prefix
            when 'viewers' then case when $2 = 'reactions' then 'reactions' else 'viewer_counts' end
            when 'stream' then 'states'
            when 'live' then 'states'
            when 'user' then 'users'
            when 'canary' then 'canary'
            else 'others' end,
        case when prefix in ('viewers', 'stream', 'chat') and stream_ext.realtime_is_uuid(id) then id::uuid end);
end
$$;
comment on function stream_ext.realtime_note_sent(text, text) is
    'Notes a broadcast other than a frame, to be counted by the next plan of the governor.';

create function stream_ext.realtime_is_uuid(value text) returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return $1 collate "C" ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$';
end
$$;
comment on function stream_ext.realtime_is_uuid(text) is 'Whether a topic''s id can be that of a stream; Postgres''s cast would raise and quote it.';

create function stream_ext.json_time(at timestamptz) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return left(to_json($1 at time zone 'UTC')::text, -1) || '+00:00"';
end
$$;
comment on function stream_ext.json_time(timestamptz) is 'A time as JSON with its quotes, in UTC whatever the session''s zone is.';
