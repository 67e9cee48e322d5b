-- Joining with a token: a new token within the user's rate, the newest one again beyond it. A join is never refused for its rate,
-- because a phone on a bad network must be able to come back; and a loop of joins must not fill agora_tokens.
create function stream_ext.token_reissue(
    session_id uuid, user_id uuid, app_id text, certificate text, now_s bigint, out token text, out expires_at timestamptz
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    uid pg_catalog.int4;
    stored pg_catalog.record;
    again pg_catalog.text;
begin
    select v.agora_uid into uid from stream.stream_viewers as v
    where v.session_id = $1 and v.user_id = $2 and v.is_active;
    if not found then
        return;
    end if;
    -- One row however many the user has.
    select t.token_hash::text as hash, t.salt::bigint as salt, t.created_at, t.expires_at into stored
    from stream.agora_tokens as t
    where t.session_id = $1 and t.user_id = $2 and t.is_active
    order by t.created_at desc limit 1;
    -- More than a quarter of its life is left; until then no heartbeat replaces it.
    if not found or stored.expires_at <= to_timestamp($5) + (stored.expires_at - stored.created_at) / 4 then
        return;
    end if;
    again := stream_ext.token_mint($3, $4, $1::text, uid, false,
        floor(extract(epoch from stored.created_at))::bigint,
        floor(extract(epoch from stored.expires_at))::bigint - floor(extract(epoch from stored.created_at))::bigint,
        stored.salt);
    -- After a change of the certificate, the App ID, the uid or the edition nobody gets a token that is not in the table.
    if encode(sha256(convert_to(again, 'UTF8')), 'hex') = stored.hash then
        token := again;
        expires_at := stored.expires_at;
    end if;
end
$$;
comment on function stream_ext.token_reissue(uuid, uuid, text, text, bigint) is
    'The newest token of a viewer, minted again from its stored fields; null when it is not the one that was stored, or ends soon.';

create function stream_ext.join_with_token(session_id uuid)
returns table (
    user_id uuid, agora_uid integer, join_no integer, joined_at timestamptz, token text, expires_at timestamptz, retry_after_ms bigint
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant pg_catalog.uuid := stream_ext.caller_resolve(stream_ext.enter_to_write(), null);
    signer pg_catalog.record;
    granted pg_catalog.record;
    held_until pg_catalog.timestamptz;
    now_s pg_catalog.int8;
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    -- Clock and certificate are checked first, so a join is refused before it writes a lease when no token could be minted at all.
    perform stream_ext.check_clock();
    select c.app_id, c.certificate, c.code, c.hint into signer from stream_ext.certificate_read(false, true) as c;
    if signer.code is not null then
        perform stream_ext.refuse_with_hint(signer.code, signer.hint);
    end if;
    perform stream_ext.application_hold_user(caller);
    user_id := caller;
    select j.agora_uid, j.join_no, j.joined_at into agora_uid, join_no, joined_at from stream_ext.viewer_join($1, caller) as j;
    -- The join may have waited.
    perform stream_ext.check_clock();
    now_s := stream_ext.clock_s();
    select g.number, g.life_s, g.code, g.retry_after_ms into granted
    from stream_ext.token_grant($1::text, caller, 'viewer', null, true, now_s) as g;
    if granted.code is null then
        select i.token, i.expires_at into token, expires_at
        from stream_ext.token_issue($1, caller, signer.app_id, signer.certificate, granted.number, false, now_s, granted.life_s) as i;
        return next;
        return;
    end if;
    if granted.code <> 'rate_limited' then
        perform stream_ext.error_raise(granted.code, null, granted.retry_after_ms);
    end if;
    select r.token, r.expires_at into token, expires_at
    from stream_ext.token_reissue($1, caller, signer.app_id, signer.certificate, now_s) as r;
    if token is null then
        retry_after_ms := greatest(granted.retry_after_ms, 1);
    end if;
    -- The heartbeat renews by this time: it returns a token to a viewer without one as to one whose token ends soon.
    held_until := coalesce(expires_at, to_timestamp(now_s));
    update stream.stream_viewers as v set token_held_until = held_until
    where v.session_id = $1 and v.user_id = caller and v.token_held_until is distinct from held_until;
    return next;
end
$$;
comment on function stream_ext.join_with_token(uuid) is
    'Joins and mints a token in one call. Without a token retry_after_ms is set, at least 1.';
