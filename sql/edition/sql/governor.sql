-- The rule governor: counts what broadcasts have cost of Realtime's quota, plans the windows in which they wait, and broadcasts the viewer
-- counts whose window has passed. One plan is made in a round, from one read of all live streams; the rows of chat_relay that change
-- are then written in units, by key.

create function stream_ext.governor_milliseconds(at timestamptz, moment timestamptz) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- As long as can be for a time before any, and for one ahead of the clock.
    if not isfinite($1) or $1 > $2 then
        return 4294967295;
    end if;
    return least(trunc(extract(epoch from $2 - $1) * 1000), 4294967295);
end
$$;
comment on function stream_ext.governor_milliseconds(timestamptz, timestamptz) is 'Milliseconds from a time to a moment.';

create function stream_ext.governor_has_passed(limit_per_s integer, planned_limit integer, planned_at timestamptz, moment timestamptz)
returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Without a limit nothing is planned, and what was sent is counted every five seconds. A time ahead of the clock is from before the
    -- clock was set back.
    return not ($3 <= $4 and $4 < $3 + case when $1 = 0 and $2 = 0 then interval '5 seconds' else interval '500 milliseconds' end);
end
$$;
comment on function stream_ext.governor_has_passed(integer, integer, timestamptz, timestamptz) is 'Whether the last plan is old enough for another.';

create function stream_ext.governor_is_due() returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce((
        select g.id is null or stream_ext.governor_has_passed(
            c.realtime_messages_per_s, g.limit_per_s, g.planned_at, clock_timestamp())
        from stream.config as c left join stream.governor as g on g.id where c.id), false);
end
$$;
comment on function stream_ext.governor_is_due() is 'Whether a plan is due. Writes and locks nothing.';

create function stream_ext.governor_take_sends() returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    sends pg_catalog.jsonb;
begin
    with free as materialized (
        select n.id from stream.realtime_sends as n order by n.id limit 20000 for update skip locked
    ), taken as (
        delete from stream.realtime_sends as n where n.id = any (array(select f.id from free as f))
        returning n.kind, n.session_id
    )
    select jsonb_agg(jsonb_build_object('kind', s.kind, 'session_id', s.session_id, 'count', s.count)) into sends
    from (select t.kind, t.session_id, count(*) as count from taken as t group by t.kind, t.session_id) as s;
    return coalesce(sends, '[]');
end
$$;
comment on function stream_ext.governor_take_sends() is 'Takes the notes of broadcasts that are not counted yet.';

create function stream_ext.governor_spend(spent bigint[], moment timestamptz, since timestamptz) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    passed_us constant pg_catalog.numeric := case when isfinite($3)
        then greatest((extract(epoch from $2 - $3) * 1000000)::numeric, 1) else 9223372036854775807 end;
    buckets constant pg_catalog.int8 := least(div(passed_us, 5000000) + 1, 13);
    share_us constant pg_catalog.numeric := least(passed_us, 13 * 5000000);
    bucket constant pg_catalog.timestamptz := date_bin('5 seconds', $2, '2000-01-01 00:00:00+00');
    step constant pg_catalog.interval := case when isfinite($3)
        then date_bin('5 seconds', $3, '2000-01-01 00:00:00+00') - bucket else '0' end;
    shared pg_catalog.int8[];
    part pg_catalog.int8[];
    rest pg_catalog.int8[] := $1;
begin
    -- Where the clock was set back since the last plan, what was spent stays as long ago as it was: the last minute before counts on, and
    -- an hour that passes twice is not counted twice. Rows that somebody holds stay ahead of the clock, where nothing counts them.
    if step > interval '0' then
        update stream.realtime_spending as u set at = u.at - step
        where u.id = any (array(
            select p.id from stream.realtime_spending as p
            where p.span_s = 5 or p.at > $2
            order by p.id limit 20000 for update skip locked));
    end if;
    if not 0 < any ($1) and not 0 > any ($1) then
        return;
    end if;
    -- After a pause it is spread over the buckets of the last minute, as far as it can have been spent in them. What a division leaves is in
    -- the newest bucket.
    shared := array(select div(m.messages * share_us, passed_us)::bigint from unnest($1) with ordinality as m (messages, place) order by m.place);
    for number in 0..buckets loop
        if number < buckets then
            part := array(
                select case when number = 0 then m.messages - m.messages / buckets * (buckets - 1) else m.messages / buckets end
                from unnest(shared) with ordinality as m (messages, place) order by m.place);
            rest := array(
                select r.messages - p.messages
                from unnest(rest, part) with ordinality as r (messages, taken, place)
                cross join lateral (select r.taken as messages) as p order by r.place);
        else
            part := rest;
        end if;
        if 0 <> any (part) then
            insert into stream.realtime_spending
                (at, frames, viewer_counts, states, users, reactions, canary, others, urgent)
            values (bucket - case when number < buckets then number else 13 end * interval '5 seconds',
                part[1], part[2], part[3], part[4], part[5], part[6], part[7], part[8]);
        end if;
    end loop;
end
$$;
comment on function stream_ext.governor_spend(bigint[], timestamptz, timestamptz) is
    'Writes what was spent since the last plan: frames, viewer_counts, states, users, reactions, canary, others, and of these urgent.';

