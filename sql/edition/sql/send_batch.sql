-- Sending messages of many users to many streams in one call.
-- Sessions are handled one after the other by ascending id, each in the order of a single send: viewer rows, head row, the session's
-- key, relay row, all of them before anything is written. An item that is refused or fails costs only itself; a session whose rows
-- are locked by others costs only its own items. Items stand in values that are made and read whole: one that grew by each item would be
-- copied for each.

create function stream_ext.send_to_sessions(sessions jsonb)
returns table (item integer, session_id uuid, status text, retry_after_ms bigint, stored_seq bigint)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    for_session constant pg_catalog.int4 := stream_ext.send_wait_ms();
    budget pg_catalog.int4 := for_session * 5;
    session pg_catalog.record;
    locks pg_catalog.record;
begin
    for session in select s.key::uuid as id, s.value as drafts from jsonb_each($1) as s order by s.key::uuid loop
        locks := stream_ext.send_lock(session.id, session.drafts, least(for_session, budget));
        budget := budget - locks.waited_ms;
        return query
        select a.item, session.id, a.status, a.retry_after_ms, a.stored_seq
        from stream_ext.send_to_session(
            session.id, session.drafts, locks.status, locks.host_tat, locks.may_wait, locks.arrived_at, locks.users,
            locks.lease_states, locks.lease_tats, locks.lease_chats) as a;
    end loop;
end
$$;
comment on function stream_ext.send_to_sessions(jsonb) is 'Sends the drafts of all sessions; one that fails fails all of them.';

