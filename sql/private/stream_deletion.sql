-- Deletion of streams, and of the users and auctions that they hang on.
create function stream_private.refuse_deleting_live_session() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if old.state <> 'ended' then
        perform stream_ext.refuse('stream_live');
    end if;
    return old;
end
$$;
comment on function stream_private.refuse_deleting_live_session() is
    'A stream must end before it, its seller or its auction can be deleted.';

create trigger stream_sessions_refuse_deleting_live
before delete on stream.stream_sessions
for each row execute function stream_private.refuse_deleting_live_session();

create function stream_private.lock_places_of_deleted_session() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- By ascending user, as batches take them; the foreign keys would take them as they come.
    perform from stream.stream_viewers as v where v.session_id = old.id order by v.user_id for update;
    return old;
end
$$;
comment on function stream_private.lock_places_of_deleted_session() is
    'Whoever deletes a stream takes the places of its viewers in the order of locks.';

-- Triggers run by name, so behind the one that refuses.
create trigger stream_sessions_then_lock_places
before delete on stream.stream_sessions
for each row execute function stream_private.lock_places_of_deleted_session();

create function stream_private.lock_for_deletion(user_ids uuid[], auction_ids uuid[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    sessions pg_catalog.uuid[];
    place pg_catalog.record;
begin
    -- Refused in any case, so nothing is waited for: who changes a live stream may be waiting for its
    -- seller or its auction.
    if exists (
        select from stream.stream_sessions as s
        where (s.seller_id = any (user_ids) or s.auction_id = any (auction_ids)) and s.state <> 'ended'
    ) then
        perform stream_ext.refuse('stream_live');
    end if;
    perform from stream.stream_sessions as s
    where s.seller_id = any (user_ids) or s.auction_id = any (auction_ids)
    order by s.id for no key update;
    select array_agg(s.id) into sessions from stream.stream_sessions as s
    where s.seller_id = any (user_ids) or s.auction_id = any (auction_ids);
    -- One look-up for each, whatever the planner thinks of the lists.
    for place in
        select v.session_id, v.user_id from stream.stream_viewers as v where v.user_id = any (user_ids)
        union
        select v.session_id, v.user_id from stream.stream_viewers as v where v.session_id = any (sessions)
        order by session_id, user_id
    loop
        perform from stream.stream_viewers as v
        where v.session_id = place.session_id and v.user_id = place.user_id for update;
    end loop;
end
$$;
comment on function stream_private.lock_for_deletion(uuid[], uuid[]) is
    'For the host application''s triggers: what hangs on users and auctions that are being deleted, in the order of locks.';
