-- Subscriptions of users to the chat of a stream: a record that names the topic; Realtime's own policies decide again.

create function stream_ext.subscribe_to_chat(of_session uuid, of_user uuid)
returns table (id uuid, session_id uuid, user_id uuid, channel text, is_active boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    subscriber constant pg_catalog.uuid := stream_ext.act_for($2);
    stream_state pg_catalog.text;
    reader pg_catalog.record;
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    perform stream_ext.gate_pass($1);
    -- Shared with joins and tokens, exclusive with the end of the stream, which closes all subscriptions.
    select s.state into stream_state from stream.stream_sessions as s where s.id = $1 for share;
    if stream_state is null then
        perform stream_ext.refuse('session_not_found');
    end if;
    if stream_state = 'ended' then
        perform stream_ext.refuse('stream_ended');
    end if;
    -- The rule of the Realtime policy for topic chat:<id>, and whether a ban holds.
    select s.seller_id = subscriber as is_seller,
        stream_private.can_view(subscriber, s.id, s.seller_id) as can_view,
        stream_private.has_joined(subscriber, s.id) as has_joined,
        exists (select from stream_private.bans as b where b.session_id = s.id and b.user_id = subscriber) as is_banned
    into reader
    from stream.stream_sessions as s where s.id = $1;
    if not reader.is_seller then
        if not reader.can_view then
            perform stream_ext.refuse('cannot_view');
        end if;
        if reader.is_banned then
            perform stream_ext.refuse('banned');
        end if;
        if not reader.has_joined then
            perform stream_ext.refuse('not_viewer');
        end if;
    end if;
    insert into stream.chat_subscriptions as c (session_id, user_id, channel)
    values ($1, subscriber, 'chat:' || $1)
    on conflict on constraint chat_subscriptions_session_id_user_id_key do update
    set is_active = true, ended_at = null, created_at = now()
    where not c.is_active;
    -- Another device may have ended it in between: return the row as it is now.
    return query
    select c.id, c.session_id, c.user_id, c.channel, c.is_active
    from stream.chat_subscriptions as c where c.session_id = $1 and c.user_id = subscriber;
    if not found then
        perform stream_ext.refuse('subscription_not_found');
    end if;
end
$$;
comment on function stream_ext.subscribe_to_chat(uuid, uuid) is 'Subscribes a user to the chat of a stream, once.';

create function stream_ext.unsubscribe_from_chat(subscription_id uuid)
returns table (id uuid, session_id uuid, user_id uuid, channel text, is_active boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_write();
begin
    if $1 is null then
        perform stream_ext.error_null('subscription_id');
    end if;
    update stream.chat_subscriptions as c set is_active = false, ended_at = now()
    where c.id = $1 and (caller is null or c.user_id = caller) and c.is_active;
    return query
    select c.id, c.session_id, c.user_id, c.channel, c.is_active
    from stream.chat_subscriptions as c where c.id = $1 and (caller is null or c.user_id = caller);
    if not found then
        perform stream_ext.refuse('subscription_not_found');
    end if;
end
$$;
comment on function stream_ext.unsubscribe_from_chat(uuid) is 'Ends the caller''s own subscription, or anybody''s for the service.';
