-- The entry points of the regular work: tick and sweep in the caller's transaction, and the loop that commits after each unit.

create function stream_ext.regular_find_work(round boolean, mark boolean, tails boolean, is_abandoned boolean) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    is_claimed pg_catalog.bool;
begin
    if not ($1 or $2 or $3) then
        return null;
    end if;
    is_claimed := stream_ext.regular_claim();
    if not is_claimed and not $4 then
        return null;
    end if;
    if $1 then
        -- Before anything is locked in a transaction that holds its locks until the last unit.
        set constraints all immediate;
        perform stream_ext.sweep_wait_for_passed_over();
        perform stream_ext.viewer_counts_wait_for_passed_over();
    end if;
    return stream_ext.regular_begin($1, $2, $3, not is_claimed, false);
end
$$;
comment on function stream_ext.regular_find_work(boolean, boolean, boolean, boolean) is
    'For a tick in one transaction: claims the ticker''s row until it ends and returns the work that is due. Works without the claim when the row is locked by a transaction that is no ticker.';

create function stream_ext.tick() returns void
language plpgsql strict
set search_path = pg_catalog, pg_temp
as $$
declare
    began constant pg_catalog.timestamptz := clock_timestamp();
    -- A tick ends before a statement_timeout of the caller, which would roll it back; its locks are held until the end.
    share_ms pg_catalog.numeric;
    due pg_catalog.record;
    work pg_catalog.jsonb;
    has_more pg_catalog.bool := true;
    units pg_catalog.int4 := 0;
begin
    if stream_ext.enter_to_write() is not null then
        perform stream_ext.refuse('forbidden');
    end if;
    if stream_ext.regular_is_inside() then
        return;
    end if;
    share_ms := least(1000, stream_ext.regular_timeout_ms() / 5);
    due := stream_ext.regular_look();
    work := stream_ext.regular_find_work(due.round, due.mark, due.tails, due.is_abandoned);
    if work is null then
        return;
    end if;
    loop
        select s.next_work, s.has_more into work, has_more from stream_ext.regular_work_step(work, false) as s;
        exit when not has_more or stream_ext.regular_has_timed_out();
        units := units + 1;
        -- More subtransactions make the snapshots of others slower.
        if (units >= 50 or clock_timestamp() >= began + share_ms * interval '1 millisecond')
            and jsonb_typeof(work -> 'round') = 'object'
        then
            perform stream_ext.figures_record_round(work -> 'round', false);
            work := work || '{"round": null}';
        end if;
    end loop;
end
$$;
comment on function stream_ext.tick() is 'Sends unsent entries, counts viewers, sweeps, and marks that a ticker is alive.';

create function stream_ext.begin_work() returns void
language plpgsql strict
set search_path = pg_catalog, pg_temp
as $$
begin
    -- The whole loop is one statement.
    perform set_config('stream_ext.loop', jsonb_build_object('ends_at', extract(epoch from clock_timestamp())
        + least(58500, coalesce(stream_ext.regular_timeout_ms() * 4 / 5, 58500)) / 1000, 'work', null)::text, false);
end
$$;
comment on function stream_ext.begin_work() is 'Begins the loop that calls work, and sets its end.';

create function stream_ext.work() returns boolean
language plpgsql strict
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
declare
    loop_state pg_catalog.jsonb := nullif(current_setting('stream_ext.loop', true), '');
    work pg_catalog.jsonb;
    due pg_catalog.record;
    has_more pg_catalog.bool := false;
    may_work pg_catalog.bool := false;
    is_claimed pg_catalog.bool;
    state pg_catalog.text;
    raised_in pg_catalog.text;
