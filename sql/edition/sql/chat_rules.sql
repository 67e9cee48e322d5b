-- The rules of a chat: slow mode, chat mode, the pinned message and blocked terms.

create function stream_ext.set_slow_mode(session_id uuid, interval_ms integer) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    moderator pg_catalog.record;
    range pg_catalog.record;
begin
    moderator := stream_ext.moderation_begin($1, true);
    if $2 is null then
        perform stream_ext.error_null('interval_ms');
    end if;
    select l.least, l.most into range from stream_private.limits as l where l.name = 'slow_mode_ms';
    if $2 not between range.least and range.most then
        perform stream_ext.refuse_with_hint('invalid_argument', format('interval_ms is %s to %s', range.least, range.most));
    end if;
    perform stream_ext.moderation_lock_session($1);
    update stream.stream_sessions as s set slow_mode_ms = $2 where s.id = $1 and s.slow_mode_ms <> $2;
    if found then
        perform stream_ext.moderation_announce($1, moderator.actor, true, 'slow_mode',
            case when $2 = 0 then 'Slow mode is off.' else 'Slow mode is on.' end,
            jsonb_build_object('kind', 'slow_mode', 'slow_mode_ms', $2));
    end if;
end
$$;
comment on function stream_ext.set_slow_mode(uuid, integer) is 'Sets how long a viewer waits between two messages.';

