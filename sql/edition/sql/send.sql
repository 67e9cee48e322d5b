-- Sending one chat message.
-- Lock order: the sender's viewer row, the head row, the relay row. Everything but the viewer's row is read after the head row
-- is locked, so a mute, a ban or a changed setting that was committed before counts. A refusal leaves nothing behind; a message
-- that was stored before is returned again, whatever has changed since.

create function stream_ext.rate_spend(
    interval_us bigint, tolerance_us bigint, backlog_us bigint, out spent_us bigint, out wait_ms bigint
)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    -- A backlog that no burst could have left is of a clock that was set back since, and counts as none.
    backlog constant pg_catalog.int8 := case when $3 between 0 and $1 + $2 then $3 else 0 end;
begin
    if backlog > $2 then
        $5 := (backlog - $2 + 999) / 1000;
    else
        $4 := backlog + $1;
    end if;
end
$$;
comment on function stream_ext.rate_spend(bigint, bigint, bigint) is
    'The backlog of a rate limiter after one more call (GCRA, ITU-T I.371), or how many milliseconds to wait for it.';

create function stream_ext.rate_ahead_us(tat timestamptz, at timestamptz) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if $1 is null or $1 <= $2 then
        return 0;
    end if;
    return case when isfinite($1) then (extract(epoch from $1 - $2) * 1000000)::bigint else 9223372036854775807 end;
end
$$;
comment on function stream_ext.rate_ahead_us(timestamptz, timestamptz) is 'By how many microseconds a rate limiter is ahead of the clock.';

