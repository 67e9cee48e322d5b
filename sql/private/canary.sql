-- The canary: what the database sends through Realtime to see whether it arrives.
create function stream_private.report_canary(
    canary_no bigint default null,
    lag_ms integer default null,
    state text default 'delivered'
)
returns stream.canary_status
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    result stream.canary_status;
begin
    if $3 is null or $3 <> all (array['unknown', 'delivered', 'not_sent', 'not_followed', 'dropped',
            'realtime_away', 'unauthorised']) then
        perform stream_ext.refuse_with_hint('invalid_argument', 'state is none of the states of a canary');
    end if;
    if ($1 is null) <> ($2 is null) or $1 < 1 or $2 < 0 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'canary_no and lag_ms come together, from 1 and from 0 on');
    end if;
    update stream.canary as c
    set received_no = case when is_newer then $1 else c.received_no end,
        received_at = case when is_newer then clock_timestamp() else c.received_at end,
        lag_ms = case when is_newer then $2 else c.lag_ms end,
        state = $3, reported_at = clock_timestamp(),
        failed_state = case when is_failure then $3 else c.failed_state end,
        failed_at = case when is_failure then clock_timestamp() else c.failed_at end
    from (
        -- A number that was received and not sent is from before the numbers went back: every one that is sent now is newer.
        select coalesce((o.received_no is null or $1 > o.received_no or o.received_no > o.canary_no) and $1 <= o.canary_no, false)
                as is_newer,
            $3 not in ('unknown', 'delivered') as is_failure
        from stream.canary as o where o.id
    ) as n
    where c.id;
    select f.canary_user_id, c.canary_no, nullif(c.sent_at, '-infinity'),
        stream_private.realtime_partition(clock_timestamp()) is not null,
        (stream_private.check_realtime_publication()).status = 'ok', exists (
            select from pg_catalog.pg_replication_slots as r
            where r.slot_name like 'supabase_realtime_messages_replication_slot%' and r.active
                and r.database = current_database()
        ), clock_timestamp()
    into result
    from stream.canary as c
    cross join stream.config as f
    where c.id;
    return result;
end
$$;
comment on function stream_private.report_canary is $$
Says what became of the canaries of config.canary_user_id, for doctor(): the newest that was received and how long after it was
written, and the state of the way through Realtime (unknown, delivered, not_sent, not_followed, dropped, realtime_away,
unauthorised). Returns what the database knows of it. For edge_api, which watches.
@callers service_role
@repeat safe
@errors invalid_argument
$$;

create function stream_private.check_canary() returns stream.check_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    canary stream.canary;
    last_trip pg_catalog.text;
begin
    if (select f.canary_user_id from stream.config as f) is null then
        return row('canary', 'warning', 'unknown whether broadcasts arrive: no config.canary_user_id is set')::stream.check_result;
    end if;
    select * into canary from stream.canary as c where c.id;
    -- Times ahead of the clock are from before the clock was set back.
    last_trip := coalesce('the last that came back is number ' || canary.received_no || ', at ' || canary.received_at
        || ', ' || canary.lag_ms || ' ms after it was written', 'none has come back yet');
    if canary.sent_at not between now() - interval '25 seconds' and clock_timestamp() then
        return row('canary', 'failure', 'none was sent ' || coalesce('since ' || nullif(canary.sent_at, '-infinity'), 'yet')
            || ': see ticker, troubles and realtime_partition; ' || last_trip)::stream.check_result;
    end if;
    if coalesce(canary.reported_at not between now() - interval '60 seconds' and clock_timestamp(), true) then
        return row('canary', 'warning', 'unknown whether broadcasts arrive: no edge_api with the settings CANARY_... has reported '
            || coalesce('since ' || canary.reported_at, 'yet') || '; ' || last_trip)::stream.check_result;
    end if;
    if canary.failed_at between now() - interval '30 seconds' and clock_timestamp() then
        return row('canary', 'failure', case canary.failed_state
            when 'not_sent' then 'none was sent to the user of CANARY_EMAIL: is that config.canary_user_id?'
            when 'not_followed' then 'Realtime does not read the database: its publication or its replication slot is gone; restart it'
            when 'dropped' then 'sent, and not delivered although Realtime reads the database: it drops rows over the limit of its '
                || 'plan, see config.realtime_messages_per_s'
            when 'realtime_away' then 'Realtime cannot be reached, or it or Auth is over a limit other than that of messages'
            else 'the canary user may not sign in or may not join its channel: see the policies of realtime.messages and CANARY_PASSWORD'
            end || '; ' || last_trip)::stream.check_result;
    end if;
    return row('canary', case canary.state when 'delivered' then 'ok' else 'warning' end,
        case canary.state when 'delivered' then '' else 'edge_api waits for the first one; ' end || last_trip)::stream.check_result;
end
$$;
comment on function stream_private.check_canary() is 'The check canary of doctor().';
