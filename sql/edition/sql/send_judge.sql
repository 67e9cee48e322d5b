-- Judging the items of a batch of messages for one session, whose rows are locked, and writing those that are accepted.

create function stream_ext.send_refuse_new(session_id uuid, drafts jsonb, refusal text)
returns table (item integer, status text, retry_after_ms bigint, stored_seq bigint)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select d.item,
        case when m.seq is null then $3 when m.user_id = d.user_id then 'ok' else 'message_id_conflict' end,
        null::bigint, case when m.user_id = d.user_id then m.seq end
    from jsonb_to_recordset($2) as d (item integer, user_id uuid, id uuid)
    left join lateral (
        select c.seq, c.user_id from stream.chat_messages as c where c.session_id = $1 and c.id = d.id limit 1
    ) as m on true;
end
$$;
comment on function stream_ext.send_refuse_new(uuid, jsonb, text) is
    'Refuses what is new: a retry returns its stored message in any case.';

create function stream_ext.send_to_session(
    session_id uuid, drafts jsonb, lock_status text, host_tat timestamptz, may_wait boolean, arrived_at timestamptz, users uuid[],
    lease_states boolean[], lease_tats timestamptz[], lease_chats timestamptz[]
)
returns table (item integer, status text, retry_after_ms bigint, stored_seq bigint)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    own_claims constant pg_catalog.text := coalesce(current_setting('request.jwt.claims', true), '');
    in_force pg_catalog.text := own_claims;
    -- Arrays, of which a batch that grows changes one element and copies none: by a user's place among users, by the place of an
    -- id among the batch's, and in the order of the messages that are accepted.
    senders pg_catalog.jsonb[] := array_fill(null::jsonb, array[cardinality($7)]);
    rows_of_ids pg_catalog.int4[] := array_fill(null::integer, array[jsonb_array_length($2)]);
    ids pg_catalog.uuid[] := '{}';
    user_ids pg_catalog.uuid[] := '{}';
    usernames pg_catalog.text[] := '{}';
    contents pg_catalog.text[] := '{}';
    answered pg_catalog.int4[] := '{}';
    answered_rows pg_catalog.int4[] := '{}';
    draft pg_catalog.record;
    sender pg_catalog.record;
    refused pg_catalog.text;
    moment pg_catalog.timestamptz;
    first_number pg_catalog.int8;
