-- The sweep's rules for live and ended streams. Every rule finds its rows by an index on the time at which they are due, takes at
-- most a batch, and skips locked rows.

create function stream_ext.sweep_was_set_back() returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- A smaller difference is ignored.
    return coalesce((
        select t.was_set_back or t.swept_at > now() + interval '5 seconds' from stream.ticker as t where t.id), false);
end
$$;
comment on function stream_ext.sweep_was_set_back() is 'Whether the clock was set back since the last sweep, and streams may still be dated by the later time.';

create function stream_ext.sweep_is_misdated(s stream.stream_sessions) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    -- Not now(): rows written since the transaction began are right.
    moment constant pg_catalog.timestamptz := clock_timestamp();
begin
    return coalesce($1.created_at > moment, false) or coalesce($1.state_changed_at > moment, false)
        or coalesce($1.host_seen_at > moment, false)
        or coalesce($1.check_at > greatest(moment, stream_ext.stream_check_at(
            $1.state, $1.created_at, $1.state_changed_at, $1.host_seen_at, $1.reconnect_deadline)), false);
end
$$;
comment on function stream_ext.sweep_is_misdated(stream.stream_sessions) is 'Whether a live session is dated by a clock that was ahead.';

create function stream_ext.sweep_mark() returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
#variable_conflict use_column
declare
    has_more pg_catalog.bool := false;
begin
    perform from stream.ticker as t where t.id for update skip locked;
    if not found then
        return false;
    end if;
    if stream_ext.sweep_was_set_back() then
        has_more := exists (select from stream.stream_sessions as s where s.state <> 'ended' and stream_ext.sweep_is_misdated(s));
    end if;
    update stream.ticker as t set swept_at = now(), was_set_back = has_more where t.id;
    return true;
end
$$;
comment on function stream_ext.sweep_mark() is 'Marks the end of a sweep; returns false when the row was locked.';

create function stream_ext.regular_take_clock_correction(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- Nothing is read as long as the clock is right.
    if not stream_ext.sweep_was_set_back() then
        return;
    end if;
    return query
    select s.id, '{}'::jsonb, false from stream.stream_sessions as s
    where s.state <> 'ended' and stream_ext.sweep_is_misdated(s) and s.id <> all ($3)
    order by s.check_at limit least($1, $2)
    for no key update of s skip locked;
end
$$;
comment on function stream_ext.regular_take_clock_correction(integer, integer, uuid[], jsonb) is 'Live streams to redate after the clock was set back.';

create function stream_ext.regular_do_clock_correction(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    active constant pg_catalog.int4 := stream_ext.stream_count_leases($1);
begin
    -- The viewers are counted in the same update, because this transaction does not update the row again.
    update stream.stream_sessions as s
    set host_seen_at = case when s.host_seen_at > now() then now() else s.host_seen_at end,
        state_changed_at = least(s.state_changed_at, now()),
        created_at = least(s.created_at, now()),
        reconnect_deadline = case when s.state = 'error' then
            least(s.reconnect_deadline, now() + s.reconnect_window_s * interval '1 second') end,
        check_at = now(),
        viewer_count = active,
        peak_viewer_count = greatest(s.peak_viewer_count, active)
    where s.id = $1;
    return '{"rows": 1}';
end
$$;
comment on function stream_ext.regular_do_clock_correction(uuid, jsonb, jsonb) is 'Redates a live stream; the next round checks it.';

create function stream_ext.sweep_wait_for_passed_over() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    session pg_catalog.uuid;
begin
    -- Sweeps run every second, so a stream that is overdue for longer was locked each time.
    select s.id into session from stream.stream_sessions as s
    where s.check_at <= now() - interval '2 seconds' and s.state <> 'ended'
    order by s.check_at limit 1;
    if session is not null then
        perform stream_ext.gate_close_soon(session);
    end if;
end
$$;
comment on function stream_ext.sweep_wait_for_passed_over() is
    'Gets a turn at a stream that earlier sweeps passed over, before anything else is locked: whoever holds its gate may wait for what a sweep takes.';

create function stream_ext.regular_take_session_timeouts(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    due pg_catalog.jsonb;
    judged pg_catalog.uuid[];
    with_head pg_catalog.uuid[];
    free pg_catalog.uuid[];
begin
    if ($4 ->> 'waits')::boolean then
        perform stream_ext.sweep_wait_for_passed_over();
    end if;
    select jsonb_agg(to_jsonb(d) order by d.id) into due
    from (
        select s.id, s.state, s.generation,
            case
                when s.created_at + c.max_duration_s * interval '1 second' <= now() then 'max_duration'
                when s.state = 'initializing' and s.state_changed_at + c.initializing_timeout_s * interval '1 second' <= now()
                    then 'initializing_timeout'
                when s.state in ('initializing', 'active') and s.host_seen_at + c.host_timeout_s * interval '1 second' <= now()
                    then 'host_lost'
                when s.state = 'paused' and s.state_changed_at + c.paused_timeout_s * interval '1 second' <= now()
                    then 'paused_timeout'
                when s.state = 'error' and s.reconnect_deadline <= now() then 'reconnect_timeout'
            end as verdict,
            (extract(epoch from now() - s.check_at) * 1000000)::bigint as age_us
        from stream.stream_sessions as s
        cross join stream.config as c
        where s.check_at <= now() and s.state <> 'ended' and s.id <> all ($3)
        order by s.check_at
        limit least($1, $2)
        for no key update of s skip locked
    ) as d;
    judged := array(
        select (d ->> 'id')::uuid from jsonb_array_elements(coalesce(due, '[]')) as d where d ->> 'verdict' is not null);
    if cardinality(judged) > 0 then
        -- A transaction that writes to a log holds its head until the end.
        with_head := array(
            select h.session_id from stream.chat_heads as h where h.session_id = any (judged)
            order by h.session_id for no key update skip locked);
        free := array(
            select r.session_id from stream.chat_relay as r where r.session_id = any (with_head)
            order by r.session_id for no key update skip locked);
    end if;
    return query
    select (d ->> 'id')::uuid, d,
        d ->> 'verdict' is not null and not coalesce((d ->> 'id')::uuid = any (free), false)
    from jsonb_array_elements(coalesce(due, '[]')) as d
    order by 1;
end
$$;
comment on function stream_ext.regular_take_session_timeouts(integer, integer, uuid[], jsonb) is
    'Streams whose check is due, with what each has come to, the rows and of those to move their logs locked.';

create function stream_ext.regular_do_session_timeouts(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    verdict constant pg_catalog.text := $2 ->> 'verdict';
    to_state constant pg_catalog.text := case when verdict = 'host_lost' then 'error' else 'ended' end;
    entry pg_catalog.record;
begin
    if verdict is null then
        perform stream_ext.stream_schedule_check($1, ($3 ->> 'count')::boolean);
        return '{"rows": 1}';
    end if;
    select a.seq, a.created_at, a.last_viewers into entry
    from stream_ext.stream_announce($1, $2 ->> 'state', to_state, verdict, ($2 ->> 'generation')::integer, false) as a;
    perform stream_ext.stream_write_state(
        $1, to_state, verdict, entry.seq, entry.created_at, $2 ->> 'state', false, ($3 ->> 'count')::boolean, null,
        entry.last_viewers, null, null, null, null);
    return jsonb_build_object('rows', 1, 'tallies', jsonb_build_object(verdict, jsonb_build_array(1, ($2 ->> 'age_us')::bigint)));
end
$$;
comment on function stream_ext.regular_do_session_timeouts(uuid, jsonb, jsonb) is 'Times out a session, or schedules its next check.';
