-- Moderation: deleting messages, restricting users, the rules of a chat, and what was decided.
create function stream_private.delete_message(session_id uuid, message_id uuid, reason text)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_ext.delete_message($1, $2, $3);
end
$$;

create function stream.delete_message(session_id uuid, message_id uuid, reason text default null)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.delete_message($1, $2, $3);
end
$$;
comment on function stream.delete_message(uuid, uuid, text) is
    'Takes the text of a message away; the entry and its seq stay: deleted, or already_deleted. Moderators, except '
    'messages of the seller; authors their own. After the end of the stream too, then without an event.';

revoke all on function stream_private.delete_message(uuid, uuid, text), stream.delete_message(uuid, uuid, text)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.delete_message(uuid, uuid, text), stream.delete_message(uuid, uuid, text)
    to authenticated, service_role;

create function stream_private.delete_user_messages(session_id uuid, user_id uuid, reason text)
returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_ext.delete_user_messages($1, $2, $3);
end
$$;

create function stream.delete_user_messages(session_id uuid, user_id uuid, reason text default null)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.delete_user_messages($1, $2, $3);
end
$$;
comment on function stream.delete_user_messages(uuid, uuid, text) is
    'Takes the text of all messages of a user away, with one event; answers how many. Moderators only.';

revoke all on function stream_private.delete_user_messages(uuid, uuid, text), stream.delete_user_messages(uuid, uuid, text)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.delete_user_messages(uuid, uuid, text), stream.delete_user_messages(uuid, uuid, text)
    to authenticated, service_role;

create function stream_private.mute_user(session_id uuid, user_id uuid, duration_s integer, reason text)
returns stream.restriction
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    result stream.restriction;
begin
    perform stream_ext.restrict_user($1, $2, 'mute', $3, $4);
    select r.user_id, r.kind, r.until, r.actor, r.reason, r.created_at
    into result
    from stream.chat_restrictions as r
    where r.session_id = $1 and r.user_id = $2 and r.kind = 'mute';
    return result;
exception when foreign_key_violation then
    -- The application knows no such user.
    perform stream_ext.refuse('invalid_argument');
end
$$;

create function stream.mute_user(
    session_id uuid,
    user_id uuid,
    duration_s integer default null,
    reason text default null
)
returns stream.restriction
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.mute_user($1, $2, $3, $4);
end
$$;
comment on function stream.mute_user(uuid, uuid, integer, text) is
    'Lets a user write no more in this stream, for 1 to 31,536,000 s or until lifted (null). Again: the new end '
    'counts. Moderators only, and nobody against the seller or themself.';

revoke all on function stream_private.mute_user(uuid, uuid, integer, text), stream.mute_user(uuid, uuid, integer, text)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.mute_user(uuid, uuid, integer, text), stream.mute_user(uuid, uuid, integer, text)
    to authenticated, service_role;

create function stream_private.ban_user(session_id uuid, user_id uuid, duration_s integer, reason text)
returns stream.restriction
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    result stream.restriction;
begin
    perform stream_ext.restrict_user($1, $2, 'ban', $3, $4);
    select r.user_id, r.kind, r.until, r.actor, r.reason, r.created_at
    into result
    from stream.chat_restrictions as r
    where r.session_id = $1 and r.user_id = $2 and r.kind = 'ban';
    return result;
exception when foreign_key_violation then
    -- The application knows no such user.
    perform stream_ext.refuse('invalid_argument');
end
$$;

create function stream.ban_user(
    session_id uuid,
    user_id uuid,
    duration_s integer default null,
    reason text default null
)
returns stream.restriction
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.ban_user($1, $2, $3, $4);
end
$$;
comment on function stream.ban_user(uuid, uuid, integer, text) is
    'Puts a user out of this stream: the place and the tokens end, and joining, heartbeats, tokens and writing are '
    'refused, for 1 to 31,536,000 s or until lifted (null). Moderators only, and nobody against the seller or themself.';

revoke all on function stream_private.ban_user(uuid, uuid, integer, text), stream.ban_user(uuid, uuid, integer, text)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.ban_user(uuid, uuid, integer, text), stream.ban_user(uuid, uuid, integer, text)
    to authenticated, service_role;

create function stream_private.lift_restriction(session_id uuid, user_id uuid, kind text)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_ext.lift_restriction($1, $2, $3);
end
$$;

create function stream.lift_restriction(session_id uuid, user_id uuid, kind text)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.lift_restriction($1, $2, $3);
end
$$;
comment on function stream.lift_restriction(uuid, uuid, text) is
    'Ends a mute or a ban (kind): lifted, or not_restricted. Moderators only, and nobody their own.';

revoke all on function stream_private.lift_restriction(uuid, uuid, text), stream.lift_restriction(uuid, uuid, text)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.lift_restriction(uuid, uuid, text), stream.lift_restriction(uuid, uuid, text)
    to authenticated, service_role;

create function stream_private.set_slow_mode(session_id uuid, interval_ms integer)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform stream_ext.set_slow_mode($1, $2);
    return stream_private.session($1);
end
$$;

create function stream.set_slow_mode(session_id uuid, interval_ms integer)
returns stream.session
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.set_slow_mode($1, $2);
end
$$;
comment on function stream.set_slow_mode(uuid, integer) is
    'How long a viewer waits between two messages, 0 (off) to 3,600,000 ms. Moderators only.';

revoke all on function stream_private.set_slow_mode(uuid, integer), stream.set_slow_mode(uuid, integer)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.set_slow_mode(uuid, integer), stream.set_slow_mode(uuid, integer)
    to authenticated, service_role;

