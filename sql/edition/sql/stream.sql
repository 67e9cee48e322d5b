-- Changing the state of a stream, and ending it. Every change takes the next number of the session's log in the same transaction.
-- Lock order: stream_sessions, stream_viewers, chat_heads, chat_relay. A transaction updates a session once: Postgres checks
-- unchanged foreign keys of a row again when the transaction has already written the row, and would wait for whoever holds the
-- auction or the seller.
create function stream_ext.stream_check_at(
    state text, created_at timestamptz, state_changed_at timestamptz, host_seen_at timestamptz, reconnect_deadline timestamptz
)
returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select least(
            $2 + c.max_duration_s * interval '1 second',
            case $1
                when 'initializing' then least(
                    $3 + c.initializing_timeout_s * interval '1 second',
                    $4 + c.host_timeout_s * interval '1 second')
                when 'active' then $4 + c.host_timeout_s * interval '1 second'
                when 'paused' then $3 + c.paused_timeout_s * interval '1 second'
                when 'error' then $5
            end)
        from stream.config as c where c.id);
end
$$;
comment on function stream_ext.stream_check_at(text, timestamptz, timestamptz, timestamptz, timestamptz) is
    'The time at which the first rule of the sweep can apply to a session; nulls do not count.';

create function stream_ext.stream_count_leases(session_id uuid) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return (select count(*) from stream.stream_viewers as v where v.session_id = $1 and v.is_active);
end
$$;
comment on function stream_ext.stream_count_leases(uuid) is 'The active viewers of a session.';

create function stream_ext.stream_close_leases(session_id uuid, waits boolean) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    viewers constant pg_catalog.int4 := (
        -- Including those whom no tick has counted, and those that are not closed here.
        select count(*) from stream_private.leases as v where v.session_id = $1 and v.holds);
begin
    if $2 then
        perform from stream.stream_viewers as v
        where v.session_id = $1 and v.is_active order by v.user_id for no key update;
        update stream.stream_viewers as v
        set left_at = now(), watch_ms = v.watch_ms + stream_ext.viewer_watched_ms(v.joined_at, now())
        where v.session_id = $1 and v.is_active;
        return viewers;
    end if;
    with free as (
        select v.user_id from stream.stream_viewers as v
        where v.session_id = $1 and v.is_active
        order by v.user_id for no key update skip locked
    )
    update stream.stream_viewers as v
    set left_at = now(), watch_ms = v.watch_ms + stream_ext.viewer_watched_ms(v.joined_at, now())
    from free as f
    where v.session_id = $1 and v.user_id = f.user_id;
    return viewers;
end
$$;
comment on function stream_ext.stream_close_leases(uuid, boolean) is
    'Closes the leases of a stream that ends and counts its viewers. Without waiting those that are locked are left to the sweep.';

create function stream_ext.stream_close_others(session_id uuid, waits boolean) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update stream.chat_heads as h set open = false where h.session_id = $1;
    if $2 then
        update stream.agora_tokens as t set is_active = false where t.session_id = $1 and t.is_active;
        update stream.chat_subscriptions as b set is_active = false, ended_at = now()
        where b.session_id = $1 and b.is_active;
        return;
    end if;
    with free as (
        select t.id from stream.agora_tokens as t
        where t.session_id = $1 and t.is_active for no key update skip locked
    )
    update stream.agora_tokens as t set is_active = false from free as f where t.id = f.id;
    with free as (
        select b.id from stream.chat_subscriptions as b
        where b.session_id = $1 and b.is_active for no key update skip locked
    )
    update stream.chat_subscriptions as b set is_active = false, ended_at = now() from free as f where b.id = f.id;
end
$$;
comment on function stream_ext.stream_close_others(uuid, boolean) is
    'Closes the log, tokens and subscriptions of a stream that ends, after its last entry is logged.';

