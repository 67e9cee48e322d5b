-- The heartbeat of the host: it keeps the stream alive and brings it back after a loss.
create function stream_ext.heartbeat_hold_log(session_id uuid, limit_ms integer) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    ends_at constant pg_catalog.timestamptz := clock_timestamp() + $2 * interval '1 millisecond';
begin
    -- Postgres ends a wait for a row only with the lock or with an error, so the lock is requested again and again.
    loop
        perform from stream.chat_heads as h where h.session_id = $1 for no key update skip locked;
        exit when found;
        if clock_timestamp() >= ends_at then
            return false;
        end if;
        perform pg_sleep(0.001);
    end loop;
    loop
        perform from stream.chat_relay as r where r.session_id = $1 for no key update skip locked;
        exit when found;
        if clock_timestamp() >= ends_at then
            return false;
        end if;
        perform pg_sleep(0.001);
    end loop;
    return true;
end
$$;
comment on function stream_ext.heartbeat_hold_log(uuid, integer) is
    'Locks the head and the relay row, which a system message changes, within a time; whether both are held.';

create function stream_ext.heartbeat_host(
    session_id uuid, user_id uuid, generation integer, token_expires_at timestamptz, waits boolean, later boolean,
    out is_host boolean, out status text, out code text, out comes_soon boolean, out token text, out uid integer,
    out expires_at timestamptz, out is_written boolean
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    is_locked pg_catalog.bool;
    host pg_catalog.record;
    is_due pg_catalog.bool;
    may_return pg_catalog.bool;
    comes_again pg_catalog.bool;
    renewal pg_catalog.record;
    issued_at pg_catalog.timestamptz;
    held_until pg_catalog.timestamptz;
    returned pg_catalog.record;
begin
    is_host := false;
    is_written := false;
    comes_soon := false;
    is_locked := case when $5 then stream_ext.gate_close_soon($1) else stream_ext.gate_close_if_free($1) end;
    select s.*, stream_ext.stream_returns_to(s.id, s.seller_id, s.state, s.state_before_error, s.state_reason, s.state_changed_at,
            s.reconnect_deadline) as returns_to
    into host
    from stream.stream_sessions as s where s.id = $1 and s.seller_id = $2;
    if not found then
        return;
    end if;
    is_host := true;
    code := case
        when host.state = 'ended' then 'stream_ended'
        when $3 <> host.generation then 'stale_host'
        when not is_locked and not $5 then 'lock_timeout'
        end;
    if code is not null then
        return;
    end if;
    status := 'ok';
    if not is_locked then
        comes_soon := true;
        return;
    end if;
    is_due := stream_ext.token_is_due(host.host_token_issued_at, host.host_token_expires_at, host.host_token_held_until, $4);
    if $6 then
        if host.returns_to is not null or is_due then
            status := null;
            code := 'lock_timeout';
        end if;
        return;
    end if;
    may_return := host.returns_to is not null and stream_ext.heartbeat_hold_log($1, case when $5 then 100 else 0 end)
        and stream_ext.realtime_take_soon($5);
    comes_again := host.returns_to is not null and not may_return;
    if comes_again and not $5 then
        status := null;
        code := 'lock_timeout';
        return;
    end if;
    is_due := is_due and not comes_again;
    if is_due then
        select p.app_id, p.certificate, p.issued_at, p.life_s into renewal from stream_ext.heartbeat_prepare($1) as p;
        is_due := renewal.life_s is not null and stream_ext.application_hold_user_if_free($2);
    end if;
    if is_due then
        issued_at := to_timestamp(renewal.issued_at);
        expires_at := to_timestamp(renewal.issued_at + renewal.life_s);
        held_until := stream_ext.token_held_until(host.host_token_issued_at, host.host_token_held_until, expires_at);
    end if;
    if may_return then
        select a.seq, a.created_at into returned
        from stream_ext.stream_announce($1, host.state, host.returns_to, 'host_returned', host.generation, true) as a;
        perform stream_ext.stream_write_state(
            $1, host.returns_to, 'host_returned', returned.seq, returned.created_at, host.state, true, false, null, null, null,
            issued_at, expires_at, held_until);
    else
        update stream.stream_sessions as o
        set host_seen_at = now(), host_heartbeat_at = now(),
            -- From the first one on the host is judged by heartbeats.
            check_at = case when o.host_seen_at is null then
                stream_ext.stream_check_at(o.state, o.created_at, o.state_changed_at, now(), o.reconnect_deadline)
                else o.check_at end,
            host_token_issued_at = coalesce(issued_at, o.host_token_issued_at),
            host_token_expires_at = coalesce(expires_at, o.host_token_expires_at),
            host_token_held_until = coalesce(held_until, o.host_token_held_until)
        where o.id = $1;
    end if;
    comes_soon := comes_again;
    is_written := not comes_again;
    if is_due then
        token := (stream_ext.token_issue(
            $1, $2, renewal.app_id, renewal.certificate, host.generation, true, renewal.issued_at, renewal.life_s)).token;
        uid := host.generation;
    end if;
end
$$;
comment on function stream_ext.heartbeat_host(uuid, uuid, integer, timestamptz, boolean, boolean) is
    'Processes the heartbeat of the host; is_host is false for anybody else, and code that of a refusal.';

create function stream_ext.heartbeat_skip_disk() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Only where the transaction has written nothing yet, such as a message: an emission that follows sets it on again.
    if pg_current_xact_id_if_assigned() is null and current_setting('synchronous_commit') <> 'off' then
        perform set_config('synchronous_commit', 'off', true);
    end if;
end
$$;
comment on function stream_ext.heartbeat_skip_disk() is
    'Commits a transaction that begins asynchronously, for changes that the next heartbeat repeats anyway.';

create function stream_ext.heartbeat_process(
    caller_id uuid, session_id uuid, user_id uuid, foreground boolean, generation integer, join_no integer,
    token_expires_at timestamptz, waits boolean, later boolean, later_foreground boolean,
    out code text, out result stream.heartbeat_result, out is_written boolean, out has_unsent boolean
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    is_host pg_catalog.bool;
    comes_soon pg_catalog.bool := false;
    reply pg_catalog.record;
    stream pg_catalog.record;
    given stream.agora_token;
    usual_ms pg_catalog.int4;
begin
    -- Before anything of the stream is locked, which viewers never do.
    perform from stream.stream_sessions as s where s.id = $2 and s.seller_id = $3;
    is_host := found;
    if is_host then
        reply := stream_ext.heartbeat_host($2, $3, $5, $7, $8, $9);
        is_host := reply.is_host;
        comes_soon := reply.comes_soon;
    end if;
    if not is_host then
        reply := stream_ext.heartbeat_viewer($2, $3, $4, $6, $7, $9, $10);
    end if;
    is_written := reply.is_written;
    code := reply.code;
    if code is not null then
        return;
    end if;
    -- The head is looked up last, so the log is never behind the state that is shown.
    select s.state, s.generation, s.viewer_count, s.reconnect_deadline, c.heartbeat_interval_s,
        stream_ext.log_epoch_of(c.epoch_salt) as epoch,
        (select h.last_seq from stream.chat_heads as h where h.session_id = $2) as head_seq, r.flushed_seq, r.poll_ms
    into stream
    from stream.stream_sessions as s
    cross join stream.config as c
    left join stream.chat_relay as r on r.session_id = $2
    where s.id = $2 and c.id;
    if not found then
        code := 'session_not_found';
        return;
    end if;
    if stream.state = 'ended' then
        code := 'stream_ended';
        return;
    end if;
    if reply.token is not null then
        given := row(reply.token, $2::text, reply.uid, reply.expires_at,
            row(is_host, true, is_host)::stream.token_privileges)::stream.agora_token;
    end if;
    usual_ms := stream.heartbeat_interval_s * 1000;
    has_unsent := stream.flushed_seq < stream.head_seq;
    result := row(
        reply.status, $2, stream.state, stream.generation, stream.generation, stream.epoch,
        stream.head_seq, stream.viewer_count, stream.reconnect_deadline,
        clock_timestamp(), case when comes_soon then least(usual_ms, 1000) else usual_ms end, stream.poll_ms, given,
        stream_private.oldest_client()
    )::stream.heartbeat_result;
end
$$;
comment on function stream_ext.heartbeat_process(
    uuid, uuid, uuid, boolean, integer, integer, timestamptz, boolean, boolean, boolean
) is 'Processes the heartbeat of an admitted caller: the result, or the code of the refusal.';

create function stream_ext.heartbeat(
    session_id uuid, foreground boolean, generation integer, join_no integer, user_id uuid, token_expires_at timestamptz
)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_write();
    about constant pg_catalog.uuid := stream_ext.caller_resolve(caller, $5);
    processed pg_catalog.record;
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    if current_setting('synchronous_commit') <> 'off' then
        perform stream_ext.heartbeat_skip_disk();
    end if;
    processed := stream_ext.heartbeat_process(caller, $1, about, $2, $3, $4, $6, true, false, false);
    if processed.code is not null then
        perform stream_ext.refuse(processed.code);
    end if;
    if processed.has_unsent then
        perform stream_ext.log_flush_without_ticker(array[$1]);
    end if;
    return processed.result;
end
$$;
comment on function stream_ext.heartbeat(uuid, boolean, integer, integer, uuid, timestamptz) is
    'Processes a heartbeat. token_expires_at is when the token of the device ends; null: the device does not say.';
