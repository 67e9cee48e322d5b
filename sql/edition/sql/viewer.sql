-- Joining and leaving a stream, the number and the list of its viewers. Joins never wait for each other: they share the session's
-- row lock and only add rows. A lease has at most one pending row in viewer_changes, by which tick counts.
create function stream_ext.viewer_uid(session_id uuid, user_id uuid, attempt integer) returns integer
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    digest constant pg_catalog.bytea := sha256(
        convert_to('agora viewer uid', 'UTF8') || uuid_send($1) || uuid_send($2)
        || set_byte(e'\\x00000000'::bytea, 0, $3));
    low constant pg_catalog.int8 := get_byte(digest, 0)::bigint | (get_byte(digest, 1)::bigint << 8)
        | (get_byte(digest, 2)::bigint << 16) | (get_byte(digest, 3)::bigint << 24);
    high constant pg_catalog.int8 := get_byte(digest, 4)::bigint | (get_byte(digest, 5)::bigint << 8)
        | (get_byte(digest, 6)::bigint << 16) | (get_byte(digest, 7)::bigint << 24);
    -- 1,000,000 to 2^31 - 1.
    uids constant pg_catalog.int8 := 2146483648;
begin
    return 1000000 + ((high % uids) * (4294967296 % uids) + low) % uids;
end
$$;
comment on function stream_ext.viewer_uid(uuid, uuid, integer) is
    'The Agora uid of a viewer, stable for each session and user; attempt counts up to 255 when it is taken.';

