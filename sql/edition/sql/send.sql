-- Sending one chat message.
-- Lock order: the sender's viewer row, the head row, the relay row. Everything but the viewer's row is read after the head row
-- is locked, so a mute, a ban or a changed setting that was committed before counts. A refusal leaves nothing behind; a message
-- that was stored before is returned again, whatever has changed since.

create function stream_ext.send_message(session_id uuid, user_id uuid, content text, id uuid) returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    caller constant pg_catalog.record := stream_ext.caller_admit(true);
    sender_id constant pg_catalog.uuid := coalesce($2, caller.id);
    holds_lease pg_catalog.bool;
    arrived pg_catalog.timestamptz;
    tat pg_catalog.timestamptz;
    wrote_at pg_catalog.timestamptz;
    number pg_catalog.int8;
    created pg_catalog.timestamptz;
    host_tat pg_catalog.timestamptz;
    is_seller pg_catalog.bool;
    mode pg_catalog.text;
    slow_ms pg_catalog.int8;
    anonymous_may pg_catalog.bool;
    salt pg_catalog.text;
    interval_ms pg_catalog.int8;
    burst pg_catalog.int8;
    host_interval_ms pg_catalog.int8;
    host_burst pg_catalog.int8;
    tolerance_us pg_catalog.int8;
    backlog_us pg_catalog.int8;
    silent_ms pg_catalog.int8;
    can_chat pg_catalog.bool;
    sender_name pg_catalog.text;
    is_banned pg_catalog.bool;
    is_muted pg_catalog.bool;
    muted_until pg_catalog.timestamptz;
    message stream.chat_message;
    message_id pg_catalog.uuid;
    refused pg_catalog.text;
    is_sent pg_catalog.bool;
