-- Sending messages of many users to many streams in one call.
-- Sessions are handled one after the other by ascending id, each in the order of a single send: viewer rows, head row, the session's
-- key, relay row, all of them before anything is written. An item that is refused or fails costs only itself; a session whose rows
-- are locked by others costs only its own items.

create function stream_ext.send_to_session(session_id uuid, drafts jsonb, wait_ms integer)
returns table (item integer, status text, retry_after_ms bigint, stored_seq bigint, waited_ms integer)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    own_claims constant pg_catalog.text := coalesce(current_setting('request.jwt.claims', true), '');
    locks pg_catalog.record;
    draft pg_catalog.record;
    lease pg_catalog.record;
    sender pg_catalog.record;
    refused pg_catalog.text;
    earlier pg_catalog.record;
    arrived pg_catalog.timestamptz;
    moment pg_catalog.timestamptz;
    code pg_catalog.text;
    senders pg_catalog.jsonb := '{}';
    rows_of pg_catalog.jsonb := '[]';
    places pg_catalog.jsonb := '{}';
    place pg_catalog.int4;
    answers pg_catalog.jsonb := '[]';
    first_number pg_catalog.int8;
begin
    locks := stream_ext.send_lock($1,
        array(select distinct d.user_id from jsonb_to_recordset($2) as d (user_id uuid) order by d.user_id), $3);
    waited_ms := locks.waited_ms;
    arrived := locks.arrived_at;
    if locks.status <> 'ready' then
        code := case when locks.status = 'taken' then 'lock_timeout'
            when exists (select from stream.stream_sessions as s where s.id = $1) then 'stream_ended' else 'session_not_found' end;
    end if;
    for draft in
        select d.item, d.user_id, d.content, d.id, d.claims, d.is_anonymous
        from jsonb_to_recordset($2) as d (item integer, user_id uuid, content text, id uuid, claims text, is_anonymous boolean)
        order by d.item
    loop
        item := draft.item;
        retry_after_ms := null;
        stored_seq := null;
        -- A retry returns its stored message in any case.
        select m.seq, m.user_id into earlier
        from stream.chat_messages as m where m.session_id = $1 and m.id = draft.id;
        if earlier.seq is not null then
            status := case when earlier.user_id = draft.user_id then 'ok' else 'message_id_conflict' end;
            stored_seq := case when earlier.user_id = draft.user_id then earlier.seq end;
            return next;
            continue;
        end if;
        if code is not null then
            status := code;
            return next;
            continue;
        end if;
        -- An id that occurred in the batch before is a retry.
        place := places ->> draft.id::text;
        if place is not null then
            if (rows_of -> place ->> 'user_id')::uuid <> draft.user_id then
                status := 'message_id_conflict';
                return next;
            else
                answers := answers || jsonb_build_array(jsonb_build_array(draft.item, place));
            end if;
            continue;
        end if;
        perform set_config('request.jwt.claims', coalesce(draft.claims, own_claims), true);
        select v.is_active, v.chat_tat, v.last_chat_at into lease
        from stream.stream_viewers as v
        where v.session_id = $1 and v.user_id = draft.user_id
            -- The row of whoever joined since is not locked, and may be held by one who waits for this head.
            and draft.user_id = any (locks.locked);
        if senders ? draft.user_id::text then
            select s.* into sender from jsonb_to_record(senders -> draft.user_id::text) as s (
                is_seller boolean, chat_mode text, slow_mode_ms bigint, anonymous_users_may_chat boolean, epoch_salt text,
                interval_us bigint, tolerance_us bigint, can_chat boolean, username text,
                is_banned boolean, is_muted boolean, muted_until timestamptz, counts_from timestamptz, backlog_us bigint,
                silent_ms bigint);
            if (senders -> draft.user_id::text ->> 'claims') is distinct from draft.claims then
                -- The application is asked again, for a message that comes with other claims of the same user.
                sender.can_chat := sender.is_seller or coalesce(stream.hook_can_chat(draft.user_id, $1), false);
                sender.username := stream_ext.core_display_name(stream.hook_username(draft.user_id));
            end if;
        else
            moment := clock_timestamp();
            select r.*, x.is_banned, x.is_muted, x.muted_until, f.at as counts_from,
                stream_ext.rate_backlog_us(
                    case when r.is_seller then locks.host_tat else lease.chat_tat end, f.at, r.interval_us + r.tolerance_us)
                    as backlog_us,
                case when not r.is_seller then stream_ext.chat_silent_ms(lease.last_chat_at, f.at) end as silent_ms
            into sender
            from stream_ext.chat_rules($1, draft.user_id) as r
            cross join stream_ext.chat_restrictions($1, draft.user_id) as x
            cross join lateral (select case when r.is_seller then moment else coalesce(arrived, moment) end as at) as f;
            if sender.is_seller is null then
                perform stream_ext.refuse('session_not_found');
            end if;
        end if;
        refused := stream_ext.chat_refusal($1, draft.user_id, draft.content, draft.is_anonymous, sender.anonymous_users_may_chat,
            sender.is_seller, lease.is_active, sender.can_chat, sender.username, sender.is_banned, sender.is_muted,
            sender.chat_mode, sender.backlog_us, sender.tolerance_us, sender.slow_mode_ms, sender.silent_ms);
        if refused is null then
            sender.backlog_us := sender.backlog_us + sender.interval_us;
            sender.silent_ms := 0;
            answers := answers || jsonb_build_array(jsonb_build_array(draft.item, jsonb_array_length(rows_of)));
            if draft.id is not null then
                places := places || jsonb_build_object(draft.id, jsonb_array_length(rows_of));
            end if;
            rows_of := rows_of || jsonb_build_object('n', jsonb_array_length(rows_of) + 1, 'id', draft.id,
                'user_id', draft.user_id, 'username', sender.username, 'content', draft.content);
        else
            status := refused;
            retry_after_ms := stream_ext.chat_retry_after_ms(refused, sender.muted_until, sender.backlog_us,
                sender.tolerance_us, sender.slow_mode_ms, sender.silent_ms);
            return next;
        end if;
        senders := senders || jsonb_build_object(draft.user_id, to_jsonb(sender)
            || jsonb_build_object('claims', draft.claims, 'counts', refused is null
                or coalesce((senders -> draft.user_id::text ->> 'counts')::boolean, false)));
    end loop;
    perform set_config('request.jwt.claims', own_claims, true);
    if jsonb_array_length(rows_of) = 0 then
        return;
    end if;
    first_number := stream_ext.send_write($1, rows_of, senders);
    perform stream_ext.log_relay($1, first_number, 'chat', locks.may_wait);
    return query
    select (a.value ->> 0)::integer, 'ok', null::bigint, first_number + (a.value ->> 1)::bigint, locks.waited_ms
    from jsonb_array_elements(answers) as a (value);