create function stream_ext.set_chat_mode(session_id uuid, mode text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    moderator pg_catalog.record;
begin
    moderator := stream_ext.moderation_begin($1, true);
    if $2 is null then
        perform stream_ext.error_null('mode');
    end if;
    if $2 not in ('viewers', 'verified', 'hosts', 'nobody') then
        perform stream_ext.refuse_with_hint('invalid_argument', 'mode is one of viewers, verified, hosts, nobody');
    end if;
    perform stream_ext.moderation_lock_session($1);
    update stream.stream_sessions as s set chat_mode = $2 where s.id = $1 and s.chat_mode <> $2;
    if found then
        perform stream_ext.moderation_announce($1, moderator.actor, true, 'chat_mode',
            case $2 when 'viewers' then 'All viewers may write.' when 'verified' then 'Verified viewers may write.'
                when 'hosts' then 'Only the hosts may write.' else 'The chat is closed.' end,
            jsonb_build_object('kind', 'chat_mode', 'chat_mode', $2));
    end if;
end
$$;
comment on function stream_ext.set_chat_mode(uuid, text) is 'Sets who may write.';

create function stream_ext.moderation_unpin(session_id uuid, actor uuid, is_open boolean, pinned bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    target pg_catalog.uuid;
begin
    select m.id into target from stream.chat_messages as m where m.session_id = $1 and m.seq = $4;
    if target is null then
        perform stream_ext.error_internal('the pinned message is gone');
    end if;
    update stream.stream_sessions as s set pinned_seq = null where s.id = $1;
    perform stream_ext.moderation_announce($1, $2, $3, 'message_unpinned', 'A message is no longer pinned.',
        jsonb_build_object('kind', 'message_unpinned', 'target_seq', $4, 'target_id', target), null, $4);
end
$$;
comment on function stream_ext.moderation_unpin(uuid, uuid, boolean, bigint) is 'Unpins a message; the session''s row is locked.';

create function stream_ext.pin_message(session_id uuid, message_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    moderator pg_catalog.record;
    target pg_catalog.record;
begin
    moderator := stream_ext.moderation_begin($1, true);
    if $2 is null then
        perform stream_ext.error_null('message_id');
    end if;
    -- The row cannot change meanwhile: only moderation deletes messages, one call at a time.
    select m.seq, m.user_id, m.message_type, m.deleted_at into target
    from stream.chat_messages as m where m.session_id = $1 and m.id = $2;
    if target.seq is null then
        perform stream_ext.refuse('message_not_found');
    end if;
    if target.message_type <> 'user_message' then
        perform stream_ext.refuse_with_hint('invalid_argument', 'only messages of users can be moderated');
    end if;
    if target.deleted_at is not null then
        perform stream_ext.refuse('message_not_found');
    end if;
    if moderator.pinned_seq = target.seq then
        return;
    end if;
    perform stream_ext.moderation_lock_session($1);
    update stream.stream_sessions as s set pinned_seq = target.seq where s.id = $1;
    perform stream_ext.moderation_announce($1, moderator.actor, true, 'message_pinned', 'A message is pinned.',
        jsonb_build_object('kind', 'message_pinned', 'target_seq', target.seq, 'target_id', $2),
        target.user_id, target.seq);
end
$$;
comment on function stream_ext.pin_message(uuid, uuid) is 'Pins a message, in place of the one that was pinned before.';

create function stream_ext.unpin_message(session_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    moderator pg_catalog.record;
begin
    moderator := stream_ext.moderation_begin($1, true);
    if moderator.pinned_seq is not null then
        perform stream_ext.moderation_lock_session($1);
        perform stream_ext.moderation_unpin($1, moderator.actor, true, moderator.pinned_seq);
    end if;
end
$$;
comment on function stream_ext.unpin_message(uuid) is 'Unpins the pinned message.';

create function stream_ext.term_begin(session_id uuid) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if $1 is not null then
        return (stream_ext.moderation_begin($1, true)).actor;
    end if;
    if stream_ext.enter_to_write() is not null then
        perform stream_ext.refuse('not_moderator');
    end if;
    perform stream_ext.moderation_take_turn(null);
    return null;
end
$$;
comment on function stream_ext.term_begin(uuid) is
    'Admits who blocks terms: moderators in a stream, the service in all (null); waits until nobody else moderates there. Returns the actor.';

create function stream_ext.term_pattern(term text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    pattern pg_catalog.text;
begin
    if $1 is null then
        perform stream_ext.error_null('term');
    end if;
    pattern := stream_ext.core_pattern(stream_ext.core_trim($1));
    if pattern is null then
        perform stream_ext.refuse_with_hint('invalid_argument', format('a term has a letter or digit and at most %s characters',
            (select l.most from stream_private.limits as l where l.name = 'term_chars')));
    end if;
    return pattern;
end
$$;
comment on function stream_ext.term_pattern(text) is 'The pattern of a term; refuses one without letter or digit.';

create function stream_ext.block_term(session_id uuid, term text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    actor_id constant pg_catalog.uuid := stream_ext.term_begin($1);
    pattern_of constant pg_catalog.text := stream_ext.term_pattern($2);
begin
    if exists (select from stream.blocked_terms as t where t.session_id is not distinct from $1 and t.pattern = pattern_of) then
        return 'already_blocked';
    end if;
    -- Every message is compared with each of them.
    if (select count(*) from stream.blocked_terms as t where t.session_id is not distinct from $1) >= 500 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'at most 500 terms are blocked');
    end if;
    insert into stream.blocked_terms (session_id, term, pattern, actor)
    values ($1, stream_ext.core_trim($2), pattern_of, actor_id);
    perform stream_ext.moderation_record($1, actor_id, 'term_blocked', term => stream_ext.core_trim($2));
    return 'blocked';
end
$$;
comment on function stream_ext.block_term(uuid, text) is 'Blocks a term in a stream, or in all (null).';

create function stream_ext.unblock_term(session_id uuid, term text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    actor_id constant pg_catalog.uuid := stream_ext.term_begin($1);
    pattern_of constant pg_catalog.text := stream_ext.term_pattern($2);
    unblocked pg_catalog.text;
begin
    delete from stream.blocked_terms as t
    where t.session_id is not distinct from $1 and t.pattern = pattern_of
    returning t.term into unblocked;
    if unblocked is null then
        return 'not_blocked';
    end if;
    perform stream_ext.moderation_record($1, actor_id, 'term_unblocked', term => unblocked);
    return 'unblocked';
end
$$;
comment on function stream_ext.unblock_term(uuid, text) is 'Unblocks a term.';

create function stream_ext.list_blocked_terms(of_session uuid)
returns table (session_id uuid, term text, actor uuid, created_at timestamptz)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform stream_ext.moderation_require_reader($1);
    return query
    select t.session_id, t.term, t.actor, t.created_at from stream.blocked_terms as t
    where t.session_id is not distinct from $1 order by t.created_at, t.term collate "C";
end
$$;
comment on function stream_ext.list_blocked_terms(uuid) is 'The blocked terms of a stream, or those of all (null).';
