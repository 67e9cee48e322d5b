-- What a reader of the log keeps: read marks and subscriptions.
create function stream_private.mark_messages_as_read(session_id uuid, user_id uuid, message_ids uuid[])
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_ext.mark_messages_as_read($1, $2, $3);
end
$$;

create function stream.mark_messages_as_read(
    session_id uuid,
    user_id uuid default null,
    message_ids uuid[] default null
)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.mark_messages_as_read($1, $2, $3);
end
$$;
comment on function stream.mark_messages_as_read(uuid, uuid, uuid[]) is
    'Marks up to 1,000 messages as read and answers how many entries of the log are unread then. In any order, again '
    'and from several devices at once; ids that the log does not hold are ignored. user_id null: the caller.';

revoke all on function stream_private.mark_messages_as_read(uuid, uuid, uuid[]),
    stream.mark_messages_as_read(uuid, uuid, uuid[])
    from public, anon, authenticated, service_role;
grant execute on function stream_private.mark_messages_as_read(uuid, uuid, uuid[]),
    stream.mark_messages_as_read(uuid, uuid, uuid[])
    to authenticated, service_role;

create function stream_private.mark_read_up_to(session_id uuid, user_id uuid, seq bigint)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_ext.mark_read_up_to($1, $2, $3);
end
$$;

create function stream.mark_read_up_to(session_id uuid, user_id uuid default null, seq bigint default null)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.mark_read_up_to($1, $2, $3);
end
$$;
comment on function stream.mark_read_up_to(uuid, uuid, bigint) is
    'Marks every entry of the log up to seq as read, none beyond the newest, and answers how many are unread then. '
    'user_id null: the caller.';

revoke all on function stream_private.mark_read_up_to(uuid, uuid, bigint), stream.mark_read_up_to(uuid, uuid, bigint)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.mark_read_up_to(uuid, uuid, bigint),
    stream.mark_read_up_to(uuid, uuid, bigint)
    to authenticated, service_role;

create function stream_private.unread_count(session_id uuid, user_id uuid)
returns bigint
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_ext.unread_count($1, $2);
end
$$;

create function stream.unread_count(session_id uuid, user_id uuid default null)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.unread_count($1, $2);
end
$$;
comment on function stream.unread_count(uuid, uuid) is
    'How many entries of the kept log are not marked as read, without looking at them: system messages and one''s own '
    'count too. user_id null: the caller.';

revoke all on function stream_private.unread_count(uuid, uuid), stream.unread_count(uuid, uuid)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.unread_count(uuid, uuid), stream.unread_count(uuid, uuid)
    to authenticated, service_role;

create function stream_private.subscribe_to_chat(session_id uuid, user_id uuid)
returns stream.chat_subscription
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    result stream.chat_subscription;
begin
    select s.id, s.session_id, s.user_id, s.channel, s.is_active
    into result
    from stream_ext.subscribe_to_chat($1, $2) as s;
    return result;
end
$$;

create function stream.subscribe_to_chat(session_id uuid, user_id uuid default null)
returns stream.chat_subscription
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.subscribe_to_chat($1, $2);
end
$$;
comment on function stream.subscribe_to_chat(uuid, uuid) is
    'Follows the chat of a stream and names the private Realtime topic to join: for the seller, and for viewers who '
    'have joined and are not banned. Again: the same subscription. It ends with the stream. user_id null: the caller.';

revoke all on function stream_private.subscribe_to_chat(uuid, uuid), stream.subscribe_to_chat(uuid, uuid)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.subscribe_to_chat(uuid, uuid), stream.subscribe_to_chat(uuid, uuid)
    to authenticated, service_role;

create function stream_private.unsubscribe_from_chat(subscription_id uuid)
returns stream.chat_subscription
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    result stream.chat_subscription;
begin
    select s.id, s.session_id, s.user_id, s.channel, s.is_active
    into result
    from stream_ext.unsubscribe_from_chat($1) as s;
    return result;
end
$$;

create function stream.unsubscribe_from_chat(subscription_id uuid)
returns stream.chat_subscription
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.unsubscribe_from_chat($1);
end
$$;
comment on function stream.unsubscribe_from_chat(uuid) is
    'Ends a subscription of the caller, or anybody''s for the service. Again: no change. Somebody else''s is answered '
    'like one that is not there.';

revoke all on function stream_private.unsubscribe_from_chat(uuid), stream.unsubscribe_from_chat(uuid)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.unsubscribe_from_chat(uuid), stream.unsubscribe_from_chat(uuid)
    to authenticated, service_role;
