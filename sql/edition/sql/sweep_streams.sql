-- The rules late_events, expiring_tokens and retention.

create function stream_ext.sweep_concerns_user(token_id uuid, session_id uuid, user_id uuid, created_at timestamptz) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select from stream.stream_sessions as s
        where s.id = $2 and s.state <> 'ended'
            and (s.seller_id = $3 or exists (
                select from stream.stream_viewers as v where v.session_id = $2 and v.user_id = $3 and v.is_active))
    ) and not exists (
        select from stream.agora_tokens as n
        where n.session_id = $2 and n.user_id = $3 and n.is_active and (n.created_at, n.id) > ($4, $1));
end
$$;
comment on function stream_ext.sweep_concerns_user(uuid, uuid, uuid, timestamptz) is
    'Whether a token is its user''s newest, and its user still needs one: a viewer with a lease, or the seller, of a live session.';

create function stream_ext.regular_take_late_events(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    due constant pg_catalog.uuid[] := array(
        select distinct e.session_id from stream.late_events as e
        where e.session_id <> all ($3) order by e.session_id limit least($1, $2));
begin
    if cardinality(due) > 0 and stream_ext.realtime_hold(clock_timestamp()) is not null then
        return query select d.id, '{}'::jsonb, false from unnest(due) as d (id) order by d.id;
    end if;
end
$$;
comment on function stream_ext.regular_take_late_events(integer, integer, uuid[], jsonb) is
    'Streams with events that no partition of realtime.messages took when they happened.';

create function stream_ext.regular_do_late_events(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
    late pg_catalog.record;
    hinted pg_catalog.text[] := '{}';
    sent pg_catalog.int4 := 0;
begin
    -- Keeps the stream and its restrictions as they are until the events are sent, so that none is sent behind a newer one. A join only
    -- shares the stream's row, as this does.
    perform from stream.moderation_turns as t where t.session_id = $1 for no key update skip locked;
    if not found and exists (select from stream.moderation_turns as t where t.session_id = $1) then
        return '{"passed": true}';
    end if;
    perform from stream.stream_sessions as s where s.id = $1 for share skip locked;
    if not found and exists (select from stream.stream_sessions as s where s.id = $1) then
        return '{"passed": true}';
    end if;
    for late in
        with taken as (
            delete from stream.late_events as e where e.session_id = $1
            returning e.topic, e.subject, e.event, e.payload as p, e.user_id
        )
        select t.topic, t.subject, t.event, t.p, s.id is not null as is_there, coalesce(
            case t.subject
                when 'state' then s.state = t.p ->> 'state' and s.state_seq = (t.p ->> 'seq')::bigint
                    and s.generation = (t.p ->> 'generation')::integer
                when 'viewer_count' then s.viewer_count = (t.p ->> 'viewer_count')::integer
                when 'live' then (s.state = 'ended') = (t.p ->> 'state' = 'ended')
                when 'token_expiring' then exists (
                    select from stream.agora_tokens as k
                    where k.session_id = $1 and k.user_id = t.user_id and k.is_active
                        and k.expires_at = (t.p ->> 'expires_at')::timestamptz
                        and stream_ext.sweep_concerns_user(k.id, k.session_id, k.user_id, k.created_at))
                when 'resync' then true
                else exists (
                    select from stream_private.restrictions as r
                    where r.session_id = $1 and r.user_id = t.user_id and r.kind = t.subject and r.is_in_force
                        and (not (t.p ->> 'is_in_force')::boolean
                            or r.until is not distinct from (t.p ->> 'until')::timestamptz)
                ) = (t.p ->> 'is_in_force')::boolean
            end, false) as is_true
        from taken as t
        left join stream.stream_sessions as s on s.id = $1
        order by t.topic, t.subject
    loop
        -- What is kept of a stream that is gone is said to nobody, and a token that was renewed since asks for nothing.
        continue when not late.is_there or not late.is_true and (late.subject = 'token_expiring' or late.topic = any (hinted));
        -- Clients compare their clocks with it, so it is the time of sending.
        perform stream_ext.emit(late.topic, case when late.is_true then late.event else 'resync' end,
            (case when late.is_true then late.p else jsonb_build_object('session_id', $1, 'reason', 'missed_event') end
                || jsonb_build_object('server_time', clock_timestamp()))::text);
        if not late.is_true then
            hinted := hinted || late.topic;
        end if;
        sent := sent + 1;
    end loop;
    return jsonb_build_object('rows', greatest(sent, 1), 'tallies', jsonb_build_object('late_events', jsonb_build_array(sent, null)));
end
$$;
comment on function stream_ext.regular_do_late_events(uuid, jsonb, jsonb) is
    'Sends late events where they are still true, by the rows as they are now; where something has changed since, the topic gets resync.';

create function stream_ext.regular_take_expiring_tokens(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    with due as (
        select t.session_id, t.id from stream.agora_tokens as t
        where t.is_active and t.check_at <= now() and t.expires_at > now() and t.session_id <> all ($3)
        order by t.check_at limit $2
        for no key update skip locked
    )
    select d.session_id, jsonb_agg(d.id), false from due as d group by d.session_id order by d.session_id;
end
$$;
comment on function stream_ext.regular_take_expiring_tokens(integer, integer, uuid[], jsonb) is 'Tokens that end soon.';

create function stream_ext.regular_do_expiring_tokens(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
    expiring pg_catalog.record;
    told pg_catalog.int4 := 0;
    oldest pg_catalog.interval;
begin
    for expiring in
        with due as (
            select d.id, now() - d.check_at as age from stream.agora_tokens as d
            where d.id = any (stream_ext.regular_ids($2)) and d.session_id = $1 and d.is_active
        ), checked as (
            -- The next look is at the token's end.
            update stream.agora_tokens as t set check_at = t.expires_at
            from due as d where t.id = d.id
            returning t.id, t.session_id, t.user_id, t.created_at, t.expires_at, d.age
        )
        select c.user_id, c.expires_at, c.age, stream_ext.sweep_concerns_user(c.id, c.session_id, c.user_id, c.created_at) as concerns
        from checked as c order by c.user_id
    loop
        continue when not expiring.concerns;
        perform stream_ext.emit('user:' || expiring.user_id, 'token_expiring', json_build_object(
            'session_id', $1, 'expires_at', expiring.expires_at, 'server_time', clock_timestamp())::text);
        told := told + 1;
        oldest := greatest(oldest, expiring.age);
    end loop;
    if told = 0 then
        return jsonb_build_object('rows', jsonb_array_length($2));
    end if;
    return stream_ext.sweep_tally('expiring_tokens', jsonb_array_length($2), told, oldest);
end
$$;
comment on function stream_ext.regular_do_expiring_tokens(uuid, jsonb, jsonb) is
    'Tells users that their newest Agora token ends soon, once for each token.';

create function stream_ext.regular_take_retention(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    if stream_ext.regular_keeps_realtime_free() then
        return;
    end if;
    -- The bound is computed in a subquery, so that it limits the scan of the index.
    return query
    select s.id, jsonb_build_object('age_us',
        (extract(epoch from now() - s.ended_at - c.retention_days * interval '1 day') * 1000000)::bigint), false
    from stream.stream_sessions as s
    cross join stream.config as c
    where s.state = 'ended'
        and s.ended_at < (select now() - k.retention_days * interval '1 day' from stream.config as k)
        and s.id <> all ($3)
    order by s.ended_at limit 1
    for update of s skip locked;
end
$$;
comment on function stream_ext.regular_take_retention(integer, integer, uuid[], jsonb) is 'The stream whose retention ended first.';

create function stream_ext.regular_do_retention(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    at_most constant pg_catalog.int4 := ($3 ->> 'rows_left')::integer;
    deleted pg_catalog.int4;
    is_part pg_catalog.bool := true;
begin
    if not stream_ext.frames_expire($1, at_most) then
        return '{"passed": true}';
    end if;
    deleted := stream_ext.stream_delete_dependents($1, at_most);
    if deleted = 0 then
        -- In a unit of its own, so that a table of the application that still refers to it keeps that row and nothing else.
        deleted := stream_ext.stream_delete_row($1);
        is_part := false;
    end if;
    return jsonb_build_object('part', is_part, 'rows', deleted,
        'tallies', jsonb_build_object('retention', jsonb_build_array(deleted, ($2 ->> 'age_us')::bigint)));
end
$$;
comment on function stream_ext.regular_do_retention(uuid, jsonb, jsonb) is
    'Deletes an ended stream after its retention, dependent rows in batches, the stream last.';
