-- Moderation: deleting messages, restricting users, the rules of a chat, and the record of decisions.
create function stream_private.delete_message(session_id uuid, message_id uuid, reason text default null)
returns text
language plpgsql
as 'begin end';
comment on function stream_private.delete_message is $$
Takes the text of a message away; the entry and its seq stay: deleted, or already_deleted. Moderators, except messages
of the seller; authors their own. After the end of the stream too, then without an event.
@native
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_moderator, message_not_found
$$;

create function stream_private.delete_user_messages(session_id uuid, user_id uuid, reason text default null)
returns integer
language plpgsql
as 'begin end';
comment on function stream_private.delete_user_messages is $$
Takes the text of all messages of a user away, with one event; answers how many. Moderators only.
@native
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_moderator
$$;

create function stream_private.restrict_user(
    session_id uuid,
    user_id uuid,
    kind text,
    duration_s integer,
    reason text
)
returns stream.restriction
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    result stream.restriction;
begin
    perform stream_ext.restrict_user($1, $2, $3, $4, $5);
    select r.user_id, r.kind, r.until, r.actor, r.reason, r.created_at
    into result
    from stream_private.restrictions as r
    where r.session_id = $1 and r.user_id = $2 and r.kind = $3;
    return result;
exception when foreign_key_violation then
    -- The application knows no such user.
    perform stream_ext.refuse('invalid_argument');
end
$$;
comment on function stream_private.restrict_user(uuid, uuid, text, integer, text) is
    'The body of mute_user and ban_user, which run it as the owner: sets a mute or a ban and answers it.';

create function stream_private.mute_user(
    session_id uuid,
    user_id uuid,
    duration_s integer default null,
    reason text default null
)
returns stream.restriction
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return stream_private.restrict_user($1, $2, 'mute', $3, $4);
end
$$;
comment on function stream_private.mute_user is $$
Lets a user write no more in this stream, for 1 to 31,536,000 s or until lifted (null). Again: the new end counts.
Moderators only, and nobody against the seller or themself.
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_moderator, stream_ended, rate_limited
$$;

create function stream_private.ban_user(
    session_id uuid,
    user_id uuid,
    duration_s integer default null,
    reason text default null
)
returns stream.restriction
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return stream_private.restrict_user($1, $2, 'ban', $3, $4);
end
$$;
comment on function stream_private.ban_user is $$
Puts a user out of this stream: the place and the tokens end, and joining, heartbeats, tokens and writing are refused,
for 1 to 31,536,000 s or until lifted (null). Moderators only, and nobody against the seller or themself.
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_moderator, stream_ended, rate_limited
$$;

create function stream_private.lift_restriction(session_id uuid, user_id uuid, kind text)
returns text
language plpgsql
as 'begin end';
comment on function stream_private.lift_restriction is $$
Ends a mute or a ban (kind): lifted, or not_restricted. Moderators only, and nobody their own.
@native
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_moderator, stream_ended, rate_limited
$$;

create function stream_private.set_slow_mode(session_id uuid, interval_ms integer)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    perform stream_ext.set_slow_mode($1, $2);
    return stream_private.session($1);
end
$$;
comment on function stream_private.set_slow_mode is $$
How long a viewer waits between two messages, 0 (off) to 3,600,000 ms. Moderators only.
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_moderator, stream_ended
$$;

create function stream_private.set_chat_mode(session_id uuid, mode text)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    perform stream_ext.set_chat_mode($1, $2);
    return stream_private.session($1);
end
$$;
comment on function stream_private.set_chat_mode is $$
Who may write: viewers, verified, hosts or nobody. Moderators only.
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_moderator, stream_ended
$$;

create function stream_private.pin_message(session_id uuid, message_id uuid)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    perform stream_ext.pin_message($1, $2);
    return stream_private.session($1);
end
$$;
comment on function stream_private.pin_message is $$
Keeps a message of a user in view, in place of the one before. Moderators only.
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_moderator, message_not_found, stream_ended
$$;

create function stream_private.unpin_message(session_id uuid)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    perform stream_ext.unpin_message($1);
    return stream_private.session($1);
end
$$;
comment on function stream_private.unpin_message is $$
Takes the pin away, if there is one. Moderators only.
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_moderator, stream_ended
$$;

create function stream_private.block_term(session_id uuid default null, term text default null)
returns text
language plpgsql
as 'begin end';
comment on function stream_private.block_term is $$
Refuses messages that contain a term, however it is spelled: blocked, or already_blocked. At most 500. Moderators
only; session_id null, for all streams, the service only.
@native
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_moderator, stream_ended
$$;

create function stream_private.unblock_term(session_id uuid default null, term text default null)
returns text
language plpgsql
as 'begin end';
comment on function stream_private.unblock_term is $$
Ends a block: unblocked, or not_blocked. Moderators only; session_id null the service only.
@native
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_moderator, stream_ended
$$;

create function stream_private.list_blocked_terms(session_id uuid default null)
returns setof stream.blocked_term
language plpgsql stable
as 'begin end';
comment on function stream_private.list_blocked_terms is $$
The terms that are blocked in a stream, or in all of them (null), oldest first. Moderators only; null the service
only.
@native
@callers authenticated, service_role
@errors session_not_found, not_moderator
$$;

create function stream_private.list_restrictions(session_id uuid, after uuid default null, page_size integer default 50)
returns setof stream.restriction
language plpgsql stable
as 'begin end';
comment on function stream_private.list_restrictions is $$
Mutes and bans in force, of the users behind after by ascending user_id; page_size 1 to 200 counts users. Moderators
only.
@native
@callers authenticated, service_role
@errors invalid_argument, session_not_found, not_moderator
$$;

create function stream_private.get_moderation_log(
    session_id uuid default null,
    before_id bigint default null,
    page_size integer default 50
)
returns setof stream.moderation_entry
language plpgsql stable
as 'begin end';
comment on function stream_private.get_moderation_log is $$
What was decided in a stream, the newest first, those before an id; page_size 1 to 200. Moderators only; session_id
null, for decisions about all streams, the service only.
@native
@callers authenticated, service_role
@errors invalid_argument, session_not_found, not_moderator
$$;