create function stream_ext.viewer_rejoin(
    session_id uuid, user_id uuid, changes_count boolean, out agora_uid integer, out join_no integer, out joined_at timestamptz
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- A second update would check the lease's foreign keys again and wait for a user who is being deleted. While the lease's older
    -- row of changes is pending no other is added: it is locked until this transaction ends, and tick skips locked rows.
    with waiting as (
        select c.id from stream.viewer_changes as c
        where c.id = (select v.change_id from stream.stream_viewers as v where v.session_id = $1 and v.user_id = $2)
            and c.session_id = $1
        for key share skip locked
    ), change as (
        insert into stream.viewer_changes as n (session_id)
        select $1 where $3 and not exists (select from waiting)
        returning n.id
    )
    update stream.stream_viewers as v
    set join_no = v.join_no + 1, left_at = null,
        joined_at = case when v.is_active then v.joined_at else now() end,
        last_seen_at = now(), background_since = null,
        -- Of a lease that holds it stays: the sweep then checks too early and sets it anew.
        lease_check_at = case when v.is_active then v.lease_check_at else now() + c.lease_s * interval '1 second' end,
        change_id = coalesce((select n.id from change as n), v.change_id)
    from stream.config as c
    where v.session_id = $1 and v.user_id = $2
    returning v.agora_uid, v.join_no, v.joined_at into $4, $5, $6;
end
$$;
comment on function stream_ext.viewer_rejoin(uuid, uuid, boolean) is
    'Takes a lease again; changes_count: whether the number of viewers may change. Nulls where there is no row.';

create function stream_ext.viewer_take_lease(
    session_id uuid, user_id uuid, out agora_uid integer, out join_no integer, out joined_at timestamptz
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    is_active pg_catalog.bool;
begin
    -- The usual second join, of a lease that holds: nothing is counted.
    update stream.stream_viewers as v
    set join_no = v.join_no + 1, last_seen_at = now(), background_since = null
    where v.session_id = $1 and v.user_id = $2 and v.is_active
    returning v.agora_uid, v.join_no, v.joined_at into $3, $4, $5;
    if found then
        return;
    end if;
    select v.is_active into is_active from stream.stream_viewers as v
    where v.session_id = $1 and v.user_id = $2 for no key update;
    if found then
        select r.agora_uid, r.join_no, r.joined_at into $3, $4, $5 from stream_ext.viewer_rejoin($1, $2, not is_active) as r;
        return;
    end if;
    -- With 2^31 uids and some ten thousand viewers even a second try is rare.
    for attempt in 0..15 loop
        with change as (
            insert into stream.viewer_changes as n (session_id) values ($1) returning n.id
        )
        insert into stream.stream_viewers as v (session_id, user_id, agora_uid, lease_check_at, change_id)
        select $1, $2, stream_ext.viewer_uid($1, $2, attempt), now() + c.lease_s * interval '1 second', n.id
        from stream.config as c cross join change as n
        on conflict do nothing
        returning v.agora_uid, v.join_no, v.joined_at into $3, $4, $5;
        if found then
            return;
        end if;
        -- Either the uid is taken, or the same user joined from another device meanwhile.
        select r.agora_uid, r.join_no, r.joined_at into $3, $4, $5 from stream_ext.viewer_rejoin($1, $2, true) as r;
        if agora_uid is not null then
            return;
        end if;
    end loop;
    perform stream_ext.error_internal('no free Agora uid');
end
$$;
comment on function stream_ext.viewer_take_lease(uuid, uuid) is 'Takes the lease of a user who may watch, and locks it.';

create function stream_ext.viewer_join(
    session_id uuid, user_id uuid, out agora_uid integer, out join_no integer, out joined_at timestamptz
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    stream pg_catalog.record;
    lease pg_catalog.record;
begin
    perform stream_ext.gate_pass($1);
    -- Shared with other joins; conflicts with every change of the state.
    select s.state, s.seller_id into stream from stream.stream_sessions as s where s.id = $1 for share;
    if not found then
        perform stream_ext.refuse('session_not_found');
    end if;
    if stream.seller_id = $2 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the seller is not a viewer of their own stream');
    end if;
    if not stream_private.can_view($2, $1, stream.seller_id) then
        perform stream_ext.refuse('cannot_view');
    end if;
    -- Read after the lock, so a ban committed meanwhile counts.
    if exists (select from stream_private.bans as b where b.session_id = $1 and b.user_id = $2) then
        perform stream_ext.refuse('banned');
    end if;
    if stream.state = 'ended' then
        perform stream_ext.refuse('stream_ended');
    end if;
    lease := stream_ext.viewer_take_lease($1, $2);
    agora_uid := lease.agora_uid;
    join_no := lease.join_no;
    joined_at := lease.joined_at;
end
$$;
comment on function stream_ext.viewer_join(uuid, uuid) is 'Joins for a user whose row is locked.';

create function stream_ext.add_viewer(session_id uuid, buyer_id uuid)
returns table (user_id uuid, agora_uid integer, join_no integer, joined_at timestamptz)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    buyer constant pg_catalog.uuid := stream_ext.act_for($2);
    lease pg_catalog.record;
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    lease := stream_ext.viewer_join($1, buyer);
    user_id := buyer;
    agora_uid := lease.agora_uid;
    join_no := lease.join_no;
    joined_at := lease.joined_at;
    return next;
end
$$;
comment on function stream_ext.add_viewer(uuid, uuid) is 'Joins a stream; a second join keeps the row and counts join_no up.';

create function stream_ext.remove_viewer(session_id uuid, buyer_id uuid, join_no integer) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    buyer constant pg_catalog.uuid := stream_ext.caller_resolve(stream_ext.enter_to_write(), $2);
    lease pg_catalog.record;
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    select v.is_active, v.join_no into lease from stream.stream_viewers as v
    where v.session_id = $1 and v.user_id = buyer for no key update;
    if not found then
        perform from stream.stream_sessions as s where s.id = $1 for share;
        if not found then
            perform stream_ext.refuse('session_not_found');
        end if;
        return 'not_joined';
    end if;
    if not lease.is_active then
        return 'not_joined';
    end if;
    if $3 <> lease.join_no then
        return 'superseded';
    end if;
    with waiting as (
        select c.id from stream.viewer_changes as c
        where c.id = (select v.change_id from stream.stream_viewers as v where v.session_id = $1 and v.user_id = buyer)
            and c.session_id = $1
        for key share skip locked
    ), change as (
        insert into stream.viewer_changes as n (session_id)
        select $1 where not exists (select from waiting)
        returning n.id
    )
    update stream.stream_viewers as v
    set left_at = now(), watch_ms = v.watch_ms + stream_ext.viewer_watched_ms(v.joined_at, now()),
        change_id = coalesce((select n.id from change as n), v.change_id)
    where v.session_id = $1 and v.user_id = buyer;
    return 'removed';
end
$$;
comment on function stream_ext.remove_viewer(uuid, uuid, integer) is 'Leaves a stream: removed, not_joined, or superseded by another device.';

create function stream_ext.get_viewer_count(session_id uuid) returns integer
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_read();
    stream pg_catalog.record;
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    select stream_private.can_view(caller, s.id, s.seller_id) as can_view,
        (select count(*)::integer from stream_private.leases as v where v.session_id = s.id and v.holds) as viewer_count
    into stream
    from stream.stream_sessions as s where s.id = $1;
    if not found then
        perform stream_ext.refuse('session_not_found');
    end if;
    if not stream.can_view then
        perform stream_ext.refuse('cannot_view');
    end if;
    return stream.viewer_count;
end
$$;
comment on function stream_ext.get_viewer_count(uuid) is 'The number of viewers, from the leases that hold.';

create function stream_ext.get_viewers(session_id uuid, after uuid, page_size integer)
returns table (
    user_id uuid, agora_uid integer, joined_at timestamptz, last_seen_at timestamptz, foreground boolean, watch_ms bigint
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_read();
    seller pg_catalog.uuid;
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    perform stream_private.check_page_size($3);
    select s.seller_id into seller from stream.stream_sessions as s where s.id = $1;
    if not found then
        perform stream_ext.refuse('session_not_found');
    end if;
    if caller <> seller then
        perform stream_ext.refuse('not_stream_owner');
    end if;
    return query
    select v.user_id, v.agora_uid::integer, v.joined_at, v.last_seen_at, v.foreground, v.watched_ms
    from stream_private.leases as v
    where v.session_id = $1 and v.holds and ($2 is null or v.user_id > $2)
    order by v.user_id
    limit $3;
end
$$;
comment on function stream_ext.get_viewers(uuid, uuid, integer) is 'A page of the viewers whose leases hold, for the seller and the service.';
