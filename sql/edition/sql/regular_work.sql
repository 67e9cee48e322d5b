-- Ticks: the entry points of the regular work, and the steps of one tick. pg_cron's loop or edge_api call them. One at a time
-- works, the others return at once, so any number of callers does no harm.

create function stream_ext.regular_timeout_ms() returns numeric
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- As an interval: the view of all settings takes a hundred times as long.
    return nullif(extract(epoch from current_setting('statement_timeout')::interval) * 1000, 0);
end
$$;
comment on function stream_ext.regular_timeout_ms() is 'The statement_timeout of the caller; null: there is none.';

create function stream_ext.regular_has_timed_out() returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- In the extended protocol the timer runs from Bind on, and the statement's time is that of Execute, behind it.
    return coalesce(
        clock_timestamp() >= statement_timestamp() + stream_ext.regular_timeout_ms() * interval '1 millisecond'
            - least(stream_ext.regular_timeout_ms() / 10, 100) * interval '1 millisecond', false);
end
$$;
comment on function stream_ext.regular_has_timed_out() is
    'Whether the statement_timeout of the caller is over. It ends one unit, whose stream is noted; after it nothing ends another, so none is begun.';

create function stream_ext.regular_claim() returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Only the owner of the tables can lock it, and nobody waits for it.
    perform from stream.ticker as t where t.id for update skip locked;
    return found;
end
$$;
comment on function stream_ext.regular_claim() is 'Claims the ticker''s row until the transaction ends; false when another transaction holds it.';

