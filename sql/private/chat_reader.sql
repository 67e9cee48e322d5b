-- Read marks and chat subscriptions.
create function stream_private.mark_messages_as_read(
    session_id uuid,
    user_id uuid default null,
    message_ids uuid[] default null
)
returns bigint
language plpgsql
as 'begin end';
comment on function stream_private.mark_messages_as_read is $$
Marks up to 1,000 messages as read and answers how many entries of the log are unread then. In any order, again and
from several devices at once; ids that the log does not hold are ignored. user_id null: the caller.
@native
@callers authenticated, service_role
@repeat safe
@errors isolation_level, invalid_argument, not_self, session_not_found, cannot_view
$$;

create function stream_private.mark_read_up_to(session_id uuid, user_id uuid default null, seq bigint default null)
returns bigint
language plpgsql
as 'begin end';
comment on function stream_private.mark_read_up_to is $$
Marks every entry of the log up to seq as read, none beyond the newest, and answers how many are unread then. user_id
null: the caller.
@native
@callers authenticated, service_role
@repeat safe
@errors isolation_level, invalid_argument, not_self, session_not_found, cannot_view
$$;

create function stream_private.unread_count(session_id uuid, user_id uuid default null)
returns bigint
language plpgsql stable
as 'begin end';
comment on function stream_private.unread_count is $$
How many entries of the kept log are not marked as read, without looking at them: system messages and one's own count
too. user_id null: the caller.
@native
@callers authenticated, service_role
@errors invalid_argument, not_self, session_not_found, cannot_view
$$;

create function stream_private.subscribe_to_chat(session_id uuid, user_id uuid default null)
returns stream.chat_subscription
language plpgsql
as 'begin end';
comment on function stream_private.subscribe_to_chat is $$
Follows the chat of a stream and names the private Realtime topic to join: for the seller, and for viewers who have
joined and are not banned. Again: the same subscription. It ends with the stream. user_id null: the caller.
@native
@callers authenticated, service_role
@repeat safe
@errors isolation_level, invalid_argument, not_self, session_not_found, stream_ended, cannot_view, banned, not_viewer
$$;

create function stream_private.unsubscribe_from_chat(subscription_id uuid)
returns stream.chat_subscription
language plpgsql
as 'begin end';
comment on function stream_private.unsubscribe_from_chat is $$
Ends a subscription of the caller, or anybody's for the service. Again: no change. Somebody else's is answered like
one that is not there.
@native
@callers authenticated, service_role
@repeat safe
@errors isolation_level, invalid_argument, subscription_not_found
$$;