end
$$;
comment on function stream_ext.send_to_session(uuid, jsonb, integer) is
    'Sends messages of one session, in the order of the batch: of each item ok and the number of its message, or the code of the refusal.';

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
    draft pg_catalog.record;
    locks pg_catalog.record;
    answers pg_catalog.jsonb := '[]';
    part pg_catalog.jsonb;
    fault pg_catalog.record;
    state pg_catalog.text;
    message pg_catalog.text;
    detail pg_catalog.text;
    raised_in pg_catalog.text;
begin
    -- Everything in one subtransaction. After a fault every session gets one of its own, and where that fails too every item.
    begin
        for session in select s.key::uuid as id, s.value as drafts from jsonb_each($1) as s order by s.key::uuid loop
            select coalesce(jsonb_agg(to_jsonb(a) || jsonb_build_object('session_id', session.id)), '[]') into part
            from stream_ext.send_to_session(session.id, session.drafts, least(for_session, budget)) as a;
            budget := budget - coalesce((part -> 0 ->> 'waited_ms')::integer, 0);
            answers := answers || part;
        end loop;
        return query
        select a.item, a.session_id, a.status, a.retry_after_ms, a.stored_seq
        from jsonb_to_recordset(answers) as a (item integer, session_id uuid, status text, retry_after_ms bigint, stored_seq bigint);
        return;
    exception when others or query_canceled or assert_failure then
        get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
        if stream_ext.error_is_cancel(state, raised_in) then raise; end if;
    end;
    -- What the first attempt has waited for was given back.
    budget := for_session * 5;
    for session in select s.key::uuid as id, s.value as drafts from jsonb_each($1) as s order by s.key::uuid loop
        begin
            select coalesce(jsonb_agg(to_jsonb(a)), '[]') into part
            from stream_ext.send_to_session(session.id, session.drafts, least(for_session, budget)) as a;
            budget := budget - coalesce((part -> 0 ->> 'waited_ms')::integer, 0);
            return query
            select a.item, session.id, a.status, a.retry_after_ms, a.stored_seq
            from jsonb_to_recordset(part) as a (item integer, status text, retry_after_ms bigint, stored_seq bigint);
            continue;
        exception when others or query_canceled or assert_failure then
            get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
            if stream_ext.error_is_cancel(state, raised_in) then raise; end if;
        end;
        -- Viewers' rows come before the head, which stays locked behind the first. What cannot be locked is not waited for again.
        locks := stream_ext.send_lock(session.id, array(select distinct d.user_id from jsonb_to_recordset(session.drafts)
            as d (user_id uuid) order by d.user_id), least(for_session, budget));
        budget := budget - locks.waited_ms;
        for draft in select d.value, (d.value ->> 'item')::integer as item from jsonb_array_elements(session.drafts) as d (value) loop
            begin
                return query
                select a.item, session.id, a.status, a.retry_after_ms, a.stored_seq
                from stream_ext.send_to_session(session.id, jsonb_build_array(draft.value),
                    case when locks.status = 'taken' then 0 else least(for_session, budget) end) as a;
            exception when others or query_canceled or assert_failure then
                get stacked diagnostics state = returned_sqlstate, message = message_text, detail = pg_exception_detail,
                    raised_in = pg_exception_context;
                if stream_ext.error_is_cancel(state, raised_in) then raise; end if;
                fault := stream_ext.batch_fault('send_messages', state, message, detail, raised_in);
                item := draft.item;
                session_id := session.id;
                status := fault.code;
                retry_after_ms := fault.retry_after_ms;
                stored_seq := null;
                return next;
            end;
        end loop;
    end loop;
