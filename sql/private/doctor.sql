-- doctor(): one row for each check of the installation.
create function stream_private.doctor()
returns setof stream.check_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    which pg_catalog.text;
    detail pg_catalog.text;
    hint pg_catalog.text;
    is_set pg_catalog.bool;
begin
    foreach which in array array['certificate', 'secondary_certificate', 'clock'] loop
        begin
            if which = 'clock' then
                perform stream_ext.check_clock();
                return query
                select which, case when t.swept_at > now() + interval '5 seconds' then 'warning' else 'ok' end,
                    now() || case when t.swept_at > now() + interval '5 seconds'
                        then ', behind the last sweep: the clock was set back' else '' end
                from stream.ticker as t;
            else
                is_set := stream_ext.check_certificate(which = 'secondary_certificate');
                return query select which, 'ok',
                    case when is_set then 'App ID and certificate are readable and well-formed'
                         else 'none is configured: certificates are not being rotated' end;
            end if;
        exception when others then
            get stacked diagnostics detail = pg_exception_detail, hint = pg_exception_hint;
            -- The code is what callers will see.
            return query select which, 'failure',
                case when sqlstate like 'PT%' then (detail::jsonb ->> 'code') || ': ' || hint else sqlerrm end;
        end;
    end loop;

    return query
    select 'webhooks', case when max(e.received_at) is null then 'warning' else 'ok' end,
        coalesce('last notice of Agora: ' || max(e.received_at),
            'none yet, or none for as long as they are kept: hosts are watched by their heartbeats alone')
    from stream.webhook_events as e;

    return query
    select 'ticker', case when t.ticked_at > clock_timestamp() then 'failure'
                          when t.ticked_at > now() - interval '5 seconds' then 'ok'
                          when t.ticked_at > now() - interval '90 seconds' then 'warning' else 'failure' end,
        'last tick: ' || coalesce(nullif(t.ticked_at, '-infinity')::text, 'never')
            || '; background worker: ' || (
                select coalesce('pid ' || min(a.pid), 'not running') from pg_catalog.pg_stat_activity as a
                where a.backend_type = 'pg_stream_ext worker' and a.datname = current_database())
    from stream.ticker as t;

    return next stream_private.check_pg_cron();
    return query select * from stream_private.check_troubles();
    return query select * from stream_private.check_held_rows();
    return next stream_private.check_owner();
    return next stream_private.check_table_privileges();
    return next stream_private.check_realtime_partitions(now());
    return next stream_private.check_realtime_publication();
    return next stream_private.check_canary();
    return next stream_private.check_edition();
    return next stream_private.check_server_log();

    return query
    select 'realtime_replication', case when bool_or(r.active) then 'ok' else 'warning' end,
        coalesce(min(r.slot_name)::text, 'no slot: nobody has connected to Realtime yet, or it is down')
    from pg_catalog.pg_replication_slots as r
    where r.slot_name like 'supabase_realtime_messages_replication_slot%'
        and r.database = current_database();

    return query
    select 'realtime_policies', case when count(*) = 0 then 'failure' else 'ok' end,
        count(*) || ' select policies on realtime.messages'
    from pg_catalog.pg_policies as p
    where p.schemaname = 'realtime' and p.tablename = 'messages' and p.cmd in ('SELECT', 'ALL');

    return query
    select 'time_zone', case when current_setting('TimeZone') in ('UTC', 'Etc/UTC', 'GMT') then 'ok' else 'warning' end,
        current_setting('TimeZone');

    return query
    select 'cohost_authentication', 'warning',
        'cannot be seen from here: without co-host authentication in the Agora console a subscriber token can publish';
end
$$;
comment on function stream_private.doctor is $$
One row per check of the installation: certificates, clock, Agora's notices, ticker, background worker and pg_cron, Realtime's
partition, publication, slot and policies, the canary's last round trip, the owner's rights, the server's log, time zone, and a reminder of what
only Agora's console shows.
@callers service_role
$$;