begin
    perform stream_ext.caller_require_read_committed();
    if loop_state is null or extract(epoch from clock_timestamp()) >= (loop_state ->> 'ends_at')::numeric
        or stream_ext.regular_has_timed_out()
    then
        return false;
    end if;
    -- Taken out meanwhile: a trigger could call this again.
    perform set_config('stream_ext.loop', '', false);
    work := case when jsonb_typeof(loop_state -> 'work') = 'object' then loop_state -> 'work' end;
    -- An error would end the loop, and the regular work until the next minute. Nothing is written or claimed in these blocks, so that
    -- they spend no transaction id.
    begin
        -- With the lock of a claim.
        lock table only stream.ticker in row share mode;
        if work is null then
            due := stream_ext.regular_look();
        end if;
    exception when others or query_canceled or assert_failure then
        get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
        if stream_ext.error_is_cancel(state, raised_in) then
            raise;
        end if;
    end;
    if state is null and work is not null then
        may_work := (work ->> 'without_claim')::boolean or stream_ext.regular_claim();
    elsif state is null and (due.round or due.mark or due.tails) then
        is_claimed := stream_ext.regular_claim();
        may_work := is_claimed or due.is_abandoned;
    end if;
    if may_work and work is null then
        begin
            work := stream_ext.regular_begin(due.round, due.mark, due.tails, not is_claimed, true);
        exception when others or query_canceled or assert_failure then
            get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
            if stream_ext.error_is_cancel(state, raised_in) then
                raise;
            end if;
        end;
    end if;
    if state is not null then
        perform stream_ext.regular_note_trouble('ticker', null, state);
    elsif may_work then
        select s.next_work, s.has_more into work, has_more from stream_ext.regular_work_step(work, true) as s;
    end if;
    perform set_config('stream_ext.loop',
        (loop_state || jsonb_build_object('work', case when has_more then work end))::text, false);
    return true;
end
$$;
comment on function stream_ext.work() is 'Does one unit, for a loop that commits after each; returns whether the loop goes on.';

create function stream_ext.pause() returns double precision
language plpgsql strict
set search_path = pg_catalog, pg_temp
as $$
begin
    return case when jsonb_typeof(nullif(current_setting('stream_ext.loop', true), '')::jsonb -> 'work') = 'object' then 0 else 0.05 end;
end
$$;
comment on function stream_ext.pause() is 'The seconds that the loop sleeps before the next unit.';

create function stream_ext.sweep() returns table (rule text, rows integer, oldest_age interval)
language plpgsql strict
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    round pg_catalog.jsonb;
    step pg_catalog.text := 'worked';
    is_inside constant pg_catalog.bool := stream_ext.regular_is_inside();
    state pg_catalog.text;
    raised_in pg_catalog.text;
begin
    if stream_ext.enter_to_write() is not null then
        perform stream_ext.refuse('forbidden');
    end if;
    if not is_inside then
        round := stream_ext.regular_round(
            array['late_events', 'clock_correction', 'viewer_leases', 'ended_resources', 'session_timeouts', 'expiring_tokens',
                'tokens', 'restrictions', 'retention', 'webhook_events', 'webhook_cursors', 'requests', 'start_rates'],
            (select c.sweep_batch_size from stream.config as c where c.id), '{"count": false, "waits": false}');
        set constraints all immediate;
        perform stream_ext.sweep_wait_for_passed_over();
        while step = 'worked' and not stream_ext.regular_has_timed_out() loop
            select s.next_round, s.step into round, step from stream_ext.regular_step(round, false, null) as s;
        end loop;
        -- If the ticker's row is locked, the sweep is still done, and without its figures too.
        begin
            perform stream_ext.sweep_mark();
        exception when others or query_canceled or assert_failure then
            get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
            if stream_ext.error_is_cancel(state, raised_in) then
                raise;
            end if;
        end;
        begin
            perform stream_ext.figures_record(stream_ext.figures_outcomes(round));
        exception when others or query_canceled or assert_failure then
            get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
            if stream_ext.error_is_cancel(state, raised_in) then
                raise;
            end if;
        end;
    end if;
    return query
    select n.rule, coalesce((t.tally ->> 0)::integer, 0), justify_hours((t.tally ->> 1)::bigint * interval '1 microsecond')
    from unnest(array['initializing_timeout', 'host_lost', 'reconnect_timeout', 'paused_timeout', 'max_duration',
        'late_events', 'viewer_leases', 'expiring_tokens', 'tokens', 'restrictions', 'ended_resources', 'retention',
        'webhook_events', 'webhook_cursors', 'requests', 'start_rates']) with ordinality as n (rule, place)
    left join lateral (
        select r.value -> 'tallies' -> n.rule as tally
        from jsonb_array_elements(round -> 'rules') as r
        where r.value -> 'tallies' ? n.rule
        limit 1
    ) as t on true
    order by n.place;
end
$$;
comment on function stream_ext.sweep() is 'Runs every sweep rule once, at once; what each did.';
