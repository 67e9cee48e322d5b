-- The figures of stream.metrics. Each is found by an index or stands in a table of few rows, so none takes longer the more
-- has happened; what must be counted as it happens is counted by the regular work, or by Postgres itself.
create function stream_private.logs_being_sent()
returns table (session_id uuid, state text, viewer_count integer, flushed_seq bigint, last_seq bigint)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Those that have just ended may have entries left to send. Rows of each stream are found by its key: a join of so many
    -- reads the other table as a whole.
    return query
    select s.id, s.state, s.viewer_count,
        (select r.flushed_seq from stream.chat_relay as r where r.session_id = s.id),
        (select h.last_seq from stream.chat_heads as h where h.session_id = s.id)
    from (
        select l.id, l.state, l.viewer_count from stream.stream_sessions as l where l.state <> 'ended'
        union all
        select e.id, e.state, 0 from stream.stream_sessions as e
        where e.state = 'ended' and e.ended_at > now() - interval '10 minutes'
    ) as s;
end
$$;
comment on function stream_private.logs_being_sent() is
    'Live streams, and those that ended in the last ten minutes, with the ends of what was written and what was sent.';

create function stream_private.sequence_calls(sequence regclass) returns double precision
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Null: it was never called.
    return coalesce(pg_sequence_last_value($1), 0);
end
$$;
comment on function stream_private.sequence_calls(regclass) is 'How often a sequence that begins at 1 was called.';

create function stream_private.metrics() returns setof stream.metric
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return query
    with logs as materialized (select * from stream_private.logs_being_sent()),
    unsent as materialized (select * from logs as l where l.last_seq > l.flushed_seq)
    select 'pg_stream_sessions', jsonb_build_object('state', k.state), (
        select count(*) from logs as l where l.state = k.state)::double precision
    from unnest(array['initializing', 'active', 'paused', 'error']) as k (state)
    union all
    select 'pg_stream_viewers', '{}', (select coalesce(sum(l.viewer_count), 0) from logs as l)::double precision
    union all
    select 'pg_stream_tails_waiting', '{}', (select count(*) from unsent)::double precision
    union all
    select 'pg_stream_oldest_unsent_seconds', '{}', (
        select coalesce(greatest(extract(epoch from now() - min((
            select m.created_at from stream.chat_messages as m
            where m.session_id = u.session_id and m.seq = u.flushed_seq + 1
        ))), 0), 0)
        from unsent as u
    )::double precision;

    return query
    select f.name, '{}'::jsonb, f.value
    from stream.figures as g
    cross join lateral (values
        ('pg_stream_messages_total', g.messages::double precision),
        ('pg_stream_messages_per_second', g.messages_per_s),
        ('pg_stream_frames_total', g.frames::double precision),
        ('pg_stream_frames_per_second', g.frames_per_s)
    ) as f (name, value);

    -- Of what goes on, a time ahead of the clock is made good within seconds. Of what has ended, it must not look young until the clock,
    -- which was set back, reaches it.
    return query
    select 'pg_stream_tick_age_seconds', '{}'::jsonb, abs(extract(epoch from now() - t.ticked_at))::double precision
    from stream.ticker as t where t.ticked_at > '-infinity'
    union all
    select 'pg_stream_sweep_age_seconds', jsonb_build_object('rule', f.rule),
        abs(extract(epoch from now() - f.ran_at))::double precision
    from stream.rule_figures as f where f.ran_at is not null
    union all
    select 'pg_stream_swept_rows_total', jsonb_build_object('rule', f.rule), f.swept_rows::double precision
    from stream.rule_figures as f
    union all
    select 'pg_stream_overdue_seconds', jsonb_build_object('rule', f.rule),
        coalesce(greatest(extract(epoch from f.oldest_age), 0), 0)::double precision
    from stream.rule_figures as f
    union all
    select 'pg_stream_lease_expiries_total', '{}', (
        select coalesce(max(f.swept_rows), 0) from stream.rule_figures as f where f.rule = 'viewer_leases'
    )::double precision
    union all
    select 'pg_stream_troubles', jsonb_build_object('rule', t.rule), count(*)::double precision
    from stream.troubles as t group by t.rule;

    return query select * from stream_private.metrics_of_realtime();

    return query
    -- Postgres counts the rows of each table as they are inserted.
    select 'pg_stream_tokens_minted_total', '{}'::jsonb,
        pg_stat_get_tuples_inserted('stream.agora_tokens'::regclass)::double precision
    union all
    select 'pg_stream_tokens_refused_total', jsonb_build_object('reason', k.reason),
        stream_private.sequence_calls(('stream.tokens_refused_' || k.reason)::regclass)
    from unnest(array['rate', 'rights', 'setup']) as k (reason)
    union all
    -- And how often each index is read.
    select 'pg_stream_recoveries_total', jsonb_build_object('complete', k.is_complete::text),
        pg_stat_get_numscans(k.index)::double precision
    from (values
        (true, 'stream.recoveries_pkey'::regclass), (false, 'stream.recoveries_incomplete_key'::regclass)
    ) as k (is_complete, index);

    return query
    select f.name, '{}'::jsonb, f.value::double precision
    from stream.canary as c
    cross join lateral (values
        ('pg_stream_canaries_sent_total', c.canary_no::double precision),
        ('pg_stream_canary_sent_age_seconds',
            case when c.sent_at > '-infinity' then abs(extract(epoch from now() - c.sent_at)) end),
        ('pg_stream_canary_received_age_seconds', abs(extract(epoch from now() - c.received_at))),
        ('pg_stream_canary_lag_seconds', c.lag_ms / 1000.0)
    ) as f (name, value)
    where exists (select from stream.config as s where s.canary_user_id is not null) and f.value is not null;
end
$$;
comment on function stream_private.metrics is $$
The figures of stream.metrics, as its owner sees them.
@policy
@callers service_role
$$;

create view stream.metrics with (security_invoker = true) as
select m.name, m.labels, m.value from stream_private.metrics() as m;
comment on view stream.metrics is
    'Figures for those who run the service, one row each, named and labelled as Prometheus does: see docs/observability.md.';
comment on column stream.metrics.labels is 'Texts by name.';
revoke all on table stream.metrics from public, anon, authenticated, service_role;
grant select on table stream.metrics to service_role;
