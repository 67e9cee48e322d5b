-- The regular work and its scheduling.
create function stream_private.tick()
returns void
language plpgsql
-- For what is looked at before any unit, which has its own.
set lock_timeout = '100ms'
as 'begin end';
comment on function stream_private.tick is $$
The regular work: sends the tails of logs, and counts viewers and sweeps about once a second. Call it often and from
anywhere, in a transaction of its own; one at a time works.
@native
@callers service_role
@repeat safe
@errors isolation_level
$$;

create function stream_private.begin_work()
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    perform stream_ext.begin_work();
end
$$;
comment on function stream_private.begin_work() is
    'For tick_loop(): how long it goes on is counted from here, and ends before statement_timeout.';

create function stream_private.work()
returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
set lock_timeout = '100ms'
as $$
begin
    return stream_ext.work();
end
$$;
comment on function stream_private.work() is
    'One unit of the regular work, for a loop that commits after each: false when the loop is to end.';

create function stream_private.pause()
returns double precision
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return stream_ext.pause();
end
$$;
comment on function stream_private.pause() is
    'Seconds until there is more to do for that loop: none while a round of counting and sweeping goes on.';

-- A block and no procedure: neither can set a path when it commits, and Supabase's advisors would warn of a function that sets none. So
-- it names all schemas. Its tag shows in pg_stat_activity what it is.
create function stream_private.tick_loop()
returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return $block$do $tick_for_a_minute$
begin
    perform stream_private.begin_work();
    while stream_private.work() loop
        commit;
        perform pg_catalog.pg_sleep(stream_private.pause());
        commit;
    end loop;
end
$tick_for_a_minute$
$block$;
end
$$;
comment on function stream_private.tick_loop() is
    'The regular work in a loop of just under a minute, as the statement that pg_cron runs: one transaction for each unit, 50 ms of '
    'sleep when nothing is left. For the owner of the tables, outside a transaction.';

create function stream_private.sweep()
returns setof stream.sweep_rule
language plpgsql
as 'begin end';
comment on function stream_private.sweep is $$
Runs every rule about what is overdue, at most config.sweep_batch_size rows each: one row per rule.
@native
@callers service_role
@repeat safe
@errors isolation_level
$$;

create function stream.schedule_with_pg_cron(every_second boolean default false) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    version pg_catalog.int4[];
begin
    -- Not every version is all numbers: Debian 12 has 1.4-1.
    select string_to_array(substring(e.extversion from '^[0-9]+(?:[.][0-9]+)*'), '.')::integer[]
    into version
    from pg_catalog.pg_extension as e
    where e.extname = 'pg_cron';
    -- Named jobs came with 1.3, schedules of seconds with 1.5.
    if version is null or version < array[1, 3] or every_second and version < array[1, 5] then
        perform stream_ext.refuse('not_configured');
    end if;
    if every_second then
        perform cron.schedule('pg_stream_tick', '1 second', 'select stream_private.tick()');
    else
        perform cron.schedule('pg_stream_tick', '* * * * *', stream_private.tick_loop());
    end if;
    -- pg_cron keeps a row of every run for ever; the policy of its table shows the owner's own. A tick a second leaves 86,400
    -- rows a day.
    perform cron.schedule('pg_stream_prune', '17 3 * * *', format($job$
        delete from cron.job_run_details as d
        using cron.job as j
        where j.jobid = d.jobid and j.jobname in ('pg_stream_tick', 'pg_stream_prune')
            and d.end_time < now() - interval '%s days'$job$, case when every_second then 1 else 7 end));
    return case when every_second then '1 second' else '* * * * *' end;
end
$$;
comment on function stream.schedule_with_pg_cron(boolean) is
    'Lets pg_cron do the regular work as the calling role, where the background worker cannot run: one job a minute, which '
    'loops until the next, and one a day that deletes its old runs. every_second: instead of the loop a tick each second, for '
    'where no connection can be kept; from pg_cron 1.5. Again: the same jobs. Answers the schedule. Call it as the owner of the '
    'tables.';