create function stream_private.set_chat_mode(session_id uuid, mode text)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform stream_ext.set_chat_mode($1, $2);
    return stream_private.session($1);
end
$$;

create function stream.set_chat_mode(session_id uuid, mode text)
returns stream.session
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.set_chat_mode($1, $2);
end
$$;
comment on function stream.set_chat_mode(uuid, text) is
    'Who may write: viewers, verified, hosts or nobody. Moderators only.';

revoke all on function stream_private.set_chat_mode(uuid, text), stream.set_chat_mode(uuid, text)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.set_chat_mode(uuid, text), stream.set_chat_mode(uuid, text)
    to authenticated, service_role;

create function stream_private.pin_message(session_id uuid, message_id uuid)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform stream_ext.pin_message($1, $2);
    return stream_private.session($1);
end
$$;

create function stream.pin_message(session_id uuid, message_id uuid)
returns stream.session
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.pin_message($1, $2);
end
$$;
comment on function stream.pin_message(uuid, uuid) is
    'Keeps a message of a user in view, in place of the one before. Moderators only.';

revoke all on function stream_private.pin_message(uuid, uuid), stream.pin_message(uuid, uuid)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.pin_message(uuid, uuid), stream.pin_message(uuid, uuid)
    to authenticated, service_role;

create function stream_private.unpin_message(session_id uuid)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform stream_ext.unpin_message($1);
    return stream_private.session($1);
end
$$;

create function stream.unpin_message(session_id uuid)
returns stream.session
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.unpin_message($1);
end
$$;
comment on function stream.unpin_message(uuid) is
    'Takes the pin away, if there is one. Moderators only.';

revoke all on function stream_private.unpin_message(uuid), stream.unpin_message(uuid)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.unpin_message(uuid), stream.unpin_message(uuid)
    to authenticated, service_role;

create function stream_private.block_term(session_id uuid, term text)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_ext.block_term($1, $2);
end
$$;

create function stream.block_term(session_id uuid default null, term text default null)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.block_term($1, $2);
end
$$;
comment on function stream.block_term(uuid, text) is
    'Refuses messages that contain a term, however it is spelled: blocked, or already_blocked. At most 500. Moderators '
    'only; session_id null, for all streams, the service only.';

revoke all on function stream_private.block_term(uuid, text), stream.block_term(uuid, text)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.block_term(uuid, text), stream.block_term(uuid, text)
    to authenticated, service_role;

create function stream_private.unblock_term(session_id uuid, term text)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_ext.unblock_term($1, $2);
end
$$;

create function stream.unblock_term(session_id uuid default null, term text default null)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.unblock_term($1, $2);
end
$$;
comment on function stream.unblock_term(uuid, text) is
    'Ends a block: unblocked, or not_blocked. Moderators only; session_id null the service only.';

revoke all on function stream_private.unblock_term(uuid, text), stream.unblock_term(uuid, text)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.unblock_term(uuid, text), stream.unblock_term(uuid, text)
    to authenticated, service_role;

create function stream_private.list_blocked_terms(session_id uuid)
returns setof stream.blocked_term
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query select t.session_id, t.term, t.actor, t.created_at from stream_ext.list_blocked_terms($1) as t;
end
$$;

create function stream.list_blocked_terms(session_id uuid default null)
returns setof stream.blocked_term
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query select * from stream_private.list_blocked_terms($1);
end
$$;
comment on function stream.list_blocked_terms(uuid) is
    'The terms that are blocked in a stream, or in all of them (null), oldest first. Moderators only; null the service only.';

revoke all on function stream_private.list_blocked_terms(uuid), stream.list_blocked_terms(uuid)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.list_blocked_terms(uuid), stream.list_blocked_terms(uuid)
    to authenticated, service_role;

create function stream_private.list_restrictions(session_id uuid, after uuid, page_size integer)
returns setof stream.restriction
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select r.user_id, r.kind, r.until, r.actor, r.reason, r.created_at
    from stream_ext.list_restrictions($1, $2, $3) as r;
end
$$;

create function stream.list_restrictions(session_id uuid, after uuid default null, page_size integer default 50)
returns setof stream.restriction
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query select * from stream_private.list_restrictions($1, $2, $3);
end
$$;
comment on function stream.list_restrictions(uuid, uuid, integer) is
    'Mutes and bans in force, of the users behind after by ascending user_id; page_size 1 to 200 counts users. Moderators only.';

revoke all on function stream_private.list_restrictions(uuid, uuid, integer), stream.list_restrictions(uuid, uuid, integer)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.list_restrictions(uuid, uuid, integer), stream.list_restrictions(uuid, uuid, integer)
    to authenticated, service_role;

create function stream_private.get_moderation_log(session_id uuid, before_id bigint, page_size integer)
returns setof stream.moderation_entry
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select l.id, l.session_id, l.seq, l.action, l.actor, l.user_id, l.target_seq, l.reason, l.until, l.term, l.created_at
    from stream_ext.get_moderation_log($1, $2, $3) as l;
end
$$;

create function stream.get_moderation_log(
    session_id uuid default null,
    before_id bigint default null,
    page_size integer default 50
)
returns setof stream.moderation_entry
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query select * from stream_private.get_moderation_log($1, $2, $3);
end
$$;
comment on function stream.get_moderation_log(uuid, bigint, integer) is
    'What was decided in a stream, the newest first, those before an id; page_size 1 to 200. Moderators only; session_id '
    'null, for decisions about all streams, the service only.';

revoke all on function stream_private.get_moderation_log(uuid, bigint, integer), stream.get_moderation_log(uuid, bigint, integer)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.get_moderation_log(uuid, bigint, integer), stream.get_moderation_log(uuid, bigint, integer)
    to authenticated, service_role;
