-- Checks of doctor() about what the Realtime server makes. It makes the publication, and the partitions of yesterday to three
-- days ahead, when the first client joins a channel; until then nothing is wrong, and nobody misses what is not broadcast.
create function stream_private.check_realtime_publication() returns stream.check_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    publication pg_catalog.text;
    is_followed pg_catalog.bool;
begin
    -- From the catalogue itself: pg_publication_tables locks every published table from Postgres 16 on, and doctor()
    -- is asked when somebody holds one.
    select min(p.pubname)
    into publication
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    join pg_catalog.pg_publication as p
        on p.puballtables
        or exists (
            select from pg_catalog.pg_publication_rel as r where r.prpubid = p.oid and r.prrelid = c.oid
        )
        or exists (
            select from pg_catalog.pg_publication_namespace as s where s.pnpubid = p.oid and s.pnnspid = n.oid
        )
    where n.nspname = 'realtime' and c.relname like 'messages%'
        and c.relkind in ('r', 'p') and c.relpersistence = 'p'
        -- A partitioned table stands for its partitions, unless it is published itself.
        and (
            c.relkind = 'r' or p.pubviaroot
            or exists (select from pg_catalog.pg_inherits as i where i.inhparent = c.oid)
        );
    if publication is not null then
        return row('realtime_publication', 'ok', publication)::stream.check_result;
    end if;
    -- Realtime's slot is temporary, so one that is there belongs to a server that is connected.
    is_followed := exists (
        select from pg_catalog.pg_replication_slots as r
        where r.slot_name like 'supabase_realtime_messages_replication_slot%' and r.database = current_database()
    );
    return row(
        'realtime_publication',
        case when is_followed then 'failure' else 'warning' end,
        case when is_followed
            then 'no publication contains realtime.messages although Realtime follows this database: nothing is delivered. '
                || 'Restart Realtime, which makes it anew'
            else 'no publication contains realtime.messages yet: Realtime makes it when the first client joins a channel' end
    )::stream.check_result;
end
$$;
comment on function stream_private.check_realtime_publication() is 'The check realtime_publication of doctor().';

create function stream_private.realtime_partition(at timestamptz) returns text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    messages constant pg_catalog.regclass := to_regclass('realtime.messages');
    -- UTC, as Realtime counts days.
    of_day constant pg_catalog.regclass := to_regclass('realtime.messages_' || to_char($1 at time zone 'UTC', 'YYYY_MM_DD'));
begin
    if exists (
        select from pg_catalog.pg_inherits as i
        where i.inhrelid = of_day and i.inhparent = messages and not i.inhdetachpending
    ) then
        return of_day::text;
    end if;
    return (
        select t.partdefid::regclass::text
        from pg_catalog.pg_partitioned_table as t
        where t.partrelid = messages and t.partdefid <> 0
    );
end
$$;
comment on function stream_private.realtime_partition(timestamptz) is
    'The partition of realtime.messages that takes rows of a moment, by the rule of whoever broadcasts: a table of the day''s name that is not attached takes none, a default partition takes all. Null: none.';

create function stream_private.check_realtime_partitions(at timestamptz) returns stream.check_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    today pg_catalog.text := stream_private.realtime_partition($1);
    tomorrow pg_catalog.text := stream_private.realtime_partition($1 + interval '24 hours');
    status pg_catalog.text := 'ok';
    detail pg_catalog.text := today;
begin
    if today is null then
        detail := 'realtime.messages has no partition for today (UTC): nothing is broadcast. ';
        if (stream_private.check_realtime_publication()).status = 'warning' then
            status := 'warning';
            detail := detail || 'Realtime makes it when the first client joins a channel';
        else
            status := 'failure';
            detail := detail || 'Realtime makes it when a client joins a channel: see that Realtime runs';
        end if;
    elsif tomorrow is null and extract(hour from $1 at time zone 'UTC') >= 20 then
        status := 'warning';
        detail := today || '; none for tomorrow (UTC): nothing is broadcast from midnight on unless Realtime makes it before, '
            || 'which it does every few hours while clients are connected';
    end if;
    return row('realtime_partition', status, detail)::stream.check_result;
end
$$;
comment on function stream_private.check_realtime_partitions(timestamptz) is
    'The check realtime_partition of doctor() at a moment: today''s partition always, tomorrow''s from 20:00 UTC on.';

-- Frames are written and deleted as the owner of the tables, whom no policy of realtime.messages admits. Older versions of
-- Realtime made that role a member of its own, newer ones take this back, so the membership is no cure.
create function stream_private.check_owner() returns stream.check_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    bypasses pg_catalog.bool := (
        select r.rolbypassrls or r.rolsuper from pg_catalog.pg_roles as r where r.rolname = current_user
    );
begin
    return row(
        'owner_bypasses_rls',
        case when bypasses then 'ok' else 'failure' end,
        case when bypasses then 'role ' || current_user || ' writes and deletes frames past the policies of realtime.messages'
             else format('role %s owns the tables and has no BYPASSRLS: unless it belongs to the owner of realtime.messages, which '
                 'versions of Realtime since July 2026 end, frames are refused, and with them chat, moves of state and '
                 'counts. Run as a superuser, and let clients of the database reconnect: alter role %I bypassrls',
                 current_user, current_user) end
    )::stream.check_result;
end
$$;
comment on function stream_private.check_owner() is 'The check owner_bypasses_rls of doctor().';
