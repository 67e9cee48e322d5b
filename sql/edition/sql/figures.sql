-- Figures of the regular work for stream.metrics: what its rules did, and how fast logs grow. They are written after a round, in a
-- subtransaction of their own: what keeps them from being written keeps nothing else.

create function stream_ext.figures_outcomes(round jsonb) returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- A verdict of session_timeouts stands as a rule of its own, which does not run.
    return (
        select jsonb_agg(jsonb_build_object(
            'rule', o.rule, 'rows', coalesce((o.tally ->> 0)::bigint, 0), 'age_us', (o.tally ->> 1)::bigint, 'has_run', o.has_run))
        from (
            select r.value ->> 'name' as rule, r.value -> 'tallies' -> (r.value ->> 'name') as tally,
                (r.value ->> 'is_over')::boolean and not (r.value ->> 'is_given_up')::boolean as has_run
            from jsonb_array_elements($1 -> 'rules') as r
            union all
            select t.key, t.value, false
            from jsonb_array_elements($1 -> 'rules') as r
            cross join jsonb_each(r.value -> 'tallies') as t
            where t.key <> r.value ->> 'name'
        ) as o);
end
$$;
comment on function stream_ext.figures_outcomes(jsonb) is 'What each rule of a round did, and whether it has come to its end without failing.';

create function stream_ext.figures_record(outcomes jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
begin
    perform stream_ext.figures_write_rules($1);
    perform stream_ext.figures_sample();
end
$$;
comment on function stream_ext.figures_record(jsonb) is 'Writes what a round did, and samples the logs when that is due.';

create function stream_ext.figures_record_round(round jsonb, claims boolean) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
declare
    outcomes pg_catalog.jsonb;
    state pg_catalog.text;
    raised_in pg_catalog.text;
begin
    if exists (
        select from stream.troubles as t
        where t.rule = 'figures' and t.session_id is null and t.next_attempt_at > clock_timestamp()
            and t.next_attempt_at <= clock_timestamp() + interval '300 seconds'
    ) then
        return;
    end if;
    outcomes := stream_ext.figures_outcomes($1);
    begin
        -- Where nothing is to be written no transaction id is spent.
        if exists (
            select from jsonb_to_recordset(outcomes) as o (rows bigint, age_us bigint) where o.rows > 0 or o.age_us is not null
        ) or exists (
            select from stream.figures as f
            where f.id and (f.sampled_at <= now() - interval '5 seconds' or f.sampled_at > now())
        ) then
            if not $2 or stream_ext.regular_claim() then
                perform stream_ext.figures_record(outcomes);
                delete from stream.troubles as t where t.rule = 'figures' and t.session_id is null;
            end if;
        end if;
    exception when others or query_canceled or assert_failure then
        get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
        if stream_ext.error_is_cancel(state, raised_in) then
            raise;
        end if;
    end;
    if state is not null then
        perform stream_ext.regular_note_trouble('figures', null, state);
    end if;
end
$$;
comment on function stream_ext.figures_record_round(jsonb, boolean) is 'Records a round that did something, or when a sample is due, unless that has failed lately.';

create function stream_ext.figures_write_rules(outcomes jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- Only rows that tell something new, or are five seconds old, and none that another transaction has locked. Whoever adds the first
    -- rows has the turn by the row of the figures, so that none waits for another's.
    with rules as materialized (
        select r.rule, r.rows as swept_rows, r.has_run, r.age_us * interval '1 microsecond' as oldest_age
        from jsonb_to_recordset($1) as r (rule text, rows bigint, age_us bigint, has_run boolean)
    ), known as materialized (
        select f.rule, f.ran_at, f.swept_rows, f.oldest_age from stream.rule_figures as f
        where f.rule in (select r.rule from rules as r)
    ), due as materialized (
        select r.rule, r.swept_rows, r.has_run, r.oldest_age
        from rules as r
        join known as k on k.rule = r.rule
        where r.swept_rows > 0 or r.oldest_age is distinct from k.oldest_age
            or r.has_run and (k.ran_at is null or k.ran_at <= now() - interval '5 seconds' or k.ran_at > now())
    ), free as materialized (
        select f.rule from stream.rule_figures as f
        where f.rule = any (array(select d.rule from due as d)) order by f.rule for update skip locked
    ), turn as materialized (
        select f.id from stream.figures as f
        where f.id and exists (select from rules as r where r.rule not in (select k.rule from known as k))
        for update skip locked
    ), added as (
        insert into stream.rule_figures (rule, ran_at, swept_rows, oldest_age)
        select r.rule, case when r.has_run then now() end, r.swept_rows, r.oldest_age
        from rules as r
        cross join turn
        where r.rule not in (select k.rule from known as k)
        on conflict do nothing
    )
    update stream.rule_figures as f
    set ran_at = case when d.has_run then now() else f.ran_at end,
        swept_rows = f.swept_rows + d.swept_rows,
        oldest_age = d.oldest_age
    from due as d
    where f.rule = d.rule and d.rule in (select e.rule from free as e);
end
$$;
comment on function stream_ext.figures_write_rules(jsonb) is 'Writes what each rule did.';

create function stream_ext.figures_sample() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    with last as materialized (
        select f.ended_upto, f.ended_messages, f.ended_frames, f.messages, f.frames,
            greatest(f.ended_upto, now() - interval '10 minutes') as upto,
            case when isfinite(f.sampled_at) then extract(epoch from now() - f.sampled_at) end as passed_s
        from stream.figures as f
        where f.id and (f.sampled_at <= now() - interval '5 seconds' or f.sampled_at > now())
        for update skip locked
    ), gone as materialized (
        select coalesce(sum((
                select h.last_seq from stream.chat_heads as h where h.session_id = s.id)), 0)::bigint as messages,
            coalesce(sum((
                select r.frames from stream.chat_relay as r where r.session_id = s.id)), 0)::bigint as frames
        from last as l
        join stream.stream_sessions as s
            on s.state = 'ended' and s.ended_at > l.ended_upto and s.ended_at <= l.upto
    ), here as materialized (
        select coalesce(sum((
                select h.last_seq from stream.chat_heads as h where h.session_id = s.id)), 0)::bigint as messages,
            coalesce(sum((
                select r.frames from stream.chat_relay as r where r.session_id = s.id)), 0)::bigint as frames
        from last as l
        cross join lateral (
            select s.id from stream.stream_sessions as s where s.state <> 'ended'
            union all
            select s.id from stream.stream_sessions as s where s.state = 'ended' and s.ended_at > l.upto
        ) as s
    ), sums as materialized (
        select l.upto, l.passed_s, l.messages as old_messages, l.frames as old_frames,
            l.ended_messages + g.messages as ended_messages, l.ended_frames + g.frames as ended_frames,
            l.ended_messages + g.messages + n.messages as messages, l.ended_frames + g.frames + n.frames as frames
        from last as l cross join gone as g cross join here as n
    )
    update stream.figures as f
    set sampled_at = now(), ended_upto = c.upto, ended_messages = c.ended_messages, ended_frames = c.ended_frames,
        messages = c.messages, frames = c.frames,
        messages_per_s = case when c.passed_s > 0
            then greatest(c.messages - c.old_messages, 0) / c.passed_s else 0 end,
        frames_per_s = case when c.passed_s > 0
            then greatest(c.frames - c.old_frames, 0) / c.passed_s else 0 end
    from sums as c
    where f.id;
end
$$;
comment on function stream_ext.figures_sample() is
    'Counts the logs of live streams and of those that ended in the last ten minutes, in which a transaction that ended one may still have been open; of older ones the sum is kept.';
