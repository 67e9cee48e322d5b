-- Starting a stream, or continuing it on another device.
create function stream_ext.stream_new_id() returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    milliseconds constant pg_catalog.int8 := floor(extract(epoch from clock_timestamp()) * 1000);
    random constant pg_catalog.text := replace(gen_random_uuid()::text, '-', '');
begin
    -- Version 7: the time, then the version in the place of the random id's own, then what is left of that.
    return (lpad(to_hex(milliseconds), 12, '0') || '7' || substr(random, 14))::uuid;
end
$$;
comment on function stream_ext.stream_new_id() is 'A uuid of version 7: ids of streams begin with the time.';

create function stream_ext.stream_returns_to(
    session_id uuid, seller_id uuid, state text, state_before_error text, state_reason text, state_changed_at timestamptz,
    reconnect_deadline timestamptz
)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if $3 <> 'error' or $5 is null or $5 not in ('host_lost', 'host_token') or coalesce($7 <= now(), true) then
        return null;
    end if;
    -- A host whom Agora removed for an expired token may return when a token was issued since; a token's times are in whole
    -- seconds.
    if $5 = 'host_token' and not exists (
        select from stream.agora_tokens as t
        where t.session_id = $1 and t.user_id = $2 and t.is_active and t.created_at >= date_trunc('second', $6)
    ) then
        return null;
    end if;
    return $4;
end
$$;
comment on function stream_ext.stream_returns_to(uuid, uuid, text, text, text, timestamptz, timestamptz) is
    'The state to which the next heartbeat brings a locked stream back, when its host was lost and may return; otherwise null.';