create function stream_ext.stream_log_state(
    session_id uuid, from_state text, to_state text, reason text, generation integer, out seq bigint, out created_at timestamptz
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    sentence constant pg_catalog.text := case $3
        when 'initializing' then 'The stream is starting.'
        when 'active' then 'The stream is live.'
        when 'paused' then 'The stream is paused.'
        when 'ended' then 'The stream has ended.'
        when 'error' then 'The stream is interrupted.' end;
begin
    select l.seq, l.created_at into $6, $7
    from stream_ext.log_system($1, sentence, jsonb_build_object(
        'kind', 'state_changed', 'state', $3, 'previous_state', $2, 'reason', $4, 'generation', $5), 'urgent') as l;
end
$$;
comment on function stream_ext.stream_log_state(uuid, text, text, text, integer) is 'Logs a state; the session''s row is locked.';

create function stream_ext.stream_announce(
    session_id uuid, from_state text, to_state text, reason text, generation integer, waits boolean,
    out seq bigint, out created_at timestamptz, out last_viewers integer
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if $3 = 'ended' then
        last_viewers := stream_ext.stream_close_leases($1, $6);
    end if;
    select l.seq, l.created_at into $7, $8 from stream_ext.stream_log_state($1, $2, $3, $4, $5) as l;
    if $3 = 'ended' then
        perform stream_ext.stream_close_others($1, $6);
    end if;
end
$$;
comment on function stream_ext.stream_announce(uuid, text, text, text, integer, boolean) is
    'Makes a legal transition except for updating the row, which is locked. Without waiting, head and relay are locked too, and rows of an ending stream that another transaction holds are left to the sweep.';

create function stream_ext.stream_write_state(
    session_id uuid, to_state text, reason text, seq bigint, logged_at timestamptz, from_state text, heartbeat boolean, count boolean,
    generation integer, last_viewers integer, moves_tat timestamptz, token_issued_at timestamptz, token_expires_at timestamptz,
    token_held_until timestamptz
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    -- After the clock was set back the log's time is ahead of it; timeouts count from the clock.
    changed_at constant pg_catalog.timestamptz := least($5, clock_timestamp());
    active constant pg_catalog.int4 := case when $8 then stream_ext.stream_count_leases($1) end;
begin
    update stream.stream_sessions as o
    set state = $2, state_reason = $3, state_seq = $4, state_changed_at = changed_at,
        started_at = case when $2 = 'active' then coalesce(o.started_at, changed_at) else o.started_at end,
        ended_at = case when $2 = 'ended' then changed_at end,
        viewer_count = case when $2 = 'ended' then 0 when $8 then active else o.viewer_count end,
        peak_viewer_count = greatest(o.peak_viewer_count, active, $10),
        check_at = case when $2 <> 'ended' then
            stream_ext.stream_check_at($2, o.created_at, changed_at, s.host_seen_at, s.reconnect_deadline) end,
        state_before_error = case when $2 = 'error' then $6 end,
        reconnect_deadline = s.reconnect_deadline,
        -- A transition to a running state shows that the host is there, as a heartbeat does.
        host_seen_at = s.host_seen_at,
        generation = coalesce($9, o.generation),
        host_heartbeat_at = case when $7 then now() else o.host_heartbeat_at end,
        state_moves_tat = coalesce($11, o.state_moves_tat),
        host_token_issued_at = coalesce($12, o.host_token_issued_at),
        host_token_expires_at = coalesce($13, o.host_token_expires_at),
        host_token_held_until = coalesce($14, o.host_token_held_until)
    from (
        select case when $2 = 'error' then changed_at + p.reconnect_window_s * interval '1 second' end as reconnect_deadline,
            case when $7 or $2 in ('initializing', 'active') and p.host_seen_at is not null
                then now() else p.host_seen_at end as host_seen_at
        from stream.stream_sessions as p where p.id = $1
    ) as s
    where o.id = $1;
end
$$;
comment on function stream_ext.stream_write_state(
    uuid, text, text, bigint, timestamptz, text, boolean, boolean, integer, integer, timestamptz, timestamptz, timestamptz, timestamptz
) is 'Stores a transition that is announced; the sweep checks the row again when the new state can time out.';

create function stream_ext.stream_schedule_check(session_id uuid, count boolean) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    active constant pg_catalog.int4 := case when $2 then stream_ext.stream_count_leases($1) end;
begin
    update stream.stream_sessions as s
    set check_at = stream_ext.stream_check_at(s.state, s.created_at, s.state_changed_at, s.host_seen_at, s.reconnect_deadline),
        viewer_count = case when $2 then active else s.viewer_count end,
        peak_viewer_count = greatest(s.peak_viewer_count, active)
    where s.id = $1 and s.state <> 'ended';
end
$$;
comment on function stream_ext.stream_schedule_check(uuid, boolean) is
    'Sets when the sweep checks a live session next, and counts its viewers in the same update if asked; its row is locked.';

create function stream_ext.stream_move(
    session_id uuid, from_state text, to_state text, reason text, generation integer, moves_tat timestamptz
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    entry pg_catalog.record;
begin
    select a.seq, a.created_at, a.last_viewers into entry from stream_ext.stream_announce($1, $2, $3, $4, $5, true) as a;
    perform stream_ext.stream_write_state(
        $1, $3, $4, entry.seq, entry.created_at, $2, false, false, null, entry.last_viewers, $6, null, null, null);
end
$$;
comment on function stream_ext.stream_move(uuid, text, text, text, integer, timestamptz) is
    'Makes a legal transition of a session whose row is locked: logs it, closes what belongs to an ended stream, and updates the row.';
