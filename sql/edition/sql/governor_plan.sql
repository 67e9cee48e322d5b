-- The quota governor's plan, in whole numbers as stream_core has it: how long the broadcasts of each stream wait, so that Realtime's
-- limit of messages holds. Windows are a level times the square root of what a frame costs; the least level is searched at which the
-- demand fits the share, and the worst case until the next plan fits the limit. Streams are arrays of equal length.

create function stream_ext.governor_window_ms(level bigint, root bigint) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return least(greatest($1 * $2 / 100000, 50), 60000);
end
$$;
comment on function stream_ext.governor_window_ms(bigint, bigint) is
    'The window of a level, in thousandths of a millisecond, for a stream with this root of its cost, in hundredths.';

create function stream_ext.governor_auction_level(level bigint) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return greatest($1 / 4, $1 - 30000);
end
$$;
comment on function stream_ext.governor_auction_level(bigint) is 'The level of auction updates: at most three quarters below this one.';

create function stream_ext.governor_auction_window_ms(wanted_ms bigint, window_ms bigint) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return case when $2 <= 50 then $2 else greatest(least($1, $2), 200) end;
end
$$;
comment on function stream_ext.governor_auction_window_ms(bigint, bigint) is
    'The window of auction updates: as short as that of frames without pressure, and otherwise as wanted, but at least 200 ms, and beyond that no longer than the window of frames.';

create function stream_ext.governor_most_in(window_ms bigint) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (1000000 + greatest($1, 1) - 1) / greatest($1, 1);
end
$$;
comment on function stream_ext.governor_most_in(bigint) is 'How often in 1000 s something can be sent at most once a window.';

create function stream_ext.governor_measure(kind text, level bigint, s jsonb) returns numeric
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select coalesce(sum(case $1
            -- The measured demand of frames, in messages in 1000 s: for the chat of each stream at most once a window, for auction updates
            -- at most once in theirs, and together no more often than once in the shorter of the two.
            when 'demand' then m.cost * least(
                least(m.entries, (1000000 + m.window_ms - 1) / m.window_ms)
                    + least(m.auctions, (1000000 + m.auction_ms - 1) / m.auction_ms),
                (1000000 + least(m.window_ms, m.auction_ms) - 1) / least(m.window_ms, m.auction_ms))
            -- The most broadcasts until the next plan: the first when the open window has passed, then one a window.
            when 'worst' then m.cost * case when greatest(least(m.window_ms, m.open_ms) - m.since_frame, 0) <= 2000
                then 1 + (2000 - greatest(least(m.window_ms, m.open_ms) - m.since_frame, 0)) / m.window_ms else 0 end
            when 'worst_at_once' then m.cost * case when greatest(m.window_ms - m.since_frame, 0) <= 2000
                then 1 + (2000 - greatest(m.window_ms - m.since_frame, 0)) / m.window_ms else 0 end
            when 'viewers_demand' then m.cost * (m.expects_counts + m.expects_reactions)
                * ((1000000 + m.viewers_ms - 1) / m.viewers_ms)
            -- Whether they are expected or not. Where nobody has reacted so far nobody is supposed to begin.
            when 'viewers_worst' then m.cost * (
                case when greatest(m.viewers_ms - m.since_viewers, 0) <= 2000
                    then 1 + (2000 - greatest(m.viewers_ms - m.since_viewers, 0)) / m.viewers_ms else 0 end
                + case when m.since_reactions < 4294967295 and greatest(m.viewers_ms - m.since_reactions, 0) <= 2000
                    then 1 + (2000 - greatest(m.viewers_ms - m.since_reactions, 0)) / m.viewers_ms else 0 end)
            end), 0)
        from (
            select w.*, greatest(w.window_ms, 1000) as viewers_ms,
                case when w.window_ms <= 50 then w.window_ms else greatest(least(w.auction_ms_wanted, w.window_ms), 200) end as auction_ms
            from (
                select a.*, least(greatest($2 * a.root / 100000, 50), 60000) as window_ms,
                    least(greatest(greatest($2 / 4, $2 - 30000) * a.root / 100000, 50), 60000) as auction_ms_wanted
                from jsonb_to_recordset($3) as a (
                    cost bigint, root bigint, entries bigint, auctions bigint, since_frame bigint, open_ms bigint,
                    expects_counts bigint, expects_reactions bigint, since_viewers bigint, since_reactions bigint)
            ) as w
        ) as m);