create function stream_ext.stream_check_owner(seller_id uuid, auction_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if not coalesce(stream.hook_owns_auction($1, $2), false) then
        perform stream_ext.refuse('not_auction_owner');
    end if;
end
$$;
comment on function stream_ext.stream_check_owner(uuid, uuid) is
    'Asks the hook with a snapshot of its own, so it counts what was committed during a wait.';

create function stream_ext.stream_charge_start(seller_id uuid, starts_us bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    noted pg_catalog.timestamptz;
begin
    -- A row that was missing can be added by another device, and be swept again before it is locked.
    for attempt in 1..3 loop
        select r.tat into noted from stream.start_rates as r where r.seller_id = $1 for no key update;
        if found then
            update stream.start_rates as r set tat = stream_ext.rate_take($2, 60000000 - $2, noted) where r.seller_id = $1;
            return;
        end if;
        insert into stream.start_rates as r (seller_id, tat) values ($1, stream_ext.rate_take($2, 60000000 - $2, null))
        on conflict on constraint start_rates_pkey do nothing;
        if found then
            return;
        end if;
    end loop;
    perform stream_ext.error_internal('the rate of starts was not locked');
end
$$;
comment on function stream_ext.stream_charge_start(uuid, bigint) is
    'Counts a start, or refuses it with the wait. The row is locked last, and judged under that lock.';

create function stream_ext.stream_create(id uuid, seller_id uuid, auction_id uuid, reconnect_window_s integer) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    entry_seq pg_catalog.int8;
begin
    insert into stream.stream_sessions as s (id, seller_id, auction_id, channel_id, reconnect_window_s)
    select $1, $2, $3, $1::text, coalesce($4, c.reconnect_window_s) from stream.config as c
    on conflict do nothing;
    if not found then
        return false;
    end if;
    insert into stream.chat_heads as h (session_id) values ($1);
    insert into stream.chat_relay as r (session_id) values ($1);
    select l.seq into entry_seq from stream_ext.stream_log_state($1, null, 'initializing', null, 1) as l;
    update stream.stream_sessions as s
    set state_seq = entry_seq,
        check_at = stream_ext.stream_check_at(s.state, s.created_at, s.state_changed_at, s.host_seen_at, s.reconnect_deadline)
    where s.id = $1;
    return true;
end
$$;
comment on function stream_ext.stream_create(uuid, uuid, uuid, integer) is
    'Inserts the session; false when the auction already has a live one.';

create function stream_ext.stream_take_over(session_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    live pg_catalog.record;
    entry_seq pg_catalog.int8;
    returned pg_catalog.record;
begin
    select s.state, s.generation, s.host_seen_at is not null as has_sent_heartbeat,
        stream_ext.stream_returns_to(s.id, s.seller_id, s.state, s.state_before_error, s.state_reason, s.state_changed_at,
            s.reconnect_deadline) as returns_to
    into live
    from stream.stream_sessions as s where s.id = $1;
    -- The host's Agora uid is the generation, and uids from 1,000,000 on are viewers'.
    if live.generation >= 999999 then
        perform stream_ext.refuse('takeovers_exhausted');
    end if;
    select l.seq into entry_seq
    from stream_ext.log_system($1, 'The host continues on another device.', jsonb_build_object(
        'kind', 'host_changed', 'state', live.state, 'generation', live.generation + 1), 'urgent') as l;
    -- Like a heartbeat, it brings back a lost host who sends heartbeats.
    if live.returns_to is not null and live.has_sent_heartbeat then
        select a.seq, a.created_at into returned
        from stream_ext.stream_announce($1, live.state, live.returns_to, 'host_returned', live.generation + 1, true) as a;
        perform stream_ext.stream_write_state(
            $1, live.returns_to, 'host_returned', returned.seq, returned.created_at, live.state, false, false,
            live.generation + 1, null, null, null, null, null);
        return;
    end if;
    -- Counts as a heartbeat of a host who sends heartbeats; others still cannot be lost.
    update stream.stream_sessions as s
    set generation = live.generation + 1, state_seq = entry_seq,
        host_seen_at = case when s.host_seen_at is not null then now() end
    where s.id = $1;
end
$$;
comment on function stream_ext.stream_take_over(uuid) is
    'Lets another device of the same seller take over a locked stream: the generation, which fences the older device off, goes up.';

create function stream_ext.start_stream(auction_id uuid, seller_id uuid, reconnect_window_s integer) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_write();
    seller constant pg_catalog.uuid := stream_ext.caller_resolve(caller, $2);
    starts_us pg_catalog.int8;
    started pg_catalog.uuid;
    live pg_catalog.record;
begin
    perform stream_ext.application_hold_user(seller);
    if $1 is null then
        perform stream_ext.error_null('auction_id');
    end if;
    if $3 not between 0 and 1800 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'reconnect_window_s is 0 to 1800');
    end if;
    -- Checked before anything is locked, so that nobody can lock the auctions of others.
    perform stream_ext.stream_check_owner(seller, $1);
    if caller is not null then
        starts_us := stream_ext.rate_minute_us((select c.starts_per_minute from stream.config as c where c.id));
        perform stream_ext.rate_take(starts_us, 60000000 - starts_us,
            (select r.tat from stream.start_rates as r where r.seller_id = seller));
    end if;
    -- A live session can end between finding and locking it; more than two such attempts are unlikely.
    for attempt in 1..3 loop
        perform from stream.stream_sessions as s where s.auction_id = $1 and s.state <> 'ended';
        if not found then
            -- The foreign key's own check would come after the index entry, for which a transaction waits that has locked its
            -- auction and starts the stream itself.
            perform stream_ext.application_hold_auction($1);
            perform stream_ext.stream_check_owner(seller, $1);
            started := stream_ext.stream_new_id();
            exit when stream_ext.stream_create(started, seller, $1, $3);
        end if;
        started := null;
        select s.id into live from stream.stream_sessions as s where s.auction_id = $1 and s.state <> 'ended';
        if found then
            perform stream_ext.gate_close(live.id);
        end if;
        select s.id, s.seller_id into live from stream.stream_sessions as s
        where s.auction_id = $1 and s.state <> 'ended' for no key update;
        if found then
            if live.seller_id <> seller then
                perform stream_ext.refuse('auction_live');
            end if;
            perform stream_ext.stream_take_over(live.id);
            started := live.id;
            exit;
        end if;
    end loop;
    if started is null then
        perform stream_ext.refuse('auction_live');
    end if;
    if caller is not null then
        perform stream_ext.stream_charge_start(seller, starts_us);
    end if;
    return started;
end
$$;
comment on function stream_ext.start_stream(uuid, uuid, integer) is 'Starts a stream of an auction, or takes over the seller''s live one.';
