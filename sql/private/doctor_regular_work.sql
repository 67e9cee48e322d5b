-- Checks of doctor() about the regular work: its failures, and the holders of rows that it waits for.
create function stream_private.check_troubles()
returns setof stream.check_result
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select 'troubles',
        case when count(*) = 0 then 'ok'
             when bool_or(t.session_id is null) or max(t.attempts) >= 5 and bool_or(t.sqlstate <> '23503')
                 then 'failure'
             else 'warning' end,
        case when count(*) = 0 then 'the regular work fails for no stream'
             else count(*) || ' in all, each tried again by itself: ' || string_agg(
                 format('%s %s: SQLSTATE %s, %s attempts since %s, %s',
                     t.rule, coalesce('of stream ' || t.session_id, 'altogether'), t.sqlstate, t.attempts, t.since,
                     case
                         when t.sqlstate = '57014' then
                             'it took longer than 2 s: mend the trigger of the application that takes so long'
                         when t.sqlstate = '55P03' then
                             'it waited for a lock: see held_rows, or try again later'
                         when t.sqlstate = '23503' and t.rule = 'retention' then
                             'a table of the application refers to the stream: add "on delete cascade", or delete its rows'
                         when t.sqlstate like '53%' or t.sqlstate like '58%' then
                             'the server lacks disk, memory or connections'
                         when t.sqlstate like '42%' then
                             'tables or rights are not as the installed version expects'
                         else 'mend what the application has attached to the tables of stream'
                     end), '; ' order by t.since) filter (where t.place <= 10)
        end
    from (
        select r.*, row_number() over (order by r.since) as place from stream.troubles as r
    ) as t;
end
$$;
comment on function stream_private.check_troubles() is
    'For doctor(): what the regular work has failed at, and what to do.';

create function stream_private.lock_holders(xmax xid)
returns setof integer
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select l.pid from pg_catalog.pg_locks as l
    where l.locktype = 'transactionid' and l.granted and l.transactionid = $1;
    if not found then
        -- Several who share a row have a number of their own kind.
        return query
        select l.pid from pg_catalog.pg_get_multixact_members($1) as m
        join pg_catalog.pg_locks as l on l.locktype = 'transactionid' and l.granted and l.transactionid = m.xid;
    end if;
exception when others then
    -- It is no number of this kind: whoever locked the row is gone.
    return;
end
$$;
comment on function stream_private.lock_holders(xid) is
    'Who still holds a row with this xmax, by process; null for a prepared transaction.';

