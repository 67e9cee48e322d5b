-- One plan of the governor: what each live stream has done since the last, what that has cost, and what changes.

create function stream_ext.governor_changes() returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    settings pg_catalog.record;
    last_plan pg_catalog.record;
    moment pg_catalog.timestamptz;
    is_first pg_catalog.bool;
    elapsed_ms pg_catalog.int8;
    sends pg_catalog.jsonb;
    live pg_catalog.jsonb;
    ended pg_catalog.jsonb;
    before pg_catalog.jsonb;
    plan pg_catalog.record;
    minute pg_catalog.record;
    changes pg_catalog.jsonb;
begin
    select c.realtime_messages_per_s as limit_per_s, c.realtime_share_percent as share_percent into settings
    from stream.config as c where c.id;
    perform from stream.governor as g where g.id;
    if not found then
        -- It is lost in a crash. The row of the figures gives one transaction at a time the turn, so that none waits for another's row.
        with turn as materialized (
            select f.id from stream.figures as f where f.id for update skip locked
        )
        insert into stream.governor (id) select t.id from turn as t on conflict do nothing;
    end if;
    -- Read by the statement that locks it: what another ticker has counted since would be counted twice.
    select g.planned_at, g.limit_per_s, g.sessions, g.known into last_plan from stream.governor as g where g.id for update skip locked;
    if not found then
        return '[]';
    end if;
    moment := clock_timestamp();
    if not stream_ext.governor_has_passed(settings.limit_per_s, last_plan.limit_per_s, last_plan.planned_at, moment) then
        return '[]';
    end if;
    is_first := last_plan.planned_at = '-infinity';
    elapsed_ms := stream_ext.governor_milliseconds(last_plan.planned_at, moment);
    sends := stream_ext.governor_take_sends();
    select coalesce(jsonb_object_agg(s.id, last_plan.known[(s.place - 1) * 11 + 1 : s.place * 11]), '{}') into before
    from unnest(last_plan.sessions) with ordinality as s (id, place);
    -- After a crash, and for a stream that is new, what it has done until now says nothing about its rate.
    select coalesce(jsonb_agg(to_jsonb(l) order by l.auction_id), '[]') into live
    from (
        select o.*, o.channels + 1 as cost, stream_ext.governor_root(o.channels + 1) as root, 0 as ended,
            stream_ext.governor_averaged_rate(coalesce((o.known ->> 7)::bigint, 0), case when o.known is null then 0
                else greatest(greatest(o.last_seq - (o.known ->> 0)::bigint, 0)
                    - greatest(o.auction_updates - (o.known ->> 5)::bigint, 0), 0) end, elapsed_ms) as entries,
            stream_ext.governor_averaged_rate(coalesce((o.known ->> 8)::bigint, 0), case when o.known is null then 0
                else greatest(o.auction_updates - (o.known ->> 5)::bigint, 0) end, elapsed_ms) as auctions,
            stream_ext.governor_averaged_rate(coalesce((o.known ->> 9)::bigint, 0),
                (o.known is not null and o.viewer_count <> (o.known ->> 4)::bigint)::integer, elapsed_ms) as counts,
            stream_ext.governor_averaged_rate(coalesce((o.known ->> 10)::bigint, 0), (exists (
                select from jsonb_to_recordset(sends) as n (kind text, session_id uuid)
                where n.kind = 'reactions' and n.session_id = o.id))::integer, elapsed_ms) as reactions,
            greatest(o.frames - case when o.known is not null then (o.known ->> 1)::bigint when is_first then o.frames else 0 end, 0)
                * (o.channels + 1) as frames_cost,
            greatest(o.urgent_frames - case when o.known is not null then (o.known ->> 2)::bigint when is_first then o.urgent_frames else 0 end, 0)
                * (o.channels + 1) as urgent_cost,
            stream_ext.governor_milliseconds(o.flushed_at, moment) as since_frame,
            -- Without a window nobody notes when a count was broadcast.
            stream_ext.governor_milliseconds(o.viewers_sent_at, moment) as since_viewers,
            coalesce(stream_ext.governor_milliseconds(o.reactions_sent_at, moment), 4294967295) as since_reactions
        from (
            -- The seller has a channel too, and after a takeover perhaps two.
            select s.auction_id, s.id, s.viewer_count, s.peak_viewer_count,
                (s.viewer_count + s.superseded_count + case when s.generation > 1 then 2 else 1 end)::bigint as channels,
                h.last_seq, h.auction_updates, r.flushed_at, r.window_ms as open_ms, r.next_window_ms as window_ms, r.poll_ms,
                r.auction_window_ms, r.viewers_window_ms, r.viewers_sent_count, r.viewers_sent_at, r.frames, r.urgent_frames,
                (select max(k.sent_at) from stream.reaction_totals as k where k.session_id = s.id) as reactions_sent_at,
                before -> s.id::text as known
            from stream.stream_sessions as s
            cross join lateral (select o.last_seq, o.auction_updates from stream.chat_heads as o where o.session_id = s.id limit 1) as h
            cross join lateral (select o.* from stream.chat_relay as o where o.session_id = s.id limit 1) as r
            where s.state <> 'ended'
        ) as o
    ) as l;
    if jsonb_array_length(live) = 0 and jsonb_array_length(sends) = 0 and cardinality(last_plan.sessions) = 0
        and settings.limit_per_s = 0 and last_plan.limit_per_s = 0
    then
        return '[]';
    end if;
    -- Kinds of events that go to viewers:<id> at present: those of which there was one in the last ten seconds or so, or whose window is
    -- open.
    live := coalesce((
        select jsonb_agg(a.value || jsonb_build_object(
            'expects_counts', ((a.value ->> 'counts')::bigint >= 10
                or (a.value ->> 'since_viewers')::bigint < (a.value ->> 'viewers_window_ms')::bigint)::integer,
            'expects_reactions', ((a.value ->> 'reactions')::bigint >= 10
                or (a.value ->> 'since_reactions')::bigint < (a.value ->> 'viewers_window_ms')::bigint)::integer) order by a.place)
        from jsonb_array_elements(live) with ordinality as a (value, place)), '[]');
    perform stream_ext.governor_spend(stream_ext.governor_costs(live, before, sends), moment, last_plan.planned_at);
    perform stream_ext.governor_clean_up(moment);
    select coalesce(sum(p.frames + p.viewer_counts + p.states + p.users + p.reactions + p.canary + p.others), 0)::bigint as spent,
        coalesce(sum(p.urgent), 0)::bigint as urgent
    into minute
    from stream.realtime_spending as p
    where p.span_s = 5 and p.at >= date_bin('5 seconds', moment, '2000-01-01 00:00:00+00') - interval '60 seconds'
        -- What lies ahead of the clock is from before the clock was set back.
        and p.at <= moment;
    -- For five plans after the end of a stream its channels count: what is broadcast then still reaches them.
    select coalesce(jsonb_agg(jsonb_build_object('id', b.key, 'frames', r.frames, 'urgent_frames', r.urgent_frames,
        'channels', b.value -> 3, 'ended', (b.value ->> 6)::bigint + 1)), '[]')
    into ended
    from jsonb_each(before) as b
    join stream.chat_relay as r on r.session_id = b.key::uuid
    where (b.value ->> 6)::bigint < 5 and not exists (select from jsonb_array_elements(live) as a where a.value ->> 'id' = b.key);
    plan := stream_ext.governor_plan(settings.limit_per_s, settings.share_percent, minute.spent, minute.urgent, live);
    update stream.governor as g
    set planned_at = moment, limit_per_s = settings.limit_per_s, reason = plan.reason, expected_per_s = plan.expected_per_s,
        is_over = plan.is_over, is_crowded = plan.is_crowded,
        sessions = array(
            select (a.value ->> 'id')::uuid from jsonb_array_elements(live || ended) with ordinality as a (value, place) order by a.place),
        known = array(
            select coalesce((a.value ->> k.name)::bigint, 0)
            from jsonb_array_elements(live || ended) with ordinality as a (value, place)
            cross join unnest(array['last_seq', 'frames', 'urgent_frames', 'channels', 'viewer_count', 'auction_updates', 'ended',
                'entries', 'auctions', 'counts', 'reactions']) with ordinality as k (name, place)
            order by a.place, k.place)
    where g.id;
    moment := clock_timestamp();
    select jsonb_agg(jsonb_build_object(
        'session_id', c.id, 'window_ms', c.window_ms, 'poll_ms', c.poll_ms, 'auction_window_ms', c.auction_window_ms,
        'viewers_window_ms', c.viewers_window_ms,
        'at_once', c.planned_open_ms > c.open_ms, 'viewer_count', c.viewer_count, 'peak', c.peak,
        'sends_count', c.sends_count, 'begins_counts', not c.has_counts and c.viewers_window_ms > 0) order by c.place desc)
    into changes
    from (
        select a.place, a.value ->> 'id' as id, (w.value ->> 'window_ms')::integer as window_ms, (w.value ->> 'poll_ms')::integer as poll_ms,
            (w.value ->> 'auction_window_ms')::integer as auction_window_ms,
            (w.value ->> 'viewers_window_ms')::integer as viewers_window_ms, (w.value ->> 'open_ms')::integer as planned_open_ms,
            (a.value ->> 'open_ms')::integer as open_ms, (a.value ->> 'viewer_count')::integer as viewer_count,
            (a.value ->> 'peak_viewer_count')::integer as peak, (a.value ->> 'viewers_window_ms')::integer > 0 as has_counts,
            (a.value ->> 'viewers_window_ms')::integer > 0
                and (a.value ->> 'viewers_sent_count')::integer is distinct from (a.value ->> 'viewer_count')::integer
                and not (p.sent_at <= moment
                    and moment < p.sent_at + (w.value ->> 'viewers_window_ms')::integer * interval '1 millisecond') as sends_count,
            (a.value ->> 'window_ms')::integer = (w.value ->> 'window_ms')::integer
                and (a.value ->> 'poll_ms')::integer is not distinct from (w.value ->> 'poll_ms')::integer
                and (a.value ->> 'auction_window_ms')::integer = (w.value ->> 'auction_window_ms')::integer
                and (a.value ->> 'viewers_window_ms')::integer = (w.value ->> 'viewers_window_ms')::integer
                and (a.value ->> 'open_ms')::integer = (w.value ->> 'open_ms')::integer as is_as_planned
        from jsonb_array_elements(live) with ordinality as a (value, place)
        join jsonb_array_elements(plan.windows) with ordinality as w (value, place) on w.place = a.place
        cross join lateral (select (a.value ->> 'viewers_sent_at')::timestamptz as sent_at) as p
    ) as c
    where not c.is_as_planned or c.sends_count;
    return coalesce(changes, '[]');