create function stream_ext.governor_clean_up(moment timestamptz) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    kept_from constant pg_catalog.timestamptz := date_bin('1 hour', $1, '2000-01-01 00:00:00+00') - interval '1 hour';
begin
    if not exists (select from stream.realtime_spending as p where p.span_s = 5 and p.at < kept_from) then
        return;
    end if;
    -- Rows that somebody holds are left to the next time.
    with taken as (
        delete from stream.realtime_spending as d
        where d.id = any (array(
            select p.id from stream.realtime_spending as p
            where p.span_s = 5 and p.at < kept_from
            order by p.at limit 20000 for update skip locked))
        returning d.*
    )
    insert into stream.realtime_spending
        (span_s, at, frames, viewer_counts, states, users, reactions, canary, others, urgent)
    select 3600, date_bin('1 hour', t.at, 'epoch'), sum(t.frames), sum(t.viewer_counts), sum(t.states), sum(t.users),
        sum(t.reactions), sum(t.canary), sum(t.others), sum(t.urgent)
    from taken as t group by date_bin('1 hour', t.at, 'epoch');
    delete from stream.realtime_spending as d
    where d.id = any (array(
        select p.id from stream.realtime_spending as p
        where p.span_s = 3600 and p.at < kept_from + interval '1 hour' - interval '768 hours'
        order by p.at limit 1000 for update skip locked));
end
$$;
comment on function stream_ext.governor_clean_up(timestamptz) is
    'Adds up the hours that ended more than an hour ago, and deletes those of more than 32 days ago.';

create function stream_ext.regular_take_governor(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    -- What the plan of this round changes, and how far that is written. It is long where many streams are live, so it is passed on once.
    is_planned constant pg_catalog.bool := jsonb_typeof($4 -> 'changes') = 'array';
    changes constant pg_catalog.jsonb := case when is_planned then $4 -> 'changes' else stream_ext.governor_changes() end;
    place pg_catalog.int4 := case when is_planned then ($4 ->> 'at')::integer else 0 end;
    taken pg_catalog.jsonb := '[]';
begin
    while place < jsonb_array_length(changes) and jsonb_array_length(taken) < $1 loop
        if (changes -> place ->> 'session_id')::uuid <> all ($3) then
            taken := taken || jsonb_build_array(jsonb_build_array(changes -> place -> 'session_id', place));
        end if;
        place := place + 1;
    end loop;
    keys := jsonb_build_object('at', place, 'taken', taken)
        || case when is_planned then '{}' else jsonb_build_object('changes', changes) end;
    held := false;
    return next;
    return query
    select (t.value ->> 0)::uuid, changes -> (t.value ->> 1)::integer, false
    from jsonb_array_elements(taken) with ordinality as t (value, place)
    order by t.place;
end
$$;
comment on function stream_ext.regular_take_governor(integer, integer, uuid[], jsonb) is
    'Makes a plan, once in a round, and returns what it changes.';

create function stream_ext.regular_end_governor(context jsonb, handled jsonb, again jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- The first that was not reached is the next.
    return ($1 - 'taken') || coalesce((
        select jsonb_build_object('at', t.value -> 1) from jsonb_array_elements($1 -> 'taken') as t where t.value -> 0 = $3 -> 0), '{}');
end
$$;
comment on function stream_ext.regular_end_governor(jsonb, jsonb, jsonb) is 'How far a plan is written.';

create function stream_ext.regular_do_governor(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    moment constant pg_catalog.timestamptz := clock_timestamp();
    is_sent constant pg_catalog.bool := ($2 ->> 'sends_count')::boolean and stream_ext.realtime_hold(moment) is not null;
    notes constant pg_catalog.bool := is_sent or ($2 ->> 'begins_counts')::boolean;
begin
    perform from stream.chat_relay as r where r.session_id = $1 for no key update skip locked;
    if not found then
        -- A row that somebody holds keeps its windows until the next plan.
        return case when exists (select from stream.chat_relay as r where r.session_id = $1) then '{"passed": true}' else '{}' end;
    end if;
    update stream.chat_relay as r
    set window_ms = case when ($2 ->> 'at_once')::boolean then ($2 ->> 'window_ms')::integer
            else least(($2 ->> 'window_ms')::integer, r.window_ms) end,
        next_window_ms = ($2 ->> 'window_ms')::integer, poll_ms = ($2 ->> 'poll_ms')::integer,
        auction_window_ms = ($2 ->> 'auction_window_ms')::integer,
        viewers_window_ms = ($2 ->> 'viewers_window_ms')::integer,
        viewers_sent_count = case when notes then ($2 ->> 'viewer_count')::integer else r.viewers_sent_count end,
        viewers_sent_at = case when notes then moment else r.viewers_sent_at end
    where r.session_id = $1;
    if is_sent then
        perform stream_ext.emit('viewers:' || $1, 'viewer_count', concat('{"session_id":"', $1, '","viewer_count":', $2 ->> 'viewer_count',
            ',"peak":', $2 ->> 'peak', ',"server_time":', stream_ext.json_time(moment), '}'));
    end if;
    return '{}';
end
$$;
comment on function stream_ext.regular_do_governor(uuid, jsonb, jsonb) is
    'Writes the windows of a stream, unless somebody holds its row, and broadcasts its viewer count where that is due.';
