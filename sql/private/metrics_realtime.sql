-- The figures of stream.metrics about Realtime's quota. They read the windows of live streams, and rows of
-- stream.realtime_spending: those of two hours, and one for each hour of a month.
create view stream_private.realtime_costs as
select p.span_s, p.at, p.frames + p.viewer_counts + p.states + p.users + p.reactions + p.canary + p.others as messages
from stream.realtime_spending as p;
comment on view stream_private.realtime_costs is 'What broadcasts of all kinds cost together, span by span.';
revoke all on table stream_private.realtime_costs from public, anon, authenticated, service_role;

create function stream_private.metrics_of_realtime() returns setof stream.metric
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    most constant pg_catalog.int4 := (select f.realtime_messages_per_s from stream.config as f);
    spent_per_s pg_catalog.float8;
begin
    -- A window that the last frame opened may be longer than the next.
    return query
    with windows as materialized (
        select case when r.poll_ms is not null then 'poll' when r.next_window_ms > 50 then 'wait' else 'none' end as pressure,
            r.next_window_ms as window_ms
        from stream.stream_sessions as s
        cross join lateral (
            select c.poll_ms, c.next_window_ms from stream.chat_relay as c where c.session_id = s.id limit 1
        ) as r
        where s.state <> 'ended'
    )
    select 'pg_stream_windows', jsonb_build_object('pressure', k.pressure), (
        select count(*) from windows as w where w.pressure = k.pressure)::double precision
    from unnest(array['none', 'wait', 'poll']) as k (pressure)
    union all
    select 'pg_stream_longest_window_seconds', jsonb_build_object('pressure', k.pressure), (
        select coalesce(max(w.window_ms), 0) / 1000.0 from windows as w where w.pressure = k.pressure)::double precision
    from unnest(array['none', 'wait', 'poll']) as k (pressure);

    return query
    select 'pg_stream_realtime_plan', jsonb_build_object('reason', k.reason),
        coalesce((select (g.reason = k.reason)::integer from stream.governor as g where g.id), 0)::double precision
    from unnest(array['unlimited', 'room', 'share', 'limit']) as k (reason)
    union all
    select f.name, '{}', f.value
    from (select (select g from stream.governor as g where g.id) as g) as p
    cross join lateral (values
        ('pg_stream_realtime_expected_per_second', coalesce((p.g).expected_per_s, 0)::double precision),
        ('pg_stream_realtime_over_limit', coalesce((p.g).is_over, false)::integer::double precision),
        ('pg_stream_realtime_crowded', coalesce((p.g).is_crowded, false)::integer::double precision),
        ('pg_stream_realtime_limit_per_second', most::double precision),
        ('pg_stream_realtime_plan_age_seconds', (
            select abs(extract(epoch from now() - g.planned_at)) from stream.governor as g
            where g.id and g.planned_at > '-infinity'
        )::double precision)
    ) as f (name, value)
    where f.value is not null;

    -- Averages over a minute, as Realtime counts. What lies ahead of the clock is from before the clock was set back.
    return query
    select 'pg_stream_realtime_messages_per_second', jsonb_build_object('kind', k.kind), k.messages::double precision / 60
    from (
        select coalesce(sum(p.frames), 0) as frames, coalesce(sum(p.viewer_counts), 0) as viewer_counts,
            coalesce(sum(p.states), 0) as states, coalesce(sum(p.users), 0) as users,
            coalesce(sum(p.reactions), 0) as reactions, coalesce(sum(p.canary), 0) as canary,
            coalesce(sum(p.others), 0) as others
        from stream.realtime_spending as p
        where p.span_s = 5 and p.at > now() - interval '60 seconds' and p.at <= now()
    ) as p
    cross join lateral (values ('frames', p.frames), ('viewer_counts', p.viewer_counts), ('states', p.states),
        ('users', p.users), ('reactions', p.reactions), ('canary', p.canary), ('others', p.others)) as k (kind, messages);

    select coalesce(sum(p.messages), 0)::double precision / 60
    into spent_per_s
    from stream_private.realtime_costs as p
    where p.span_s = 5 and p.at > now() - interval '60 seconds' and p.at <= now();
    return query
    select 'pg_stream_realtime_budget_used_ratio', '{}'::jsonb, case when most > 0 then spent_per_s / most else 0 end;

    -- The rest of the month as the last seven days, or as long as there is something to go by: nights and weekends count.
    return query
    select f.name, '{}'::jsonb, f.value::double precision
    from (
        select b.used, b.used + coalesce(b.lately / nullif(b.lately_s, 0), 0) * b.left_s as forecast
        from (
            select coalesce(sum(p.messages) filter (where p.at >= m.begins_at), 0) as used,
                coalesce(sum(p.messages) filter (where p.at > m.week_ago), 0) as lately,
                extract(epoch from now() - greatest(m.week_ago, min(p.at))) as lately_s,
                extract(epoch from m.ends_at - now()) as left_s
            from (
                select date_trunc('month', now(), 'UTC') as begins_at, now() - interval '7 days' as week_ago,
                    (date_trunc('month', now() at time zone 'UTC') + interval '1 month') at time zone 'UTC' as ends_at
            ) as m
            left join stream_private.realtime_costs as p on p.at >= least(m.begins_at, m.week_ago) and p.at <= now()
            group by m.begins_at, m.week_ago, m.ends_at
        ) as b
    ) as s
    cross join lateral (values
        ('pg_stream_realtime_month_messages', s.used), ('pg_stream_realtime_month_forecast_messages', s.forecast)
    ) as f (name, value);
end
$$;
comment on function stream_private.metrics_of_realtime() is
    'The figures of stream.metrics about the windows of broadcasts and what they cost of Realtime''s quota.';