end
$$;
comment on function stream_ext.governor_changes() is
    'Counts, plans, and returns what changes; nothing when a plan was made lately or is being made.';

create function stream_ext.governor_costs(live jsonb, before jsonb, sends jsonb) returns bigint[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    costs pg_catalog.record;
begin
    -- Channels of streams that have ended since are open still; an event whose channels are not known counts two.
    with streams as (
        select a.value ->> 'id' as id, (a.value ->> 'channels')::bigint as channels,
            (a.value ->> 'frames_cost')::bigint as frames, (a.value ->> 'urgent_cost')::bigint as urgent
        from jsonb_array_elements($1) as a
        union all
        select b.key, (b.value ->> 3)::bigint,
            greatest(r.frames - (b.value ->> 1)::bigint, 0) * ((b.value ->> 3)::bigint + 1),
            greatest(r.urgent_frames - (b.value ->> 2)::bigint, 0) * ((b.value ->> 3)::bigint + 1)
        from jsonb_each($2) as b
        left join stream.chat_relay as r on r.session_id = b.key::uuid
        where not exists (select from jsonb_array_elements($1) as a where a.value ->> 'id' = b.key)
    ), sent as (
        select n.kind, n.count * (coalesce(c.channels, 1) + 1) as cost
        from jsonb_to_recordset($3) as n (kind text, session_id uuid, count bigint)
        left join streams as c on c.id = n.session_id::text
    )
    select
        (select coalesce(sum(c.frames), 0) from streams as c) as frames,
        (select coalesce(sum(n.cost), 0) from sent as n where n.kind = 'viewer_counts') as viewer_counts,
        (select coalesce(sum(n.cost), 0) from sent as n where n.kind = 'states') as states,
        (select coalesce(sum(n.cost), 0) from sent as n where n.kind = 'users') as users,
        (select coalesce(sum(n.cost), 0) from sent as n where n.kind = 'reactions') as reactions,
        (select coalesce(sum(n.cost), 0) from sent as n where n.kind = 'canary') as canary,
        (select coalesce(sum(n.cost), 0) from sent as n
         where n.kind not in ('viewer_counts', 'states', 'users', 'reactions', 'canary')) as others,
        (select coalesce(sum(c.urgent), 0) from streams as c) as urgent
    into costs;
    return array[costs.frames, costs.viewer_counts, costs.states, costs.users, costs.reactions, costs.canary, costs.others,
        costs.urgent + costs.states + costs.users]::bigint[];
end
$$;
comment on function stream_ext.governor_costs(jsonb, jsonb, jsonb) is
    'What broadcasts have cost since the last plan: a message for each, and one for each channel that receives it.';
