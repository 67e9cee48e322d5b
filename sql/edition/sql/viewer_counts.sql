-- The rule viewer_counts: counts the viewers of streams named in viewer_changes. And the rules reactions and canary.

create function stream_ext.viewer_counts_wait_for_passed_over() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    changed pg_catalog.uuid[];
    free pg_catalog.uuid[];
    held_session pg_catalog.uuid;
begin
    changed := array(
        select distinct e.session_id from (
            select c.session_id from stream.viewer_changes as c order by c.id limit 1000
        ) as e order by e.session_id limit 64);
    if cardinality(changed) = 0 then
        return;
    end if;
    free := array(
        select s.id from stream.stream_sessions as s
        where s.id = any (changed) order by s.id for no key update skip locked);
    select s.id into held_session from stream.stream_sessions as s
    where s.id = any (changed) and s.id <> all (free) order by s.id limit 1;
    if held_session is not null then
        perform stream_ext.gate_close_soon(held_session);
    end if;
end
$$;
comment on function stream_ext.viewer_counts_wait_for_passed_over() is
    'Gets a turn at the first stream with changes that somebody holds, before anything else is locked.';

create function stream_ext.regular_take_viewer_counts(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    changed pg_catalog.jsonb;
    taken pg_catalog.uuid[];
    locked pg_catalog.jsonb;
    kept_back pg_catalog.uuid[];
begin
    if ($4 ->> 'waits')::boolean then
        perform stream_ext.viewer_counts_wait_for_passed_over();
    end if;
    -- Late in a round most of many rows belong to streams to skip, so these are hashed.
    with seen as materialized (
        select e.id, e.session_id from stream.viewer_changes as e
        where e.session_id not in (select unnest($3))
        order by e.id limit 10000
    ), due as materialized (
        select distinct s.session_id from seen as s order by s.session_id limit $1
    ), free as materialized (
        select e.id from stream.viewer_changes as e
        where e.id = any (array(
            select s.id from seen as s where s.session_id in (select d.session_id from due as d)))
        for update skip locked
    ), taken as (
        delete from stream.viewer_changes as e
        where e.id = any (array(select f.id from free as f))
        returning e.session_id
    )
    select jsonb_object_agg(d.session_id, exists (select from taken as t where t.session_id = d.session_id))
    into changed from due as d;
    if changed is null then
        return;
    end if;
    taken := array(select c.key::uuid from jsonb_each(changed) as c where c.value::boolean order by c.key::uuid);
    select jsonb_object_agg(s.id, s.state <> 'ended') into locked
    from (
        select o.id, o.state from stream.stream_sessions as o
        where o.id = any (taken) order by o.id for no key update skip locked
    ) as s;
    locked := coalesce(locked, '{}');
    -- Held by somebody: noted again, since its rows were taken.
    kept_back := array(select s.id from stream.stream_sessions as s where s.id = any (taken) and not locked ? s.id::text);
    insert into stream.viewer_changes (session_id) select unnest(kept_back);
    session_id := null;
    keys := '{}';
    held := false;
    return next;
    return query
    select c.key::uuid, jsonb_build_object('is_live', coalesce((locked ->> c.key)::boolean, false)),
        not c.value::boolean or c.key::uuid = any (kept_back)
    from jsonb_each(changed) as c
    order by c.key::uuid;
end
$$;
comment on function stream_ext.regular_take_viewer_counts(integer, integer, uuid[], jsonb) is
    'Takes the changes of at most so many streams, and locks these.';

create function stream_ext.regular_do_viewer_counts(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- It has ended or was deleted: there is nothing to count.
    if not ($2 ->> 'is_live')::boolean then
        return '{"unwritten": true}';
    end if;
    update stream.stream_sessions as s
    set viewer_count = counted.active,
        peak_viewer_count = greatest(s.peak_viewer_count, counted.active),
        superseded_count = counted.superseded
    from (
        select count(*)::integer as active,
            -- Joined again lately, by their token: another device may still hold a channel.
            (count(*) filter (
                where v.join_no > 1 and v.token_issued_at > now() - interval '2 minutes'
                    and v.token_issued_at <= clock_timestamp()))::integer as superseded
        from stream.stream_viewers as v
        where v.session_id = $1 and v.is_active
    ) as counted
    where s.id = $1 and (s.viewer_count <> counted.active or s.superseded_count <> counted.superseded);
    return '{}';
end
$$;
comment on function stream_ext.regular_do_viewer_counts(uuid, jsonb, jsonb) is 'Counts the viewers of a stream.';

create function stream_ext.regular_end_viewer_counts(context jsonb, handled jsonb, again jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    insert into stream.viewer_changes (session_id) select e.id::uuid from jsonb_array_elements_text($3) as e (id);
    return '{}';
end
$$;
comment on function stream_ext.regular_end_viewer_counts(jsonb, jsonb, jsonb) is 'Notes the streams again that the unit did not reach.';

create function stream_ext.regular_failed_viewer_counts(session_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- One row is enough, and viewers go on joining.
    delete from stream.viewer_changes as d where d.id = any (array(
        select e.id from stream.viewer_changes as e where e.session_id = $1
        order by e.id limit 10000 for update skip locked));
    if found then
        insert into stream.viewer_changes (session_id) values ($1);
    end if;
end
$$;
comment on function stream_ext.regular_failed_viewer_counts(uuid) is 'For a stream that keeps failing: keeps one of its changes.';

create function stream_ext.regular_take_reactions(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- Until there is a partition they are counted in the rows that there are.
    if stream_ext.realtime_method(clock_timestamp()) is null then
        return;
    end if;
    -- It goes from stream to stream in the index, however many rows each has. A time ahead of the clock is from before the clock was
    -- set back.
    return query
    with recursive pending as (
        (select c.session_id from stream.reaction_counts as c order by c.session_id limit 1)
        union all
        select (
            select c.session_id from stream.reaction_counts as c
            where c.session_id > p.session_id order by c.session_id limit 1)
        from pending as p where p.session_id is not null
    )
    select p.session_id, '{}'::jsonb, false from pending as p
    where p.session_id is not null and p.session_id not in (select unnest($3))
        and not exists (
            select from stream.reaction_totals as k
            join stream.chat_relay as r on r.session_id = k.session_id
            where k.session_id = p.session_id
                and k.sent_at > clock_timestamp() - greatest(r.viewers_window_ms, 900) * interval '1 millisecond'
                and k.sent_at <= clock_timestamp())
    order by p.session_id limit $1;
end
$$;
comment on function stream_ext.regular_take_reactions(integer, integer, uuid[], jsonb) is 'Streams with reactions whose window is over.';

create function stream_ext.regular_do_reactions(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    if exists (select from stream.stream_sessions as s where s.id = $1 and s.state = 'ended') then
        -- With the last totals, unless ended_resources was there before.
        perform stream_ext.reaction_close($1);
    else
        perform stream_ext.reaction_send_totals($1);
    end if;
    return '{}';
end
$$;
comment on function stream_ext.regular_do_reactions(uuid, jsonb, jsonb) is 'Broadcasts the totals of a stream to which somebody has reacted.';

create function stream_ext.regular_take_canary(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
    moment constant pg_catalog.timestamptz := clock_timestamp();
    method pg_catalog.text;
    next pg_catalog.record;
begin
    -- A time ahead of the clock is from before the clock was set back.
    if not exists (
        select from stream.canary as c cross join stream.config as f
        where c.id and f.canary_user_id is not null and (c.sent_at <= now() - interval '10 seconds' or c.sent_at > now())
    ) then
        return;
    end if;
    -- Nothing is taken while nothing can be written, so that the time of the last one tells.
    method := stream_ext.realtime_hold(moment);
    if method is null then
        return;
    end if;
    with free as (
        select c.id from stream.canary as c where c.id for update skip locked
    )
    update stream.canary as c
    set canary_no = c.canary_no + 1, sent_at = now()
    from free as r
    cross join stream.config as f
    where c.id = r.id and f.canary_user_id is not null
    returning f.canary_user_id as user_id, c.canary_no into next;
    if next.user_id is not null then
        perform stream_ext.realtime_write(method, 'canary:' || next.user_id, 'canary',
            json_build_object('canary_no', next.canary_no, 'server_time', moment)::text, moment);
        perform stream_ext.realtime_note_sent('canary:' || next.user_id, 'canary');
    end if;
end
$$;
comment on function stream_ext.regular_take_canary(integer, integer, uuid[], jsonb) is
    'Sends a numbered event every ten seconds, by which edge_api sees that broadcasts arrive; of no stream.';