begin
    if $3 <> 'ready' then
        return query
        select r.item, r.status, r.retry_after_ms, r.stored_seq
        from stream_ext.send_refuse_new($1, $2, case
            when $3 = 'taken' then 'lock_timeout'
            when exists (select from stream.stream_sessions as s where s.id = $1) then 'stream_ended'
            else 'session_not_found' end) as r;
        return;
    end if;
    for draft in
        select d.item, d.user_id, d.content, d.id, d.claims, d.is_anonymous, m.seq, m.user_id as stored_by,
            dense_rank() over (order by d.user_id)::integer as sender_place, dense_rank() over (order by d.id)::integer as id_place
        from jsonb_to_recordset($2) as d (item integer, user_id uuid, content text, id uuid, claims text, is_anonymous boolean)
        left join lateral (
            select c.seq, c.user_id from stream.chat_messages as c where c.session_id = $1 and c.id = d.id limit 1
        ) as m on true
        order by d.item
    loop
        item := draft.item;
        retry_after_ms := null;
        stored_seq := null;
        -- A retry returns its stored message in any case.
        if draft.seq is not null then
            status := case when draft.stored_by = draft.user_id then 'ok' else 'message_id_conflict' end;
            stored_seq := case when draft.stored_by = draft.user_id then draft.seq end;
            return next;
            continue;
        end if;
        -- An id that was accepted in the batch before is a retry.
        if draft.id is not null and rows_of_ids[draft.id_place] is not null then
            if user_ids[rows_of_ids[draft.id_place]] <> draft.user_id then
                status := 'message_id_conflict';
                return next;
            else
                answered := array_append(answered, draft.item);
                answered_rows := array_append(answered_rows, rows_of_ids[draft.id_place]);
            end if;
            continue;
        end if;
        if in_force is distinct from coalesce(draft.claims, own_claims) then
            in_force := set_config('request.jwt.claims', coalesce(draft.claims, own_claims), true);
        end if;
        if senders[draft.sender_place] is not null then
            select s.* into sender from jsonb_to_record(senders[draft.sender_place]) as s (
                is_seller boolean, chat_mode text, slow_mode_ms bigint, anonymous_users_may_chat boolean, epoch_salt text,
                interval_us bigint, tolerance_us bigint, can_chat boolean, username text,
                is_banned boolean, is_muted boolean, muted_until timestamptz, counts_from timestamptz, backlog_us bigint,
                silent_ms bigint, claims text, counts boolean);
            if sender.claims is distinct from draft.claims then
                -- The application is asked again, for a message that comes with other claims of the same user.
                sender.can_chat := sender.is_seller or coalesce(stream.hook_can_chat(draft.user_id, $1), false);
                sender.username := stream_ext.core_display_name(stream.hook_username(draft.user_id));
                sender.claims := draft.claims;
            end if;
        else
            moment := clock_timestamp();
            select r.*, x.is_banned, x.is_muted, x.muted_until, f.at as counts_from,
                stream_ext.rate_backlog_us(
                    case when r.is_seller then $4 else $9[draft.sender_place] end, f.at,
                    r.interval_us + r.tolerance_us) as backlog_us,
                case when not r.is_seller then stream_ext.chat_silent_ms($10[draft.sender_place], f.at) end as silent_ms,
                draft.claims as claims, false as counts
            into sender
            from stream_ext.chat_rules($1, draft.user_id) as r
            cross join stream_ext.chat_restrictions($1, draft.user_id) as x
            cross join lateral (select case when r.is_seller then moment else coalesce($6, moment) end as at) as f;
            if sender.is_seller is null then
                perform stream_ext.refuse('session_not_found');
            end if;
        end if;
        refused := stream_ext.chat_refusal($1, draft.user_id, draft.content, draft.is_anonymous, sender.anonymous_users_may_chat,
            sender.is_seller, $8[draft.sender_place], sender.can_chat, sender.username, sender.is_banned,
            sender.is_muted, sender.chat_mode, sender.backlog_us, sender.tolerance_us, sender.slow_mode_ms, sender.silent_ms);
        if refused is null then
            sender.backlog_us := sender.backlog_us + sender.interval_us;
            sender.silent_ms := 0;
            sender.counts := true;
            ids := array_append(ids, draft.id);
            user_ids := array_append(user_ids, draft.user_id);
            usernames := array_append(usernames, sender.username);
            contents := array_append(contents, draft.content);
            answered := array_append(answered, draft.item);
            answered_rows := array_append(answered_rows, cardinality(ids));
            rows_of_ids[draft.id_place] := cardinality(ids);
        else
            status := refused;
            retry_after_ms := stream_ext.chat_retry_after_ms(refused, sender.muted_until, sender.backlog_us,
                sender.tolerance_us, sender.slow_mode_ms, sender.silent_ms);
            return next;
        end if;
        senders[draft.sender_place] := to_jsonb(sender);
    end loop;
    perform set_config('request.jwt.claims', own_claims, true);
    if cardinality(ids) = 0 then
        return;
    end if;
    first_number := stream_ext.send_write($1, ids, user_ids, usernames, contents, $7, senders);
    perform stream_ext.log_relay($1, first_number, 'chat', $5);
    return query
    select a.item, 'ok', null::bigint, first_number + a.row - 1
    from unnest(answered, answered_rows) as a (item, row);
end
$$;
comment on function stream_ext.send_to_session(
    uuid, jsonb, text, timestamptz, boolean, timestamptz, uuid[], boolean[], timestamptz[], timestamptz[]
) is
    'Sends messages of one session, in the order of the batch, behind the locks of send_lock: of each item ok and the number of its message, or the code of the refusal.';