end
$$;
comment on function stream_ext.governor_measure(text, bigint, jsonb) is
    'What all streams come to at a level. The windows are those of governor_window_ms and governor_auction_window_ms: a call for each stream would cost more than the rest.';

create function stream_ext.governor_least_level(kind text, s jsonb, most numeric) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    too_low pg_catalog.int8 := 0;
    fitting pg_catalog.int8 := 60000000;
    middle pg_catalog.int8;
begin
    if stream_ext.governor_measure($1, 0, $2) <= $3 then
        return 0;
    end if;
    if stream_ext.governor_measure($1, fitting, $2) > $3 then
        return null;
    end if;
    while fitting - too_low > 1 loop
        middle := too_low + (fitting - too_low) / 2;
        if stream_ext.governor_measure($1, middle, $2) <= $3 then
            fitting := middle;
        else
            too_low := middle;
        end if;
    end loop;
    return fitting;
end
$$;
comment on function stream_ext.governor_least_level(text, jsonb, numeric) is
    'The least level at which what all streams come to is no more than this; null if not even the highest does.';

create function stream_ext.governor_round_up(window_ms bigint) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    step pg_catalog.int8 := 50;
begin
    while step < $1 loop
        step := step + (step + 7) / 8;
    end loop;
    return least(step, 60000);
end
$$;
comment on function stream_ext.governor_round_up(bigint) is
    'The next of some sixty windows, each an eighth above the one before, so that a level that moves a little changes few windows.';

create function stream_ext.governor_steady(present_ms bigint, wanted_ms bigint, least_ms bigint) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if $2 >= $1 or $2 = $3 or $2 * 5 <= $1 * 4 then
        return $2;
    end if;
    return least($1, 60000);
end
$$;
comment on function stream_ext.governor_steady(bigint, bigint, bigint) is
    'Windows are lengthened at once, but shortened only when it is worth a write.';

create function stream_ext.governor_root(cost bigint) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return floor(sqrt(($1 * 10000)::double precision));
end
$$;
comment on function stream_ext.governor_root(bigint) is 'The square root of a cost, in hundredths.';