end
$$;
comment on function stream_ext.send_isolated(jsonb) is
    'Sends the drafts of all sessions; a hook or a trigger of the application that raises for one item costs that item alone.';

create function stream_ext.send_messages(items text, row_type anyelement) returns setof anyelement
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    read pg_catalog.json[];
    place pg_catalog.int4 := 0;
    draft pg_catalog.record;
    free pg_catalog.jsonb := '{}';
    sessions pg_catalog.jsonb := '{}';
    refused pg_catalog.jsonb := '[]';
begin
    perform stream_ext.batch_admit();
    read := stream_ext.batch_items($1);
    while place < cardinality(read) loop
        place := place + 1;
        select d.* into draft from stream_ext.send_draft(read[place]) as d;
        if draft.refusal is null then
            -- Before anything is locked, and without waiting: a user who is being deleted costs the others nothing.
            if not free ? draft.user_id::text then
                free := free || jsonb_build_object(draft.user_id, stream_ext.application_hold_user_if_free(draft.user_id));
            end if;
            if not (free ->> draft.user_id::text)::boolean then
                draft.refusal := 'lock_timeout';
            end if;
        end if;
        if draft.refusal is not null then
            refused := refused || jsonb_build_object('item', place, 'status', draft.refusal);
        else
            sessions := jsonb_set(sessions, array[draft.session_id::text],
                coalesce(sessions -> draft.session_id::text, '[]') || jsonb_build_object('item', place, 'user_id', draft.user_id,
                    'content', draft.content, 'id', draft.id, 'claims', draft.claims, 'is_anonymous', draft.is_anonymous));
        end if;
    end loop;
    -- Read first: the statement that returns them sees what was written.
    refused := refused || coalesce((select jsonb_agg(to_jsonb(a)) from stream_ext.send_isolated(sessions) as a), '[]');
    return query
    select a.item, a.status, a.retry_after_ms,
        case when m.seq is not null then row(m.id, m.session_id, m.seq, m.user_id, m.username, m.content, m.message_type,
            m.created_at, m.updated_at, m.metadata, m.deleted_at)::stream.chat_message end
    from jsonb_to_recordset(refused) as a (item integer, session_id uuid, status text, retry_after_ms bigint, stored_seq bigint)
    -- By key, however short the log was when this was planned.
    left join lateral (
        select * from stream.chat_messages as c where c.session_id = a.session_id and c.seq = a.stored_seq limit 1
    ) as m on true
    order by a.item;
end
$$;
comment on function stream_ext.send_messages(text, anyelement) is
    'Messages of many users and sessions; items is the text of a JSON array. One row for each item, in order. Returns the type of row_type, stream.message_result.';
