-- Applying a notice of Agora: storing it once, and changing the stream by it in the same transaction. Lock order: the session (only for
-- notices about its host, so that notices about viewers never wait for each other), the stored notice, the cursor of the user, and
-- then the locks of a transition.
create function stream_ext.webhook_advance(
    session_id uuid, uid bigint, "position" bigint, is_present boolean, ts bigint
)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into stream.webhook_cursors as k (session_id, uid, position, is_present, happened_at, seen_at, forget_at)
    select $1, $2, $3, $4, to_timestamp($5), now(),
        -- Who left is kept for 60 s, as in Agora's own recipe.
        now() + case when $4 then c.max_duration_s else 60 end * interval '1 second'
    from stream.config as c where c.id
    on conflict on constraint webhook_cursors_pkey do update
    set position = excluded.position, is_present = excluded.is_present, happened_at = excluded.happened_at,
        seen_at = excluded.seen_at, forget_at = excluded.forget_at
    where excluded.position > k.position;
    return found;
end
$$;
comment on function stream_ext.webhook_advance(uuid, bigint, bigint, boolean, bigint) is
    'Moves the user''s cursor on; false when a newer change is stored.';

create function stream_ext.webhook_apply_host(session_id uuid, state text, generation integer, step text, verdict text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if $4 = 'see' then
        -- Only for a host who sends heartbeats: seen by Agora, others still cannot time out.
        update stream.stream_sessions as s set host_seen_at = now() where s.id = $1 and s.host_seen_at is not null;
        return 'host_present';
    elsif $4 = 'wait' then
        return 'waiting_for_heartbeat';
    elsif $4 = 'return' then
        perform stream_ext.stream_move($1, $2, 'active', 'host_returned', $3, null);
        return 'host_returned';
    elsif $4 = 'lose' then
        perform stream_ext.stream_move($1, $2, 'error', $5, $3, null);
        return $5;
    elsif $4 = 'restate' then
        update stream.stream_sessions as s set state_reason = $5 where s.id = $1;
        return $5;
    end if;
    return 'noted';
end
$$;
comment on function stream_ext.webhook_apply_host(uuid, text, integer, text, text) is
    'Applies a step of webhook_step to a locked session; returns the effect.';

create function stream_ext.webhook_apply_change(
    session_id uuid, generation integer, kind text, event_type integer, uid bigint, client_seq bigint, ts bigint,
    out status text, out effect text
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    is_host constant pg_catalog.bool := $5 between 1 and 999999;
begin
    if $3 = 'channel' then
        -- 101 and 102 have no number, only seconds. Within one second "created" wins.
        status := case when stream_ext.webhook_advance($1, 0, 2 * $7 + case when $4 = 101 then 1 else 0 end, $4 = 101, $7)
            then 'applied' else 'outdated' end;
        effect := case when status = 'applied' then 'noted' end;
        return;
    end if;
    status := 'ignored';
    effect := case
        when is_host and $5 < $2 then 'old_generation'
        when is_host and $5 > $2 then 'unknown_uid'
        when not is_host and not exists (
            select from stream.stream_viewers as v where v.session_id = $1 and v.agora_uid = $5) then 'unknown_uid'
        end;
    if effect is not null then
        return;
    end if;
    status := case when stream_ext.webhook_advance($1, $5, $6, $3 <> 'left', $7) then 'applied' else 'outdated' end;
    -- Leases follow the app's heartbeats alone and end by themselves; Agora may be late or wrong.
    effect := case when status = 'applied' and not is_host then 'noted' end;
end
$$;
comment on function stream_ext.webhook_apply_change(uuid, integer, text, integer, bigint, bigint, bigint) is
    'Stores a change of who is in the channel of a live session. applied without an effect: it is about the host, and is to be applied.';

create function stream_ext.apply_webhook(notice text) returns table (status text, effect text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    parsed pg_catalog.record;
    session pg_catalog.record;
    verdict pg_catalog.text;
begin
    if stream_ext.enter_to_write() is not null then
        perform stream_ext.refuse('forbidden');
    end if;
    if $1 is null then
        perform stream_ext.error_null('notice');
    end if;
    select p.* into parsed from stream_ext.webhook_parse($1) as p;
    status := 'applied';
    effect := 'noted';
    -- For a notice about a viewer: a live session cannot be deleted, so no lock is needed.
    select s.id, s.state, s.generation, s.state_reason, s.state_before_error, false as may_return, false as has_heartbeat
    into session
    from stream.stream_sessions as s where s.channel_id = parsed.channel;
    if parsed.kind = 'test' then
        status := 'test';
        effect := null;
    elsif parsed.kind = 'unknown' then
        status := 'ignored';
        effect := 'unknown_event';
    elsif session.id is not null and parsed.uid between 1 and 999999 then
        perform stream_ext.gate_close(session.id);
        select s.id, s.state, s.generation, s.state_reason, s.state_before_error,
            coalesce(s.reconnect_deadline > clock_timestamp(), false) as may_return,
            -- A heartbeat ahead of the clock is from before the clock was set back, and counts as none.
            coalesce(s.host_heartbeat_at between
                clock_timestamp() - c.host_timeout_s * interval '1 second' and clock_timestamp(), false) as has_heartbeat
        into session
        from stream.stream_sessions as s cross join stream.config as c
        where s.channel_id = parsed.channel for no key update of s;
    end if;
    if parsed.kind not in ('test', 'unknown') and session.id is null then
        status := 'unknown_channel';
        effect := null;
    end if;
    insert into stream.webhook_events as e (
        notice_id, product_id, event_type, channel_id, session_id, uid, client_seq, happened_at, reason, duration_s, status, effect)
    values (
        parsed.notice_id, parsed.product_id, parsed.event_type, parsed.channel, session.id, parsed.uid, parsed.client_seq,
        to_timestamp(parsed.ts), parsed.reason, parsed.duration_s, 'applied', 'noted')
    on conflict on constraint webhook_events_pkey do nothing;
    if not found then
        status := 'duplicate';
        effect := null;
        return next;
        return;
    end if;
    if parsed.kind not in ('test', 'unknown') and session.id is not null then
        status := 'ignored';
        effect := case
            when session.state = 'ended' then 'ended'
            when parsed.kind <> 'channel' then
                stream_ext.webhook_ignored(parsed.kind, parsed.reason, parsed.platform, parsed.client_type) end;
        if effect is null then
            select c.status, c.effect into status, effect
            from stream_ext.webhook_apply_change(
                session.id, session.generation, parsed.kind, parsed.event_type, parsed.uid, parsed.client_seq, parsed.ts) as c;
        end if;
        if status = 'applied' and effect is null then
            verdict := stream_ext.webhook_verdict(parsed.kind, parsed.reason, session.has_heartbeat);
            effect := stream_ext.webhook_apply_host(session.id, session.state, session.generation,
                stream_ext.webhook_step(session.state, session.state_reason, session.state_before_error, session.may_return, verdict),
                verdict);
        end if;
    end if;
    if (status, effect) is distinct from ('applied', 'noted') then
        update stream.webhook_events as e set status = apply_webhook.status, effect = apply_webhook.effect
        where e.notice_id = parsed.notice_id;
    end if;
    return next;
end
$$;
comment on function stream_ext.apply_webhook(text) is 'Applies a notice, the text of a JSON object.';
