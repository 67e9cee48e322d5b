-- The rules for the sender of a message: restrictions, chat mode, rate, slow mode and blocked terms.

create function stream_ext.chat_blocks(session_id uuid, content text) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    words pg_catalog.text;
begin
    if not exists (select from stream.blocked_terms) then
        return false;
    end if;
    words := stream_ext.core_searchable($2);
    return exists (select from stream.blocked_terms as b where b.session_id = $1 and strpos(words, b.pattern) > 0)
        or exists (select from stream.blocked_terms as b where b.session_id is null and strpos(words, b.pattern) > 0);
end
$$;
comment on function stream_ext.chat_blocks(uuid, text) is 'Whether a message holds a term that is blocked in the stream, or in all.';

create function stream_ext.chat_is_in_mode(session_id uuid, user_id uuid, is_seller boolean, chat_mode text) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return case $4
        when 'nobody' then false
        when 'verified' then $3 or coalesce(stream.hook_is_verified($2), false) or coalesce(stream.hook_can_moderate($2, $1), false)
        else $3 or coalesce(stream.hook_can_moderate($2, $1), false)
    end;
end
$$;
comment on function stream_ext.chat_is_in_mode(uuid, uuid, boolean, text) is 'Whether a user may write in a chat that is not open to all viewers.';

create function stream_ext.chat_refusal(
    session_id uuid, user_id uuid, content text, is_anonymous boolean, anonymous_users_may_chat boolean, is_seller boolean,
    holds_lease boolean, can_chat boolean, username text, is_banned boolean, is_muted boolean, chat_mode text, backlog_us bigint,
    tolerance_us bigint, slow_mode_ms bigint, silent_ms bigint
)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return case
        when $4 and not $5 then 'anonymous_user'
        when $10 then 'banned'
        when not $6 and $7 is not true then 'not_viewer'
        when not $8 or $9 is null then 'cannot_chat'
        when $11 then 'muted'
        when $12 <> 'viewers' and not stream_ext.chat_is_in_mode($1, $2, $6, $12) then 'chat_closed'
        when $13 > $14 then 'rate_limited'
        when $15 > coalesce($16, $15) and not $6 and not coalesce(stream.hook_can_moderate($2, $1), false) then 'slow_mode'
        -- A term that is blocked takes a page; most applications never block one.
        when pg_relation_size('stream.blocked_terms') > 0 and stream_ext.chat_blocks($1, $3) then 'content_blocked'
    end;
end
$$;
comment on function stream_ext.chat_refusal(
    uuid, uuid, text, boolean, boolean, boolean, boolean, boolean, text, boolean, boolean, text, bigint, bigint, bigint, bigint
) is 'Why a message is refused; null when it is not.';

create function stream_ext.chat_retry_after_ms(
    refusal text, muted_until timestamptz, backlog_us bigint, tolerance_us bigint, slow_mode_ms bigint, silent_ms bigint
)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return case $1
        -- A mute without an end has no wait.
        when 'muted' then case when isfinite($2) then greatest(floor(extract(epoch from $2 - clock_timestamp()) * 1000), 0) end
        when 'rate_limited' then ($3 - $4 + 999) / 1000
        when 'slow_mode' then $5 - $6
    end;
end
$$;
comment on function stream_ext.chat_retry_after_ms(text, timestamptz, bigint, bigint, bigint, bigint) is
    'After what time a refused message may be sent again; null where nobody knows.';

create function stream_ext.chat_rules(
    session_id uuid, user_id uuid,
    out is_seller boolean, out chat_mode text, out slow_mode_ms bigint, out anonymous_users_may_chat boolean, out epoch_salt text,
    out interval_us bigint, out tolerance_us bigint, out can_chat boolean, out username text
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    select s.seller_id = $2, s.chat_mode, s.slow_mode_ms::bigint, c.anonymous_users_may_chat, c.epoch_salt,
        case when s.seller_id = $2 then c.host_chat_interval_ms else c.chat_interval_ms end * 1000::bigint,
        case when s.seller_id = $2 then c.host_chat_interval_ms * (c.host_chat_burst - 1)::bigint
            else c.chat_interval_ms * (c.chat_burst - 1)::bigint end * 1000,
        s.seller_id = $2 or coalesce(stream.hook_can_chat($2, $1), false),
        stream_ext.core_display_name(stream.hook_username($2))
    into $3, $4, $5, $6, $7, $8, $9, $10, $11
    from stream.stream_sessions as s
    cross join stream.config as c
    where s.id = $1 and c.id;
end
$$;
comment on function stream_ext.chat_rules(uuid, uuid) is 'The rules of a stream for the messages of one user; nothing but nulls without the stream.';

create function stream_ext.chat_silent_ms(last_chat_at timestamptz, at timestamptz) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return case when $1 <= $2 then floor(extract(epoch from $2 - $1) * 1000)::bigint end;
end
$$;
comment on function stream_ext.chat_silent_ms(timestamptz, timestamptz) is 'How long a user has not written; null before the first message.';

create function stream_ext.chat_restrictions(
    session_id uuid, user_id uuid, out is_banned boolean, out is_muted boolean, out muted_until timestamptz
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    select coalesce(bool_or(r.kind = 'ban'), false), coalesce(bool_or(r.kind = 'mute'), false),
        max(r.until) filter (where r.kind = 'mute')
    into $3, $4, $5
    from stream_private.restrictions as r
    where r.session_id = $1 and r.user_id = $2 and r.is_in_force;
end
$$;
comment on function stream_ext.chat_restrictions(uuid, uuid) is 'Ban and mute of a user who is restricted. Most senders are not.';
