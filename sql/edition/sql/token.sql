-- Granting and issuing tokens: channel, uid and role come from rows, never from the caller. The row of the lease, or of the stream,
-- is locked and notes the token for the next heartbeat; what is read after that counts.
create function stream_ext.token_count_refusal(counter text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '1ms'
as $$
begin
    if $1 is null or current_setting('transaction_read_only')::boolean then
        return;
    end if;
    -- No roll-back gives the number back, and a refusal rolls back every row that it writes.
    perform nextval($1::regclass);
exception
    when lock_not_available or undefined_table then
        null;
end
$$;
comment on function stream_ext.token_count_refusal(text) is
    'Counts a refusal by a sequence; nothing where that would be an error or wait. counter null: it is not counted.';

create function stream_ext.token_refuse(code text, hint text, retry_after_ms bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    status constant pg_catalog.int4 := (select e.status from stream_private.error_catalogue as e where e.code = $1);
begin
    perform stream_ext.token_count_refusal(case
        when status = 429 then 'stream.tokens_refused_rate'
        when status in (403, 404, 409, 410) then 'stream.tokens_refused_rights'
        when status = 500 and $1 <> 'internal' then 'stream.tokens_refused_setup'
        end);
    perform stream_ext.error_raise($1, $2, $3);
end
$$;
comment on function stream_ext.token_refuse(text, text, bigint) is
    'Refuses a request for a token and counts the refusal. What is wrong with the call itself is not counted.';

create function stream_ext.token_session(channel text) returns uuid
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    id pg_catalog.uuid;
begin
    -- A regular expression takes ten times as long, and translate five times.
    begin
        id := $1::uuid;
        return case when id::text = $1 then id end;
    exception
        when others then
            return null;
    end;
end
$$;
comment on function stream_ext.token_session(text) is 'The session of a channel, which is named by its id; null for other names.';

create function stream_ext.token_refusal(
    session_id uuid, user_id uuid, role text, is_charged boolean, token_us bigint, out code text, out retry_after_ms bigint
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    stream pg_catalog.record;
    viewer_tat pg_catalog.timestamptz;
    is_viewer pg_catalog.bool;
    is_seller pg_catalog.bool;
begin
    select s.state, s.seller_id, s.host_token_tat into stream from stream.stream_sessions as s where s.id = $1;
    if not found then
        code := 'channel_not_found';
        return;
    end if;
    select v.token_tat into viewer_tat from stream.stream_viewers as v
    where v.session_id = $1 and v.user_id = $2 and v.is_active;
    is_viewer := found;
    is_seller := stream.seller_id = $2;
    code := case
        when $3 = 'host' and not is_seller then 'not_stream_owner'
        when stream.state = 'ended' then 'stream_ended'
        -- A ban has ended the lease, so it is the reason.
        when exists (select from stream_private.bans as b where b.session_id = $1 and b.user_id = $2) then 'banned'
        when $3 = 'viewer' and not is_viewer then 'not_viewer'
        when $3 is null and not is_seller and not is_viewer then 'not_viewer'
        end;
    if code is null and $4 then
        retry_after_ms := nullif(stream_ext.rate_wait_ms($5, 60000000 - $5,
            case when is_seller then stream.host_token_tat else viewer_tat end), 0);
        if retry_after_ms is not null then
            code := 'rate_limited';
        end if;
    end if;
end
$$;
comment on function stream_ext.token_refusal(uuid, uuid, text, boolean, bigint) is
    'Why the rows allow no token; null when they would allow one by now.';

create function stream_ext.token_note_viewer(
    session_id uuid, user_id uuid, issued_at timestamptz, expires_at timestamptz, is_charged boolean, token_us bigint
)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    uid pg_catalog.int4;
begin
    -- The session is not locked: a stream that ends closes every lease before it retires the tokens, so it waits for this lock, or
    -- has already closed the lease.
    update stream.stream_viewers as v
    set token_issued_at = $3, token_expires_at = $4, token_held_until = $4,
        token_tat = case when $5 then coalesce(stream_ext.rate_judge($6, 60000000 - $6, v.token_tat), v.token_tat) else v.token_tat end
    where v.session_id = $1 and v.user_id = $2 and v.is_active
        -- Most viewers have waited long enough.
        and (not $5 or v.token_tat <= clock_timestamp() or stream_ext.rate_judge($6, 60000000 - $6, v.token_tat) is not null)
    returning v.agora_uid into uid;
    return uid;
end
$$;
comment on function stream_ext.token_note_viewer(uuid, uuid, timestamptz, timestamptz, boolean, bigint) is
    'Notes the token in the lease and returns the viewer''s uid; null without a lease or beyond the rate.';

create function stream_ext.token_note_host(
    session_id uuid, user_id uuid, generation integer, issued_at timestamptz, expires_at timestamptz, is_charged boolean,
    token_us bigint, out number integer, out code text
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    stream pg_catalog.record;
    tat pg_catalog.timestamptz;
begin
    select s.generation, s.host_token_tat into stream from stream.stream_sessions as s where s.id = $1 and s.seller_id = $2;
    if not found then
        return;
    end if;
    -- Before the rate.
    if $3 <> stream.generation then
        code := 'stale_host';
        return;
    end if;
    tat := case when $6 then stream_ext.rate_judge($7, 60000000 - $7, stream.host_token_tat) else stream.host_token_tat end;
    if $6 and tat is null then
        return;
    end if;
    update stream.stream_sessions as s
    set host_token_issued_at = $4, host_token_expires_at = $5, host_token_tat = tat, host_token_held_until = $5
    where s.id = $1 and s.seller_id = $2 and s.state <> 'ended'
    returning s.generation into number;
    -- The row is locked now, so no takeover can come before the token.
    if $3 <> number then
        code := 'stale_host';
    end if;
end
$$;
comment on function stream_ext.token_note_host(uuid, uuid, integer, timestamptz, timestamptz, boolean, bigint) is
    'Notes the token in the row of the stream and returns the host''s generation; null when the user is not the host or the rate is used up.';

create function stream_ext.token_grant(
    channel text, user_id uuid, role text, generation integer, is_charged boolean, issued_at bigint,
    out session_id uuid, out number integer, out is_host boolean, out life_s integer, out code text, out retry_after_ms bigint
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    granted pg_catalog.text;
    began pg_catalog.timestamptz;
    token_us pg_catalog.int8;
    noted pg_catalog.record;
begin
    session_id := stream_ext.token_session($1);
    -- The rows can change between a failed attempt and finding the reason for it.
    for attempt in 1..3 loop
        foreach granted in array array['viewer', 'host'] loop
            continue when session_id is null or $3 <> granted;
            if granted = 'host' then
                -- The host's token changes the session's row. Other users than the seller must not lock it.
                perform from stream.stream_sessions as s where s.id = session_id and s.seller_id = $2;
                continue when not found;
                perform stream_ext.gate_close(session_id);
            end if;
            select s.created_at into began from stream.stream_sessions as s
            where s.id = token_grant.session_id and s.channel_id = $1 and s.state <> 'ended';
            continue when not found;
            select stream_ext.token_life_s(began, $6, c.max_duration_s, c.token_ttl_s),
                stream_ext.rate_minute_us(c.token_rate_per_minute)
            into life_s, token_us
            from stream.config as c where c.id;
            if granted = 'viewer' then
                number := stream_ext.token_note_viewer(
                    session_id, $2, to_timestamp($6), to_timestamp($6 + life_s), $5, token_us);
            else
                noted := stream_ext.token_note_host(
                    session_id, $2, $4, to_timestamp($6), to_timestamp($6 + life_s), $5, token_us);
                number := noted.number;
                code := noted.code;
                exit when code is not null;
            end if;
            if number is not null then
                -- Read after the lock, so a ban that was committed while this waited counts.
                if exists (select from stream_private.bans as b where b.session_id = token_grant.session_id and b.user_id = $2) then
                    code := 'banned';
                end if;
                is_host := granted = 'host';
                return;
            end if;
        end loop;
        if code is null then
            select r.code, r.retry_after_ms into code, retry_after_ms
            from stream_ext.token_refusal(session_id, $2, $3, $5, stream_ext.rate_minute_us(
                (select c.token_rate_per_minute from stream.config as c where c.id))) as r;
        end if;
        if code is not null then
            return;
        end if;
    end loop;
    code := 'lock_timeout';
end
$$;
comment on function stream_ext.token_grant(text, uuid, text, integer, boolean, bigint) is
    'Locks the row and notes the token, or says the code of the refusal. role is host or viewer; null: whichever the user is.';

create function stream_ext.generate_token(user_id uuid, channel_id text, role text, occasion text, generation integer) returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_write();
    about pg_catalog.uuid := coalesce($1, caller);
    issued_at constant pg_catalog.int8 := floor(extract(epoch from clock_timestamp()));
    signer pg_catalog.record;
    refusal pg_catalog.record;
    granted pg_catalog.record;
    issued pg_catalog.record;
begin
    -- Each expression is prepared anew in every transaction, so what is rare is looked for by one.
    if $4 is null or $2 is null or about is null or caller <> about or $3 not in ('host', 'viewer') or $4 not in ('request', 'refresh')
        or issued_at not between 1704067200 and 4102444799
    then
        if $4 is null then
            perform stream_ext.error_null('occasion');
        end if;
        if $3 not in ('host', 'viewer') or $4 not in ('request', 'refresh') then
            perform stream_ext.error_internal('no such role or occasion');
        end if;
        if caller <> $1 then
            perform stream_ext.token_refuse('not_self', null, null);
        end if;
        about := stream_ext.caller_resolve(caller, $1);
        if $2 is null then
            perform stream_ext.error_null('channel_id');
        end if;
        if stream_ext.clock_refusal() is not null then
            perform stream_ext.token_refuse('clock_wrong', stream_ext.clock_refusal(), null);
        end if;
    end if;
    -- Read before anything is locked, so that a wrong configuration costs no write. A user who may have no token gets that
    -- refusal instead of the configuration's.
    signer := stream_ext.certificate_read(false, true);
    if signer.code is not null then
        select r.code, r.retry_after_ms into refusal
        from stream_ext.token_refusal(stream_ext.token_session($2), about, $3, caller is not null,
            stream_ext.rate_minute_us((select c.token_rate_per_minute from stream.config as c where c.id))) as r;
        if refusal.code is not null then
            perform stream_ext.token_refuse(refusal.code, null, refusal.retry_after_ms);
        end if;
        perform stream_ext.token_refuse(signer.code, signer.hint, null);
    end if;
    -- The usual table of users, by a plan that is kept.
    if stream_ext.application_has_auth_users() then
        perform from auth.users as u where u.id = about for key share;
    else
        perform stream_ext.application_hold_user(about);
    end if;
    -- The service has no rate, and does not use up a user's.
    granted := stream_ext.token_grant($2, about, $3, $5, caller is not null, issued_at);
    if granted.code is not null then
        perform stream_ext.token_refuse(granted.code, null, granted.retry_after_ms);
    end if;
    if $4 = 'refresh' then
        update stream.agora_tokens as t set is_active = false
        where t.session_id = granted.session_id and t.user_id = about and t.is_active;
    end if;
    issued := stream_ext.token_issue(granted.session_id, about, signer.app_id, signer.certificate, granted.number, granted.is_host,
        issued_at, granted.life_s);
    return row(issued.token, $2, granted.number, issued.expires_at,
        row(granted.is_host, true, granted.is_host)::stream.token_privileges)::stream.agora_token;
end
$$;
comment on function stream_ext.generate_token(uuid, text, text, text, integer) is
    'Issues a token. role is host or viewer; null: whichever the user is. occasion is request, or refresh, which retires the older tokens.';