create function stream_ext.governor_plan(limit_per_s bigint, share_percent bigint, spent bigint, urgent bigint, s jsonb,
    out windows jsonb, out reason text, out expected_per_s bigint, out is_over boolean, out is_crowded boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    share constant pg_catalog.int8 := $1 * least($2, 100) * 10;
    urgent_per_1000_s constant pg_catalog.int8 := $4 * 1000 / 60;
    rest constant pg_catalog.int8 := greatest(share - greatest(urgent_per_1000_s, share * 10 / 100), 0);
    left_over constant pg_catalog.int8 := greatest(60 * $1 * 97 / 100 - ($3 + urgent_per_1000_s * 2000 / 1000000), 0);
    share_level pg_catalog.int8;
    limit_level pg_catalog.int8;
    level pg_catalog.int8;
    auctions pg_catalog.int8;
    viewers pg_catalog.int8;
    at_once pg_catalog.bool := false;
    least_worst pg_catalog.numeric;
    polled pg_catalog.int8;
begin
    if $1 = 0 then
        reason := 'unlimited';
        is_over := false;
        is_crowded := false;
        select coalesce(jsonb_agg(jsonb_build_object(
            'window_ms', 50, 'open_ms', 50, 'poll_ms', null, 'auction_window_ms', 0, 'viewers_window_ms', 0) order by a.place), '[]')
        into windows from jsonb_array_elements($5) with ordinality as a (value, place);
    else
        share_level := coalesce(stream_ext.governor_least_level('demand', $5, rest * 2 / 3), 60000000);
        limit_level := stream_ext.governor_least_level('worst', $5, left_over * 2 / 3);
        if limit_level is null then
            -- Not even the longest windows help if they begin with the next frame.
            at_once := true;
            least_worst := stream_ext.governor_measure('worst', 60000000, $5);
            limit_level := greatest(
                coalesce(stream_ext.governor_least_level('worst_at_once', $5, left_over * 2 / 3), 60000000),
                coalesce(stream_ext.governor_least_level('worst', $5, least_worst), 60000000));
        end if;
        level := greatest(share_level, limit_level);
        auctions := greatest(stream_ext.governor_auction_level(share_level), limit_level);
        viewers := greatest(
            coalesce(stream_ext.governor_least_level('viewers_demand', $5, rest / 3), 60000000),
            coalesce(stream_ext.governor_least_level('viewers_worst', $5, left_over / 3), 60000000));
        select coalesce(jsonb_agg(jsonb_build_object(
                'window_ms', w.window_ms, 'open_ms', case when at_once then w.window_ms else least(w.window_ms, w.open_ms) end,
                'poll_ms', null, 'auction_window_ms', stream_ext.governor_auction_window_ms(w.auction_ms, w.window_ms),
                'viewers_window_ms', case when w.viewers_ms <= 1000 then 0
                    else stream_ext.governor_steady(w.viewers_window_ms, w.viewers_ms, 0) end) order by w.place), '[]')
        into windows
        from (
            select a.place, (a.value ->> 'open_ms')::bigint as open_ms, (a.value ->> 'viewers_window_ms')::bigint as viewers_window_ms,
                stream_ext.governor_steady((a.value ->> 'window_ms')::bigint, stream_ext.governor_round_up(
                    stream_ext.governor_window_ms(level, (a.value ->> 'root')::bigint)), 50) as window_ms,
                stream_ext.governor_steady((a.value ->> 'auction_window_ms')::bigint, stream_ext.governor_round_up(
                    stream_ext.governor_window_ms(auctions, (a.value ->> 'root')::bigint)), 50) as auction_ms,
                stream_ext.governor_round_up(stream_ext.governor_window_ms(viewers, (a.value ->> 'root')::bigint)) as viewers_ms
            from jsonb_array_elements($5) with ordinality as a (value, place)
        ) as w;
        -- How often clients of pressed streams may call sync: the fewer of them there are the more often.
        select stream_ext.governor_round_up(least(coalesce(sum((a.value ->> 'cost')::bigint - 1), 0), 60000)::bigint) into polled
        from jsonb_array_elements($5) with ordinality as a (value, place)
        join jsonb_array_elements(windows) with ordinality as w (value, place) on w.place = a.place
        where (w.value ->> 'window_ms')::bigint > 5000;
        select coalesce(jsonb_agg(case when (w.value ->> 'window_ms')::bigint > 5000
                then w.value || jsonb_build_object('poll_ms', least(greatest(polled, 5000), (w.value ->> 'window_ms')::bigint))
                else w.value end order by w.place), '[]')
        into windows
        from jsonb_array_elements(windows) with ordinality as w (value, place);
        reason := case when level = 0 then 'room' when share_level >= limit_level then 'share' else 'limit' end;
        is_over := greatest($3, $4) > 60 * $1;
        is_crowded := (select coalesce(sum((a.value ->> 'cost')::bigint), 0) from jsonb_array_elements($5) as a) > 60 * share / 1000;
    end if;
    select coalesce(sum(
        p.cost * least(
            least(p.entries, stream_ext.governor_most_in(p.window_ms)) + least(p.auctions, stream_ext.governor_most_in(p.auction_ms)),
            stream_ext.governor_most_in(least(p.window_ms, p.auction_ms)))
        + p.cost * p.events * stream_ext.governor_most_in(greatest(p.viewers_ms, 1000))), 0)::bigint / 1000 + $4 / 60
    into expected_per_s
    from (
        select (a.value ->> 'cost')::bigint as cost, (a.value ->> 'entries')::bigint as entries, (a.value ->> 'auctions')::bigint as auctions,
            (a.value ->> 'expects_counts')::bigint + (a.value ->> 'expects_reactions')::bigint as events,
            (w.value ->> 'window_ms')::bigint as window_ms, (w.value ->> 'auction_window_ms')::bigint as auction_ms,
            (w.value ->> 'viewers_window_ms')::bigint as viewers_ms
        from jsonb_array_elements($5) with ordinality as a (value, place)
        join jsonb_array_elements(windows) with ordinality as w (value, place) on w.place = a.place
    ) as p;
end
$$;
comment on function stream_ext.governor_plan(bigint, bigint, bigint, bigint, jsonb) is
    'Decides the windows of all live sessions, from the limit, its share in percent, and what was spent in the last 60 s, of which urgent never waits.';

create function stream_ext.governor_averaged_rate(per_1000_s bigint, count bigint, elapsed_ms bigint) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    elapsed constant pg_catalog.numeric := greatest($3, 1);
    difference constant pg_catalog.numeric := div($2::numeric * 1000000, elapsed) - $1;
begin
    -- Over about four seconds; a fall is rounded down, too.
    return least(greatest($1 + floor(difference * least(elapsed, 4000) / 4000), 0), 4294967295);
end
$$;
comment on function stream_ext.governor_averaged_rate(bigint, bigint, bigint) is
    'Averages a rate over about four seconds: the new value after so many milliseconds with so many more, in 1000 s.';