create function stream_ext.send_one_by_one(
    session_id uuid, drafts jsonb, for_session integer, budget integer, out answers jsonb[], out left_ms integer
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    draft pg_catalog.record;
    locks pg_catalog.record;
    fault pg_catalog.record;
    state pg_catalog.text;
    message pg_catalog.text;
    detail pg_catalog.text;
    raised_in pg_catalog.text;
begin
    left_ms := $4;
    -- These locks are kept, because this block is not rolled back.
    begin
        locks := stream_ext.send_lock($1, $2, least($3, left_ms));
        left_ms := left_ms - locks.waited_ms;
        if locks.status = 'taken' then
            answers := array(select to_jsonb(a) from stream_ext.send_to_session(
                $1, $2, locks.status, locks.host_tat, locks.may_wait, locks.arrived_at, locks.users,
                locks.lease_states, locks.lease_tats, locks.lease_chats) as a);
            return;
        end if;
    exception when others or query_canceled or assert_failure then
        get stacked diagnostics state = returned_sqlstate, message = message_text, detail = pg_exception_detail,
            raised_in = pg_exception_context;
        if stream_ext.error_is_cancel(state, raised_in) then raise; end if;
        fault := stream_ext.batch_fault('send_messages', state, message, detail, raised_in);
        answers := array(
            select jsonb_build_object('item', d.item, 'status', fault.code, 'retry_after_ms', fault.retry_after_ms)
            from jsonb_to_recordset($2) as d (item integer));
        return;
    end;
    answers := '{}';
    for draft in
        select (e.value ->> 'item')::integer as item, jsonb_build_array(e.value) as alone
        from jsonb_array_elements($2) as e order by 1
    loop
        begin
            locks := stream_ext.send_lock($1, draft.alone, least($3, left_ms));
            left_ms := left_ms - locks.waited_ms;
            answers := array_append(
                answers, (select to_jsonb(a) from stream_ext.send_to_session(
                    $1, draft.alone, locks.status, locks.host_tat, locks.may_wait, locks.arrived_at, locks.users,
                    locks.lease_states, locks.lease_tats, locks.lease_chats) as a));
        exception when others or query_canceled or assert_failure then
            get stacked diagnostics state = returned_sqlstate, message = message_text, detail = pg_exception_detail,
                raised_in = pg_exception_context;
            if stream_ext.error_is_cancel(state, raised_in) then raise; end if;
            fault := stream_ext.batch_fault('send_messages', state, message, detail, raised_in);
            answers := array_append(answers, jsonb_build_object(
                'item', draft.item, 'status', fault.code, 'retry_after_ms', fault.retry_after_ms));
        end;
    end loop;
end
$$;
comment on function stream_ext.send_one_by_one(uuid, jsonb, integer, integer) is
    'Sends each item in a subtransaction of its own. The rows of all are locked before the first: the head stays locked behind it, and viewers'' rows come before the head. Returns what is left of the wait, too.';

create function stream_ext.send_isolated(sessions jsonb)
returns table (item integer, session_id uuid, status text, retry_after_ms bigint, stored_seq bigint)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    for_session constant pg_catalog.int4 := stream_ext.send_wait_ms();
    budget pg_catalog.int4 := for_session * 5;
    session pg_catalog.record;
    locks pg_catalog.record;
    answers pg_catalog.jsonb;
    part pg_catalog.record;
    state pg_catalog.text;
    raised_in pg_catalog.text;
begin
    -- Everything in one subtransaction. After a fault every session gets one of its own, and where that fails too every item.
    begin
        answers := (select jsonb_agg(to_jsonb(a)) from stream_ext.send_to_sessions($1) as a);
        return query
        select a.item, a.session_id, a.status, a.retry_after_ms, a.stored_seq
        from jsonb_to_recordset(answers) as a (item integer, session_id uuid, status text, retry_after_ms bigint, stored_seq bigint);
        return;
    exception when others or query_canceled or assert_failure then
        get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
        if stream_ext.error_is_cancel(state, raised_in) then raise; end if;
    end;
    -- What the first attempt has waited for was given back.
    for session in select s.key::uuid as id, s.value as drafts from jsonb_each($1) as s order by s.key::uuid loop
        begin
            locks := stream_ext.send_lock(session.id, session.drafts, least(for_session, budget));
            budget := budget - locks.waited_ms;
            return query
            select a.item, session.id, a.status, a.retry_after_ms, a.stored_seq
            from stream_ext.send_to_session(
                session.id, session.drafts, locks.status, locks.host_tat, locks.may_wait, locks.arrived_at, locks.users,
                locks.lease_states, locks.lease_tats, locks.lease_chats) as a;
            continue;
        exception when others or query_canceled or assert_failure then
            get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
            if stream_ext.error_is_cancel(state, raised_in) then raise; end if;
        end;
        part := stream_ext.send_one_by_one(session.id, session.drafts, for_session, budget);
        budget := part.left_ms;
        return query
        select a.item, session.id, a.status, a.retry_after_ms, a.stored_seq
        from unnest(part.answers) as e (value)
        cross join lateral jsonb_to_record(e.value) as a (item integer, status text, retry_after_ms bigint, stored_seq bigint);
    end loop;
end
$$;
comment on function stream_ext.send_isolated(jsonb) is
    'Sends the drafts of all sessions; a hook or a trigger of the application that raises for one item costs that item alone.';

create function stream_ext.send_drafts(items json[]) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    drafts constant pg_catalog.jsonb := (
        select jsonb_agg(to_jsonb(d) || jsonb_build_object('item', i.place))
        from unnest($1) with ordinality as i (item, place)
        cross join lateral stream_ext.send_draft(i.item) as d);
    -- Before anything is locked, and without waiting: a user who is being deleted costs the others nothing.
    is_free constant pg_catalog.jsonb := (
        select jsonb_object_agg(u.id, stream_ext.application_hold_user_if_free(u.id))
        from (
            select d.user_id as id
            from jsonb_to_recordset(drafts) as d (item integer, user_id uuid, refusal text)
            where d.refusal is null group by d.user_id order by min(d.item)
        ) as u);
begin
    return (
        select jsonb_agg(case
            when d.value ->> 'refusal' is null and not (is_free ->> (d.value ->> 'user_id'))::boolean
                then d.value || jsonb_build_object('refusal', 'lock_timeout')
            else d.value end)
        from jsonb_array_elements(drafts) as d (value));
end
$$;
comment on function stream_ext.send_drafts(json[]) is
    'The items of a batch in their order, those that are refused with the code; the users of the others are held.';

create function stream_ext.send_messages(items text, row_type anyelement) returns setof anyelement
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    drafts pg_catalog.jsonb;
    sessions pg_catalog.jsonb;
    answers pg_catalog.jsonb;
begin
    perform stream_ext.batch_admit();
    drafts := stream_ext.send_drafts(stream_ext.batch_items($1));
    sessions := (
        select jsonb_object_agg(s.id, s.drafts)
        from (
            select d.value ->> 'session_id' as id, jsonb_agg(d.value) as drafts
            from jsonb_array_elements(drafts) as d (value) where d.value ->> 'refusal' is null
            group by d.value ->> 'session_id'
        ) as s);
    -- Read first: the statement that returns them sees what was written.
    answers := (select jsonb_agg(to_jsonb(a)) from stream_ext.send_isolated(sessions) as a);
    return query
    select a.item, a.status, a.retry_after_ms,
        case when m.seq is not null then row(m.id, m.session_id, m.seq, m.user_id, m.username, m.content, m.message_type,
            m.created_at, m.updated_at, m.metadata, m.deleted_at)::stream.chat_message end
    from (
        select d.item, null::uuid as session_id, d.refusal as status, null::bigint as retry_after_ms, null::bigint as stored_seq
        from jsonb_to_recordset(drafts) as d (item integer, refusal text) where d.refusal is not null
        union all
        select r.item, r.session_id, r.status, r.retry_after_ms, r.stored_seq
        from jsonb_to_recordset(answers) as r (
            item integer, session_id uuid, status text, retry_after_ms bigint, stored_seq bigint)
    ) as a
    -- By the key of session and number, however short the log was when this was planned: the other key, with a filter, looks as
    -- cheap then, but does not give their order.
    left join lateral (
        select * from stream.chat_messages as c where c.session_id = a.session_id and c.seq >= a.stored_seq order by c.seq limit 1
    ) as m on true
    order by a.item;
end
$$;
comment on function stream_ext.send_messages(text, anyelement) is
    'Messages of many users and sessions; items is the text of a JSON array. One row for each item, in order. Returns the type of row_type, stream.message_result.';
