-- Sending chat messages, one or many.
create function stream_private.send_message(
    session_id uuid,
    user_id uuid default null,
    content text default null,
    id uuid default null
)
returns stream.chat_message
language plpgsql
-- It passes arrays of users, which look longer to a general plan than they are, so that Postgres would plan anew at every
-- call (measured: 860 microseconds of processor time for a send, instead of less than half).
set plan_cache_mode = force_generic_plan
as 'begin end';
comment on function stream_private.send_message is $$
Sends a chat message: 1 to 2,000 characters after trimming. id is made by the client; the same id again returns the
stored message. user_id null: the caller.
@native
@callers authenticated, service_role
@repeat safe with id
@errors isolation_level, invalid_argument, not_self, session_not_found, stream_ended, banned, not_viewer, cannot_chat,
    anonymous_user, muted, chat_closed, slow_mode, rate_limited, content_empty, content_too_long, content_invalid,
    content_blocked, message_id_conflict
$$;

create function stream_private.send_messages(items json)
returns setof stream.message_result
language plpgsql
-- As send_message.
set plan_cache_mode = force_generic_plan
as 'begin end';
comment on function stream_private.send_messages is $$
Messages of many users and streams in one call of the service: an array of at most 1,000 objects {session_id, user_id,
content, id?, claims?}. One row for each, in order; an item that is refused or fails costs only itself. claims are the
verified ones of the user for whom the item is sent: it is then judged as that user's own call, user_id null is the user,
and hooks find these claims in request.jwt.claims; claims that are null or of another role than authenticated are refused.
A stream whose rows somebody holds costs its own items alone:
lock_timeout after 200 ms, send them again.
@native
@callers service_role
@repeat unsafe
@errors isolation_level, invalid_argument
$$;
