-- Deleting messages: clears the text, keeps row and seq, and deletes the stored frames that carry the text.
-- Messages can be deleted after the end of a stream too, because its log is still read; then without an event.

create function stream_ext.log_hold_head(session_id uuid) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    is_open pg_catalog.bool;
begin
    select h.open into is_open from stream.chat_heads as h where h.session_id = $1 for no key update;
    if is_open is null then
        perform stream_ext.error_internal('the session has no head');
    end if;
    return is_open;
end
$$;
comment on function stream_ext.log_hold_head(uuid) is
    'Locks the head row, waiting for a message that is being written; returns whether the log is open.';

create function stream_ext.moderation_close_gate(session_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform stream_ext.gate_close($1);
    perform from stream.stream_sessions as s where s.id = $1 for no key update;
end
$$;
comment on function stream_ext.moderation_close_gate(uuid) is 'Locks the session, also one that has ended.';

create function stream_ext.moderation_close_reports(session_id uuid, seqs bigint[], actor uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    with cleared as (
        -- A reason can quote the text.
        update stream.message_reports as m set reason = null
        where m.session_id = $1 and m.seq = any ($2) and m.reason is not null
    ), reported as (
        select p.seq from stream.reported_messages as p
        where p.session_id = $1 and p.seq = any ($2) and p.resolved_at is null
        order by p.seq for no key update
    )
    update stream.reported_messages as p set resolved_at = clock_timestamp(), resolved_by = $3
    from reported as r where p.session_id = $1 and p.seq = r.seq;
end
$$;
comment on function stream_ext.moderation_close_reports(uuid, bigint[], uuid) is
    'Resolves the reports about messages whose text is gone, and clears the reasons, which can quote it.';

create function stream_ext.delete_message(session_id uuid, message_id uuid, reason text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_write();
    standing pg_catalog.record;
    target pg_catalog.record;
    is_pinned pg_catalog.bool;
    is_open pg_catalog.bool;
begin
    if $1 is null or $2 is null then
        perform stream_ext.error_null(case when $1 is null then 'session_id' else 'message_id' end);
    end if;
    perform stream_private.check_reason($3);
    perform stream_ext.moderation_take_turn($1);
    standing := stream_ext.moderation_standing($1, caller);
    -- Decided before the head is locked: nobody else pins or deletes meanwhile.
    is_pinned := exists (
        select from stream.chat_messages as m where m.session_id = $1 and m.id = $2 and m.seq = standing.pinned_seq);
    if is_pinned then
        perform stream_ext.moderation_close_gate($1);
    end if;
    is_open := stream_ext.log_hold_head($1);
    select m.seq, m.user_id, m.message_type, m.deleted_at into target
    from stream.chat_messages as m where m.session_id = $1 and m.id = $2;
    -- Authors may delete their own messages, moderators those of others except the seller's. The refusal does not tell other
    -- users which messages exist.
    if not coalesce(target.user_id = caller, false) and standing.rank <> 'owner'
        and not (standing.rank = 'moderator' and target.user_id is distinct from standing.seller_id)
    then
        perform stream_ext.refuse('not_moderator');
    end if;
    if target.seq is null then
        perform stream_ext.refuse('message_not_found');
    end if;
    if target.message_type <> 'user_message' then
        perform stream_ext.refuse_with_hint('invalid_argument', 'only messages of users can be moderated');
    end if;
    if target.deleted_at is not null then
        return 'already_deleted';
    end if;
    -- The row keeps its number and its author.
    update stream.chat_messages as m
    set content = '', metadata = '{}', deleted_at = t.time, updated_at = t.time
    from (select clock_timestamp() as time) as t
    where m.session_id = $1 and m.seq = target.seq;
    perform stream_ext.frames_delete($1, array[target.seq]);
    perform stream_ext.moderation_announce($1, caller, is_open, 'message_deleted', 'A message was deleted.',
        jsonb_build_object('kind', 'message_deleted', 'target_seq', target.seq, 'target_id', $2),
        target.user_id, target.seq, $3);
    if is_pinned then
        perform stream_ext.moderation_unpin($1, caller, is_open, target.seq);
    end if;
    perform stream_ext.moderation_close_reports($1, array[target.seq], caller);
    return 'deleted';
end
$$;
comment on function stream_ext.delete_message(uuid, uuid, text) is 'Deletes a message: deleted, or already_deleted.';

create function stream_ext.deletion_of_user(session_id uuid, user_id uuid) returns bigint[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    deleted pg_catalog.int8[];
begin
    -- In the order of the rows, as the deletion of the user would take them.
    with theirs as (
        select m.session_id, m.seq from stream.chat_messages as m
        where m.user_id = $2 and m.session_id = $1 and m.message_type = 'user_message' and m.deleted_at is null
        order by m.ctid
        for no key update
    ), deleted as (
        update stream.chat_messages as m
        set content = '', metadata = '{}', deleted_at = t.time, updated_at = t.time
        from theirs as d, (select clock_timestamp() as time) as t
        where m.session_id = d.session_id and m.seq = d.seq
        returning m.seq
    )
    select array_agg(d.seq order by d.seq) into deleted from deleted as d;
    return coalesce(deleted, '{}');
end
$$;
comment on function stream_ext.deletion_of_user(uuid, uuid) is 'Deletes all messages of the user, and returns their numbers in order.';

create function stream_ext.delete_user_messages(session_id uuid, user_id uuid, reason text) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    moderator pg_catalog.record;
    pinned pg_catalog.int8;
    earlier pg_catalog.int8[];
    later pg_catalog.int8[];
    missing pg_catalog.int8[];
    is_open pg_catalog.bool;
    newest pg_catalog.int8;
begin
    moderator := stream_ext.moderation_begin($1, false);
    if $2 is null then
        perform stream_ext.error_null('user_id');
    end if;
    perform stream_private.check_reason($3);
    if $2 = moderator.seller_id and moderator.rank <> 'owner' then
        perform stream_ext.refuse_with_hint('not_moderator', 'nobody deletes the messages of the seller');
    end if;
    select m.seq into pinned from stream.chat_messages as m
    where m.session_id = $1 and m.seq = moderator.pinned_seq and m.user_id = $2;
    if pinned is not null then
        perform stream_ext.moderation_close_gate($1);
    end if;
    -- Most messages and their frames are deleted before the head is locked, so that the chat does not wait; under the lock only
    -- those that came meanwhile. In an ended stream nobody waits for the head, and retention locks frames after the relay row.
    earlier := stream_ext.deletion_of_user($1, $2);
    missing := case when moderator.has_ended then earlier else stream_ext.frames_delete_committed($1, earlier) end;
    is_open := stream_ext.log_hold_head($1);
    later := stream_ext.deletion_of_user($1, $2);
    newest := greatest(earlier[cardinality(earlier)], later[cardinality(later)]);
    if newest is null then
        return 0;
    end if;
    perform stream_ext.frames_delete($1, missing || later);
    perform stream_ext.moderation_announce($1, moderator.actor, is_open, 'user_messages_deleted',
        'The messages of a user were deleted.',
        jsonb_build_object('kind', 'user_messages_deleted', 'user_id', $2, 'up_to_seq', newest), $2, newest, $3);
    if pinned is not null then
        perform stream_ext.moderation_unpin($1, moderator.actor, is_open, pinned);
    end if;
    perform stream_ext.moderation_close_reports($1, earlier || later, moderator.actor);
    return cardinality(earlier) + cardinality(later);
end
$$;
comment on function stream_ext.delete_user_messages(uuid, uuid, text) is 'Deletes all messages of a user in a stream; returns how many.';