create function stream_private.check_held_rows()
returns setof stream.check_result
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    with late as materialized (
        (select s.id from stream.stream_sessions as s
         where s.check_at <= now() - interval '3 seconds' and s.state <> 'ended'
         order by s.check_at limit 20)
        union
        (select c.session_id from (
             select e.session_id from stream.viewer_changes as e order by e.id limit 100) as c)
        union
        (select h.session_id from stream.stream_sessions as s
         join stream.chat_heads as h on h.session_id = s.id
         join stream.chat_relay as r on r.session_id = s.id
         where s.state <> 'ended' and h.last_seq > r.flushed_seq and h.last_at <= now() - interval '3 seconds'
         limit 20)
    ), locked as (
        select 'stream_sessions' as name, s.id, s.xmax from stream.stream_sessions as s join late as l on l.id = s.id
        union all
        select 'chat_heads', h.session_id, h.xmax from stream.chat_heads as h join late as l on l.id = h.session_id
        union all
        select 'chat_relay', r.session_id, r.xmax from stream.chat_relay as r join late as l on l.id = r.session_id
        union all
        (select 'stream_viewers', v.session_id, v.xmax from stream.stream_viewers as v
         where v.is_active and v.lease_check_at <= now() - interval '3 seconds'
         order by v.lease_check_at limit 20)
        union all
        select 'ticker', null, t.xmax from stream.ticker as t
        where t.ticked_at not between now() - interval '3 seconds' and clock_timestamp()
        union all
        -- A ticker holds it for moments, and then sends.
        select 'chat_tail_reads', null, r.xmax from stream.chat_tail_reads as r
        where exists (
            select from stream.ticker as t where t.sends_at not between now() - interval '3 seconds' and clock_timestamp())
        union all
        -- A plan holds it for moments. Without a limit one is made every 5 s, and without streams none.
        select 'governor', null, g.xmax from stream.governor as g
        cross join stream.config as c
        where c.id and g.planned_at not between now() - case when c.realtime_messages_per_s > 0 then interval '3 seconds'
                else interval '8 seconds' end and clock_timestamp()
            and (c.realtime_messages_per_s > 0 or cardinality(g.sessions) > 0 or exists (select from stream.realtime_sends))
    ), held as (
        select distinct format('%s holds the row of %s in stream.%s',
                coalesce('pid ' || p.pid, 'a prepared transaction'), coalesce('stream ' || k.id, case k.name when 'governor' then 'the plan' else 'the ticker' end),
                k.name)
            as what, p.pid
        from locked as k
        cross join lateral stream_private.lock_holders(k.xmax) as p (pid)
        where k.xmax::text <> '0' and p.pid is distinct from pg_backend_pid()
        union
        select format('%s locks the table %s', coalesce('pid ' || l.pid, 'a prepared transaction'), l.relation::regclass),
            l.pid
        from pg_catalog.pg_locks as l
        join pg_catalog.pg_class as c on c.oid = l.relation
        where l.locktype = 'relation' and l.granted and l.pid is distinct from pg_backend_pid()
            and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = current_database())
            and l.mode in ('AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock')
            and (c.relnamespace = 'stream'::regnamespace
                or c.relnamespace = to_regnamespace('realtime') and c.relname ~ '^messages')
    )
    select 'held_rows', case when count(*) = 0 then 'ok' else 'warning' end,
        case when count(*) = 0 then 'nobody holds what the regular work needs'
             else string_agg(h.what, '; ' order by h.what)
                 || ': the work for these is left out until their transactions end; to end one, select pg_terminate_backend(pid)'
        end
    from (select * from held order by what limit 20) as h;
end
$$;
comment on function stream_private.check_held_rows() is
    'For doctor(): who holds rows and tables that the regular work has to leave out, by process.';

-- Not every database has pg_cron, and its owner may have closed it to ours.
create function stream_private.check_pg_cron() returns stream.check_result
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    job pg_catalog.record;
    is_pruned pg_catalog.bool;
    last_status pg_catalog.text;
begin
    if not exists (select from pg_catalog.pg_extension as e where e.extname = 'pg_cron') then
        return row('pg_cron', 'ok', 'not installed: the background worker or edge_api ticks')::stream.check_result;
    end if;
    select j.jobid, j.schedule, j.active, j.command = stream_private.tick_loop() as is_loop into job
    from cron.job as j where j.jobname = 'pg_stream_tick' and j.database = current_database() order by j.jobid limit 1;
    if not found then
        return row('pg_cron', 'ok', 'installed, and does not do the regular work here: select stream.schedule_with_pg_cron() '
            || 'lets it, where no background worker runs')::stream.check_result;
    end if;
    is_pruned := exists (select from cron.job as j where j.jobname = 'pg_stream_prune' and j.active);
    select d.status into last_status from cron.job_run_details as d
    where d.jobid = job.jobid and d.status in ('succeeded', 'failed') order by d.runid desc limit 1;
    return row(
        'pg_cron',
        case when job.active and job.is_loop and is_pruned and last_status is distinct from 'failed' then 'ok' else 'warning' end,
        case when job.is_loop then 'a job a minute loops until the next'
             else format('the fallback ticks with the schedule "%s": messages go out in frames of their own, and times are as exact as '
                 'that; select stream.schedule_with_pg_cron() lets it loop', job.schedule) end
            || case when job.active then '' else '; it is switched off' end
            || case when is_pruned then '' else '; nothing deletes its old runs: select stream.schedule_with_pg_cron() does' end
            || case when last_status = 'failed' then '; its last run failed, as cron.job_run_details shows' else '' end
    )::stream.check_result;
exception when insufficient_privilege or undefined_table then
    return row('pg_cron', 'warning', 'installed, and its jobs cannot be seen by ' || current_user
        || ': grant usage on schema cron to it')::stream.check_result;
end
$$;
comment on function stream_private.check_pg_cron() is
    'The check pg_cron of doctor(): whether its loop does the regular work, the fallback of a tick a second, or nothing of ours.';