create function stream_ext.regular_look(out round boolean, out mark boolean, out tails boolean, out is_abandoned boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- A time ahead of the clock is from before the clock was set back.
    select t.swept_at <= now() - interval '900 milliseconds' or t.swept_at > now(),
        t.ticked_at <= now() - interval '500 milliseconds' or t.ticked_at > now(),
        t.ticked_at <= now() - interval '5 seconds' and t.ticked_at > '-infinity' or t.ticked_at > now()
    into $1, $2, $4
    from stream.ticker as t where t.id;
    $1 := coalesce($1, false);
    $2 := coalesce($2, false);
    $4 := coalesce($4, false);
    tails := stream_ext.tails_are_due();
end
$$;
comment on function stream_ext.regular_look() is 'What is due, without writing or locking anything.';

create function stream_ext.regular_begin(round boolean, mark boolean, tails boolean, without_claim boolean, commits boolean)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    batch constant pg_catalog.int4 := (select c.sweep_batch_size from stream.config as c where c.id);
    unmarked constant pg_catalog.numeric := coalesce(
        substring(current_setting('stream_ext.unmarked_at', true) from '^[0-9]{1,12}(?:[.][0-9]{1,9})?$')::numeric, 0);
    has_round constant pg_catalog.bool := $1
        and not ($4 and unmarked between extract(epoch from clock_timestamp()) - 0.9 and extract(epoch from clock_timestamp()));
begin
    if not $3 then
        -- Nothing is unsent.
        perform set_config('stream_ext.sends', '', false);
    end if;
    return jsonb_build_object(
        'without_claim', $4, 'mark', $2 and not $4, 'is_plan_begun', false, 'plan_at', extract(epoch from clock_timestamp()), 'tails_at', 0,
        'round', case when has_round then stream_ext.regular_round(
            array['late_events', 'clock_correction', 'viewer_leases', 'ended_resources', 'session_timeouts', 'viewer_counts',
                'reactions', 'expiring_tokens', 'tokens', 'restrictions', 'retention', 'webhook_events', 'webhook_cursors',
                'requests', 'start_rates', 'canary'],
            batch, jsonb_build_object('count', true, 'waits', $5)) end,
        'plan', case when $1 then stream_ext.regular_round(array['governor'], 2147483647, '{}') end,
        'tails', case when $3 then stream_ext.regular_round(array['tails'], 2147483647, '{}') end);
end
$$;
comment on function stream_ext.regular_begin(boolean, boolean, boolean, boolean, boolean) is 'Collects what is due. Writes nothing.';

create function stream_ext.regular_mark(claims boolean, sends boolean) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
declare
    state pg_catalog.text;
    raised_in pg_catalog.text;
begin
    begin
        if $1 and not stream_ext.regular_claim() then
            return false;
        end if;
        -- The first tick after half a second marks, so a mark soon after it shows that ticks come in quick succession and send
        -- unsent entries soon.
        update stream.ticker as t
        set ticked_at = now(),
            sends_at = case
                when $2 and t.ticked_at between now() - interval '600 milliseconds' and now() then now()
                else t.sends_at end
        where t.id and (t.ticked_at <= now() - interval '500 milliseconds' or t.ticked_at > now());
        delete from stream.troubles as t where t.rule = 'ticker' and t.session_id is null;
        return true;
    exception when others or query_canceled or assert_failure then
        get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
        if stream_ext.error_is_cancel(state, raised_in) then
            raise;
        end if;
    end;
    -- The work goes on without the mark.
    perform stream_ext.regular_note_trouble('ticker', null, state);
    return true;
end
$$;
comment on function stream_ext.regular_mark(boolean, boolean) is 'Marks that a ticker is alive; with sends, that it sends unsent entries. False when another one is at work.';

create function stream_ext.regular_end_round(round jsonb, claims boolean) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
declare
    is_marked pg_catalog.bool := false;
    state pg_catalog.text;
    raised_in pg_catalog.text;
begin
    begin
        is_marked := (not $2 or stream_ext.regular_claim()) and stream_ext.sweep_mark();
        -- Due entries are tried within a round, so older ones are of no use.
        delete from stream.troubles as t where t.next_attempt_at < clock_timestamp() - interval '10 minutes';
    exception when others or query_canceled or assert_failure then
        get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
        if stream_ext.error_is_cancel(state, raised_in) then
            raise;
        end if;
        is_marked := false;
    end;
    if state is not null then
        perform stream_ext.regular_note_trouble('ticker', null, state);
    end if;
    perform set_config('stream_ext.unmarked_at',
        case when is_marked then '' else extract(epoch from clock_timestamp())::text end, false);
    perform stream_ext.figures_record_round($1, $2);
end
$$;
comment on function stream_ext.regular_end_round(jsonb, boolean) is 'Marks the end of a round, and writes its figures.';

create function stream_ext.regular_work_step(work jsonb, commits boolean, out next_work jsonb, out has_more boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    -- Every unit that is a transaction begins with the claim; without commits it is held already.
    claims constant pg_catalog.bool := $2 and not ($1 ->> 'without_claim')::boolean;
    part pg_catalog.jsonb;
    step pg_catalog.text;
    state pg_catalog.text;
    kind pg_catalog.text;
begin
    next_work := $1;
    if ($1 ->> 'mark')::boolean then
        next_work := next_work || '{"mark": false}';
        has_more := stream_ext.regular_mark(claims, coalesce(current_setting('stream_ext.sends', true), '') <> 'no')
            and stream_ext.regular_has_more(next_work);
        return;
    end if;
    -- Within one transaction windows are planned and entries sent last: the lock order puts relay rows at the end.
    kind := case
        when jsonb_typeof($1 -> 'plan') = 'object' and $2 then 'plan'
        when jsonb_typeof($1 -> 'round') = 'object' and not $2 then 'round'
        when jsonb_typeof($1 -> 'plan') = 'object' then 'plan'
        when jsonb_typeof($1 -> 'tails') = 'object' then 'tails'
        when jsonb_typeof($1 -> 'round') = 'object' then 'round' end;
    if kind is null then
        has_more := false;
        return;
    end if;
    if kind = 'round' and $2
        and ($1 ->> 'tails_at')::numeric not between extract(epoch from clock_timestamp()) - 0.05 and extract(epoch from clock_timestamp())
    then
        kind := 'tails';
        next_work := next_work || jsonb_build_object('tails', stream_ext.regular_round(array['tails'], 2147483647, '{}'));
    -- A plan holds for two seconds. After one that was given up the next tick tries again.
    elsif kind = 'round' and $2
        and ($1 ->> 'plan_at')::numeric not between extract(epoch from clock_timestamp()) - 1 and extract(epoch from clock_timestamp())
    then
        kind := 'plan';
        next_work := next_work || jsonb_build_object('plan', stream_ext.regular_round(array['governor'], 2147483647, '{}'),
            'is_plan_begun', false, 'plan_at', extract(epoch from clock_timestamp()));
    end if;
    select s.next_round, s.step, s.state into part, step, state
    from stream_ext.regular_step(next_work -> kind, claims,
        case when kind = 'tails' or kind = 'plan' and not (next_work ->> 'is_plan_begun')::boolean then kind end) as s;
    next_work := next_work || jsonb_build_object(kind, case when step = 'worked' then part end)
        || case when kind = 'plan' then '{"is_plan_begun": true}' else '{}' end::jsonb;
    if step = 'failed' then
        perform stream_ext.regular_note_trouble('ticker', null, state);
    end if;
    if kind = 'tails' then
        perform set_config('stream_ext.sends', case
            when step = 'failed' or (part -> 'rules' -> 0 ->> 'is_given_up')::boolean
                or current_setting('stream_ext.queue_is_held', true) = 'yes' then 'no'
            else '' end, false);
        if step <> 'worked' then
            next_work := next_work || jsonb_build_object('tails_at', extract(epoch from clock_timestamp()));
        end if;
    elsif kind = 'plan' then
        if step = 'failed' or (part -> 'rules' -> 0 ->> 'is_given_up')::boolean then
            next_work := next_work || '{"plan_at": null}';
        end if;
    elsif kind = 'round' then
        if step = 'over' then
            perform stream_ext.regular_end_round(part, claims);
        elsif step <> 'worked' then
            has_more := false;
            return;
        end if;
    end if;
    has_more := stream_ext.regular_has_more(next_work);
end
$$;
comment on function stream_ext.regular_work_step(jsonb, boolean) is 'Does the next unit of a tick; returns what is left, and whether there is more.';

create function stream_ext.regular_has_more(work jsonb) returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return jsonb_typeof($1 -> 'plan') = 'object' or jsonb_typeof($1 -> 'round') = 'object' or jsonb_typeof($1 -> 'tails') = 'object';
end
$$;
comment on function stream_ext.regular_has_more(jsonb) is 'Whether a tick has something left to do.';