create function stream_ext.chat_refusal(
    sender record, session_id uuid, is_anonymous boolean, content text,
    out refusal text, out retry_after_ms bigint, out spent_us bigint
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    slow_ms pg_catalog.int8;
    spent pg_catalog.record;
    words pg_catalog.text;
begin
    $5 := case
        when $3 and not sender.anonymous_users_may_chat then 'anonymous_user'
        when sender.is_banned then 'banned'
        when not sender.is_seller and not sender.holds_lease then 'not_viewer'
        when not sender.can_chat or sender.username is null then 'cannot_chat'
        when sender.is_muted then 'muted'
    end;
    if $5 is not null then
        if $5 = 'muted' and sender.muted_until is not null then
            $6 := greatest(floor(extract(epoch from sender.muted_until - clock_timestamp()) * 1000), 0);
        end if;
        return;
    end if;
    if not (case sender.chat_mode
        when 'viewers' then true
        when 'nobody' then false
        when 'verified' then sender.is_seller or coalesce(stream.hook_is_verified(sender.user_id), false)
            or coalesce(stream.hook_can_moderate(sender.user_id, $2), false)
        else sender.is_seller or coalesce(stream.hook_can_moderate(sender.user_id, $2), false)
    end) then
        $5 := 'chat_closed';
        return;
    end if;
    spent := stream_ext.rate_spend(sender.interval_us, sender.tolerance_us, sender.backlog_us);
    $7 := spent.spent_us;
    if $7 is null then
        $5 := 'rate_limited';
        $6 := spent.wait_ms;
        return;
    end if;
    slow_ms := greatest(sender.slow_mode_ms - sender.silent_ms, 0);
    if slow_ms > 0 and not sender.is_seller and not coalesce(stream.hook_can_moderate(sender.user_id, $2), false) then
        $5 := 'slow_mode';
        $6 := slow_ms;
        return;
    end if;
    if sender.blocks_terms then
        words := stream_ext.core_searchable($4);
        if exists (select from stream.blocked_terms as b where b.session_id = $2 and strpos(words, b.pattern) > 0)
            or exists (select from stream.blocked_terms as b where b.session_id is null and strpos(words, b.pattern) > 0)
        then
            $5 := 'content_blocked';
        end if;
    end if;
end
$$;
comment on function stream_ext.chat_refusal(record, uuid, boolean, text) is
    'Why a message is refused, or null and how far the rate limiter is used with it.';

create function stream_ext.chat_sender(
    session_id uuid, user_id uuid, host_tat timestamptz,
    holds_lease boolean, arrived_at timestamptz, chat_tat timestamptz, last_chat_at timestamptz
)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    sender pg_catalog.record;
begin
    select $2 as user_id, s.seller_id = $2 as is_seller, s.chat_mode, s.slow_mode_ms::bigint as slow_mode_ms,
        c.anonymous_users_may_chat, c.epoch_salt,
        case when s.seller_id = $2 then c.host_chat_interval_ms else c.chat_interval_ms end * 1000::bigint as interval_us,
        case when s.seller_id = $2 then c.host_chat_interval_ms * (c.host_chat_burst - 1)::bigint
            else c.chat_interval_ms * (c.chat_burst - 1)::bigint end * 1000 as tolerance_us,
        case when s.seller_id = $2 then clock_timestamp() else coalesce($5, clock_timestamp()) end as arrived_at,
        0::bigint as backlog_us,
        s.seller_id <> $2 and coalesce($4, false) as holds_lease,
        null::bigint as silent_ms,
        case when s.seller_id = $2 then true else coalesce(stream.hook_can_chat($2, $1), false) end as can_chat,
        stream.hook_username($2) as username,
        exists (
            select from stream_private.restrictions as r
            where r.session_id = s.id and r.user_id = $2 and r.is_in_force
        ) as is_banned,
        false as is_muted, null::timestamptz as muted_until,
        exists (select from stream.blocked_terms) as blocks_terms
    into sender
    from stream.stream_sessions as s
    cross join stream.config as c
    where s.id = $1 and c.id;
    if not found then
        perform stream_ext.refuse('session_not_found');
    end if;
    -- Most senders are not restricted.
    if sender.is_banned then
        select bool_or(r.kind = 'ban'), bool_or(r.kind = 'mute'), max(r.until) filter (where r.kind = 'mute')
        into sender.is_banned, sender.is_muted, sender.muted_until
        from stream_private.restrictions as r
        where r.session_id = $1 and r.user_id = $2 and r.is_in_force;
    end if;
    if sender.username is not null then
        sender.username := stream_ext.core_display_name(sender.username);
    end if;
    if sender.is_seller then
        sender.backlog_us := stream_ext.rate_ahead_us($3, sender.arrived_at);
    else
        sender.backlog_us := stream_ext.rate_ahead_us($6, sender.arrived_at);
        if $7 is not null and $7 <= sender.arrived_at then
            sender.silent_ms := floor(extract(epoch from sender.arrived_at - $7) * 1000);
        end if;
    end if;
    return sender;
end
$$;
comment on function stream_ext.chat_sender(uuid, uuid, timestamptz, boolean, timestamptz, timestamptz, timestamptz) is
    'A user as the sender of a message, from the locked row of a viewer (the last four; null without one): the rules that apply, and how far the rate limiter is ahead.';

create function stream_ext.send_message(session_id uuid, user_id uuid, content text, id uuid) returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_write();
    sender_id constant pg_catalog.uuid := stream_ext.caller_resolve(caller, $2);
    text_of pg_catalog.text;
    lease pg_catalog.record;
    arrived pg_catalog.timestamptz;
    head pg_catalog.record;
    sender pg_catalog.record;
    judged pg_catalog.record;
    verdict pg_catalog.record;
    message stream.chat_message;
    message_id pg_catalog.uuid;
    refused pg_catalog.text;
begin
    perform stream_ext.application_hold_user(sender_id);
    if $1 is null or $3 is null then
        perform stream_ext.error_null(case when $1 is null then 'session_id' else 'content' end);
    end if;
    judged := stream_ext.core_judge_content($3);
    if judged.refusal is not null then
        perform stream_ext.refuse(judged.refusal);
    end if;
    text_of := judged.content;
    select v.is_active, v.chat_tat, v.last_chat_at into lease
    from stream.stream_viewers as v
    where v.session_id = $1 and v.user_id = sender_id and v.is_active
    for no key update;
    -- Read after the lock: waiting for it counts as silence, and waiting for the head costs nothing.
    arrived := clock_timestamp();
    -- An entry that is sent later is acknowledged with this commit, too.
    if current_setting('synchronous_commit') = 'off' then
        perform set_config('synchronous_commit', 'on', true);
    end if;
    update stream.chat_heads as h
    set last_seq = h.last_seq + 1, last_at = greatest(clock_timestamp(), h.last_at + interval '1 microsecond')
    where h.session_id = $1 and h.open
    returning h.last_seq, h.last_at, h.host_chat_tat into head;
    if head.last_seq is null then
        message := stream_ext.chat_stored($1, sender_id, $4);
        if message.seq is null then
            perform stream_ext.log_refuse_closed($1);
        end if;
        perform stream_ext.chat_prolong($1, sender_id, lease.is_active, arrived, lease.chat_tat);
        return message;
    end if;
    sender := stream_ext.chat_sender(
        $1, sender_id, head.host_chat_tat, lease.is_active, arrived, lease.chat_tat, lease.last_chat_at);
    verdict := stream_ext.chat_refusal(sender, $1, caller is not null and stream_ext.caller_is_anonymous(caller), text_of);
    message_id := coalesce($4, gen_random_uuid());
    if verdict.refusal is null then
        insert into stream.chat_messages (id, session_id, seq, user_id, username, content, created_at, updated_at)
        values (message_id, $1, head.last_seq, sender_id, sender.username, text_of, head.last_at, head.last_at)
        on conflict on constraint chat_messages_session_id_id_key do nothing;
        if not found then
            refused := 'internal';
        end if;
    else
        refused := verdict.refusal;
    end if;
    if refused is not null then
        -- A retry returns the message it stored before, even when its sender may no longer write.
        message := stream_ext.chat_stored($1, sender_id, $4);
        if message.seq is null then
            perform stream_ext.error_retry_after(refused, verdict.retry_after_ms);
        end if;
        perform stream_ext.chat_prolong($1, sender_id, lease.is_active, arrived, lease.chat_tat);
        -- Nobody else can have seen the number: the head row is still locked.
        update stream.chat_heads as h set last_seq = h.last_seq - 1 where h.session_id = $1;
        return message;
    end if;
    if sender.is_seller then
        update stream.chat_heads as h
        set host_chat_tat = sender.arrived_at + verdict.spent_us * interval '1 microsecond'
        where h.session_id = $1;
    elsif lease.is_active then
        update stream.stream_viewers as v
        set chat_tat = arrived + verdict.spent_us * interval '1 microsecond', last_chat_at = arrived, last_seen_at = arrived
        where v.session_id = $1 and v.user_id = sender_id;
    end if;
    -- One expression: each is prepared anew in every transaction.
    message := row(message_id, $1, head.last_seq, sender_id, sender.username, text_of, 'user_message', head.last_at, head.last_at,
        '{}'::jsonb, null::timestamptz)::stream.chat_message;
    perform stream_ext.log_relay_one($1, head.last_seq,
        concat('{"id":"', message_id, '","seq":', head.last_seq, ',"user_id":"', sender_id, '","username":',
            to_json(sender.username), ',"content":', to_json(text_of), ',"message_type":"user_message","created_at":',
            left(to_json(head.last_at at time zone 'UTC')::text, -1), '+00:00","metadata":{},"deleted_at":null}'),
        'chat');
    return message;
end
$$;
comment on function stream_ext.send_message(uuid, uuid, text, uuid) is 'Sends a chat message; a stream.chat_message.';
