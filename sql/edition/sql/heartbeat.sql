-- The heartbeat of one device, a viewer's or the host's. It waits for no locked row: a viewer's never, the host's 200 ms at most, and
-- returns the same result then without a write. In a batch the host's waits for nobody either, and is refused with lock_timeout.
create function stream_ext.token_is_due(
    issued_at timestamptz, expires_at timestamptz, held_until timestamptz, device_expires_at timestamptz
)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- At 75 % of its life, or before what the device holds has as much left, and at most once in 30 s.
    return $1 is not null and $2 is not null and $1 <= now() - interval '30 seconds'
        and least(coalesce($4, $3, $2), $2) <= now() + ($2 - $1) / 4;
end
$$;
comment on function stream_ext.token_is_due(timestamptz, timestamptz, timestamptz, timestamptz) is
    'Whether a heartbeat returns a new token. device_expires_at is the end of the device''s token, if it was sent; otherwise held_until counts.';

create function stream_ext.token_held_until(issued_at timestamptz, held_until timestamptz, new_expires_at timestamptz)
returns timestamptz
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Nobody knows whether a renewed token arrived, so the older token's end is kept until a token is minted after it.
    return case when $1 < $2 then $2 else $3 end;
end
$$;
comment on function stream_ext.token_held_until(timestamptz, timestamptz, timestamptz) is
    'Until when a user may still hold an older token, for the row that notes a new one.';

create function stream_ext.heartbeat_prepare(
    session_id uuid, out app_id text, out certificate text, out issued_at bigint, out life_s integer
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    signer pg_catalog.record;
begin
    -- While the configuration is wrong, which doctor() shows, there is none: a heartbeat must not fail for that.
    if stream_ext.clock_refusal() is not null then
        return;
    end if;
    signer := stream_ext.certificate_read(false, true);
    if signer.code is not null then
        return;
    end if;
    app_id := signer.app_id;
    certificate := signer.certificate;
    $4 := stream_ext.clock_s();
    select stream_ext.token_life_s(s.created_at, $4, c.max_duration_s, c.token_ttl_s) into $5
    from stream.stream_sessions as s
    cross join stream.config as c
    where s.id = $1 and s.channel_id = $1::text and s.state <> 'ended' and c.id;
end
$$;
comment on function stream_ext.heartbeat_prepare(uuid) is 'What a renewed token is minted from; nulls where none can be minted.';

create function stream_ext.heartbeat_viewer(
    session_id uuid, user_id uuid, foreground boolean, join_no integer, token_expires_at timestamptz, later boolean,
    later_foreground boolean, out status text, out code text, out token text, out uid integer, out expires_at timestamptz,
    out is_written boolean
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    lease pg_catalog.record;
    is_locked pg_catalog.bool := true;
    changes_foreground pg_catalog.bool;
    is_due pg_catalog.bool;
    renewal pg_catalog.record;
    issued pg_catalog.record;
    since pg_catalog.timestamptz;
    check_at pg_catalog.timestamptz;
    issued_at pg_catalog.timestamptz;
begin
    is_written := false;
    if $6 then
        select v.* into lease from stream.stream_viewers as v where v.session_id = $1 and v.user_id = $2;
    else
        select v.* into lease from stream.stream_viewers as v
        where v.session_id = $1 and v.user_id = $2 for no key update skip locked;
        if not found then
            is_locked := false;
            select v.* into lease from stream.stream_viewers as v where v.session_id = $1 and v.user_id = $2;
        end if;
    end if;
    if lease.is_active is not true then
        code := coalesce((
            select case when s.state = 'ended' then 'stream_ended' end from stream.stream_sessions as s where s.id = $1),
            case when not exists (select from stream.stream_sessions as s where s.id = $1) then 'session_not_found'
                when exists (select from stream_private.bans as b where b.session_id = $1 and b.user_id = $2) then 'banned'
                else 'not_viewer' end);
        return;
    end if;
    status := 'ok';
    if $4 <> lease.join_no then
        status := 'superseded';
        return;
    end if;
    changes_foreground := $3 is not null and $3 = (lease.background_since is not null);
    is_due := stream_ext.token_is_due(lease.token_issued_at, lease.token_expires_at, lease.token_held_until, $5);
    if $6 then
        -- An item that would have more to note than the later one, for which the row was written, comes alone.
        if is_due or changes_foreground and not $7 then
            status := null;
            code := 'lock_timeout';
        end if;
        return;
    end if;
    if not is_locked then
        return;
    end if;
    is_written := true;
    if not changes_foreground and not is_due then
        update stream.stream_viewers as v set last_seen_at = now() where v.session_id = $1 and v.user_id = $2;
        return;
    end if;
    if is_due then
        renewal := stream_ext.heartbeat_prepare($1);
        if renewal.life_s is not null then
            if stream_ext.application_hold_user_if_free($2) then
                perform from stream.stream_sessions as s where s.id = $1 for share skip locked;
                is_due := found;
            else
                is_due := false;
            end if;
            -- After the lock, which a ban takes too.
            if is_due and exists (select from stream_private.bans as b where b.session_id = $1 and b.user_id = $2) then
                status := null;
                is_written := false;
                code := 'banned';
                return;
            end if;
        else
            is_due := false;
        end if;
    end if;
    since := lease.background_since;
    check_at := lease.lease_check_at;
    if changes_foreground then
        since := case when not $3 then now() end;
        if not $3 then
            check_at := least(check_at, now() + (
                select c.background_grace_s * interval '1 second' from stream.config as c where c.id));
        end if;
    end if;
    if is_due then
        issued_at := to_timestamp(renewal.issued_at);
        expires_at := to_timestamp(renewal.issued_at + renewal.life_s);
    end if;
    update stream.stream_viewers as v
    set last_seen_at = now(), background_since = since, lease_check_at = check_at,
        token_issued_at = coalesce(issued_at, v.token_issued_at),
        token_expires_at = coalesce(expires_at, v.token_expires_at),
        token_held_until = case when is_due
            then stream_ext.token_held_until(v.token_issued_at, v.token_held_until, expires_at) else v.token_held_until end
    where v.session_id = $1 and v.user_id = $2;
    if is_due then
        select i.token, i.expires_at into issued
        from stream_ext.token_issue(
            $1, $2, renewal.app_id, renewal.certificate, lease.agora_uid, false, renewal.issued_at, renewal.life_s) as i;
        token := issued.token;
        uid := lease.agora_uid;
        expires_at := issued.expires_at;
    end if;
end
$$;
comment on function stream_ext.heartbeat_viewer(uuid, uuid, boolean, integer, timestamptz, boolean, boolean) is
    'Prolongs a viewer''s lease, with a token when one is due; or the code of the refusal. later: the row is written already for a later item of the same call.';