begin
    -- Each expression is prepared anew in every transaction, so what is rare is looked for by one.
    if sender_id is null or caller.id <> sender_id or not stream_ext.application_has_auth_users() then
        perform stream_ext.caller_resolve(caller.id, $2);
        perform stream_ext.application_hold_user(sender_id);
    else
        -- The usual table of users, by a plan that is kept.
        perform from auth.users as u where u.id = sender_id for key share;
    end if;
    -- Most texts are stored as they are: printable ASCII without blanks around it.
    if $1 is null or current_setting('synchronous_commit') = 'off'
        or (octet_length($3) <= 2000 and $3 ~ '^[!-~]([ -~]*[!-~])?$' collate "C") is not true
    then
        if $1 is null or $3 is null then
            perform stream_ext.error_null(case when $1 is null then 'session_id' else 'content' end);
        end if;
        $3 := stream_ext.core_content($3);
        -- An entry that is sent later is acknowledged with this commit, too.
        perform stream_ext.realtime_wait_for_disk();
    end if;
    select v.is_active, v.chat_tat, v.last_chat_at into holds_lease, tat, wrote_at
    from stream.stream_viewers as v
    where v.session_id = $1 and v.user_id = sender_id and v.is_active
    for no key update;
    -- Read after the lock: waiting for it counts as silence, and waiting for the head costs nothing.
    arrived := clock_timestamp();
    update stream.chat_heads as h
    set last_seq = h.last_seq + 1, last_at = greatest(clock_timestamp(), h.last_at + interval '1 microsecond')
    where h.session_id = $1 and h.open
    returning h.last_seq, h.last_at, h.host_chat_tat into number, created, host_tat;
    if number is null then
        message := stream_ext.chat_stored($1, sender_id, $4);
        if message.seq is null then
            perform stream_ext.log_refuse_closed($1);
        end if;
        -- Another device may have joined since: a row that is not locked is left alone.
        if holds_lease then
            perform stream_ext.chat_prolong($1, sender_id);
        end if;
        return message;
    end if;
    -- Read after the head row is locked; what chat_rules reads, which costs more by one statement than by two.
    select s.seller_id = sender_id, s.chat_mode, s.slow_mode_ms,
        s.seller_id = sender_id or coalesce(stream.hook_can_chat(sender_id, $1), false), stream.hook_username(sender_id),
        exists (select from stream_private.restrictions as x where x.session_id = $1 and x.user_id = sender_id and x.is_in_force)
    into is_seller, mode, slow_ms, can_chat, sender_name, is_banned
    from stream.stream_sessions as s
    where s.id = $1;
    select c.anonymous_users_may_chat, c.epoch_salt, c.chat_interval_ms, c.chat_burst, c.host_chat_interval_ms, c.host_chat_burst
    into anonymous_may, salt, interval_ms, burst, host_interval_ms, host_burst
    from stream.config as c
    where c.id;
    <<storing>>
    begin
        -- A term that is blocked takes a page; most applications never block one.
        if is_seller is not false or is_banned or slow_ms > 0 or tat > arrived or holds_lease is not true or not can_chat
            or mode <> 'viewers' or caller.is_anonymous or length(sender_name) > 64
            or (sender_name ~ '^[!-~]([ -~]*[!-~])?$' collate "C") is not true or pg_relation_size('stream.blocked_terms') > 0
        then
            if is_seller is null then
                perform stream_ext.refuse('session_not_found');
            end if;
            if is_banned then
                select x.is_banned, x.is_muted, x.muted_until into is_banned, is_muted, muted_until
                from stream_ext.chat_restrictions($1, sender_id) as x;
            end if;
            if is_seller then
                arrived := clock_timestamp();
                tat := host_tat;
                interval_ms := host_interval_ms;
                burst := host_burst;
            else
                silent_ms := stream_ext.chat_silent_ms(wrote_at, arrived);
            end if;
            sender_name := stream_ext.core_display_name(sender_name);
            tolerance_us := interval_ms * (burst - 1) * 1000;
            backlog_us := stream_ext.rate_backlog_us(tat, arrived, interval_ms * burst * 1000);
            refused := stream_ext.chat_refusal($1, sender_id, $3, caller.is_anonymous, anonymous_may, is_seller, holds_lease,
                can_chat, sender_name, is_banned, is_muted, mode, backlog_us, tolerance_us, slow_ms, silent_ms);
            exit storing when refused is not null;
        end if;
        insert into stream.chat_messages (id, session_id, seq, user_id, username, content, created_at, updated_at)
        values (coalesce($4, gen_random_uuid()), $1, number, sender_id, sender_name, $3, created, created)
        on conflict on constraint chat_messages_session_id_id_key do nothing
        returning id into message_id;
    end;
    if message_id is null then
        -- A retry returns the message it stored before, even when its sender may no longer write.
        message := stream_ext.chat_stored($1, sender_id, $4);
        if message.seq is null then
            perform stream_ext.error_retry_after(coalesce(refused, 'internal'), stream_ext.chat_retry_after_ms(
                refused, muted_until, backlog_us, tolerance_us, slow_ms, silent_ms));
        end if;
        -- Another device may have joined since: a row that is not locked is left alone.
        if holds_lease then
            perform stream_ext.chat_prolong($1, sender_id);
        end if;
        -- Nobody else can have seen the number: the head row is still locked.
        update stream.chat_heads as h set last_seq = h.last_seq - 1 where h.session_id = $1;
        return message;
    end if;
    if holds_lease and not is_seller then
        update stream.stream_viewers as v
        set chat_tat = arrived + (coalesce(backlog_us, 0) + interval_ms * 1000) * interval '1 microsecond',
            last_chat_at = arrived, last_seen_at = arrived
        where v.session_id = $1 and v.user_id = sender_id;
    elsif is_seller then
        update stream.chat_heads as h
        set host_chat_tat = arrived + (coalesce(backlog_us, 0) + interval_ms * 1000) * interval '1 microsecond'
        where h.session_id = $1;
    end if;
    is_sent := stream_ext.log_relay_one($1, number,
        concat('{"id":"', message_id, '","seq":', number, ',"user_id":"', sender_id, '","username":',
            to_json(sender_name), ',"content":', to_json($3), ',"message_type":"user_message","created_at":',
            left(to_json(created at time zone 'UTC')::text, -1), '+00:00","metadata":{},"deleted_at":null}'),
        'chat', salt);
    return row(message_id, $1, number, sender_id, sender_name, $3, 'user_message', created, created,
        '{}'::jsonb, null::timestamptz)::stream.chat_message;
end
$$;
comment on function stream_ext.send_message(uuid, uuid, text, uuid) is 'Sends a chat message; a stream.chat_message.';
