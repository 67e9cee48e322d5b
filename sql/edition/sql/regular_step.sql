-- One unit of a round.

create function stream_ext.regular_step(round jsonb, claims boolean, asks text, out next_round jsonb, out step text, out state text)
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
declare
    began constant pg_catalog.timestamptz := clock_timestamp();
    running pg_catalog.jsonb;
    place pg_catalog.int4 := 0;
    due pg_catalog.record;
    dues pg_catalog.jsonb;
    done pg_catalog.jsonb;
    skipping pg_catalog.uuid[];
    current_id pg_catalog.uuid;
    handled pg_catalog.uuid[] := '{}';
    passed pg_catalog.uuid[] := '{}';
    again pg_catalog.uuid[] := '{}';
    written pg_catalog.uuid[];
    tallies pg_catalog.jsonb;
    context pg_catalog.jsonb;
    rows_left pg_catalog.int4;
    has_begun pg_catalog.bool := false;
    is_in_rule pg_catalog.bool := false;
    writes pg_catalog.bool;
    raised_in pg_catalog.text;
begin
    next_round := $1;
    <<unit>>
    begin
        perform set_config('stream_ext.unit', stream_ext.regular_token() || ':', true);
        -- Where nothing is planned or sent no transaction id is spent.
        if not (case $3 when 'plan' then stream_ext.governor_is_due() when 'tails' then stream_ext.tails_are_due() else true end) then
            step := 'stopped';
        elsif $2 and not stream_ext.regular_claim() then
            step := 'stopped';
        else
            step := 'over';
            while place < jsonb_array_length(next_round -> 'rules') loop
                running := next_round -> 'rules' -> place;
                if (running ->> 'is_over')::boolean then
                    place := place + 1;
                    continue;
                end if;
                is_in_rule := true;
                handled := '{}';
                passed := '{}';
                again := '{}';
                tallies := '{}';
                context := null;
                rows_left := (running ->> 'rows_left')::integer;
                writes := running ->> 'name' in ('clock_correction', 'session_timeouts', 'viewer_counts');
                written := stream_ext.regular_ids(next_round -> 'written');
                skipping := stream_ext.regular_ids(running -> 'skipping') || case when writes then written end;
                dues := stream_ext.regular_take(
                    running ->> 'name', (running ->> 'limit')::integer, rows_left, skipping, running -> 'kept');
                for due in
                    select d.session_id, d.keys, d.held
                    from jsonb_to_recordset(coalesce(dues, '[]')) as d (session_id uuid, keys jsonb, held boolean)
                loop
                    if due.session_id is null then
                        context := due.keys;
                        continue;
                    end if;
                    if due.held then
                        passed := passed || due.session_id;
                        continue;
                    end if;
                    if cardinality(handled) >= (running ->> 'limit')::integer or rows_left <= 0
                        or cardinality(handled) > 0 and cardinality(handled) % 8 = 0
                            and clock_timestamp() >= began + interval '20 milliseconds'
                    then
                        again := again || due.session_id;
                        continue;
                    end if;
                    current_id := due.session_id;
                    done := stream_ext.regular_do(running ->> 'name', due.session_id, due.keys,
                        jsonb_build_object('rows_left', rows_left, 'count', running -> 'kept' -> 'count'));
                    current_id := null;
                    if (done ->> 'passed')::boolean then
                        passed := passed || due.session_id;
                        continue;
                    end if;
                    has_begun := true;
                    -- A part of the due rows of a stream may be taken again.
                    if not coalesce((done ->> 'part')::boolean, false) then
                        handled := handled || due.session_id;
                    end if;
                    if writes and not coalesce((done ->> 'unwritten')::boolean, false) then
                        written := written || due.session_id;
                    end if;
                    rows_left := rows_left - coalesce((done ->> 'rows')::integer, 0);
                    tallies := stream_ext.regular_add_tallies(tallies, done -> 'tallies');
                end loop;
                if context is not null then
                    context := stream_ext.regular_end(running ->> 'name', context, to_jsonb(handled), to_jsonb(again));
                end if;
                if exists (select from unnest(handled) as h (id) where running -> 'on_trial' ? h.id::text) then
                    delete from stream.troubles as t where t.rule = running ->> 'name' and t.session_id = any (handled);
                end if;
                if (running ->> 'is_on_trial')::boolean then
                    delete from stream.troubles as t where t.rule = running ->> 'name' and t.session_id is null;
                end if;
                exit when has_begun;
                -- A held stream is skipped for the whole round; where there is none either, the rule is over.
                next_round := jsonb_set(next_round, array['rules', place::text], running || jsonb_build_object(
                    'is_over', cardinality(passed) = 0, 'is_on_trial', false,
                    'kept', coalesce(running -> 'kept', '{}') || coalesce(context, '{}') || '{"waits": false}',
                    'skipping', (running -> 'skipping') || to_jsonb(passed)));
            end loop;
            if has_begun then
                step := 'worked';
            end if;
        end if;
        -- Deferred triggers and constraints would otherwise fail at the caller's commit, after all units.
        set constraints all immediate;
        perform set_config('stream_ext.unit', '', true);
    exception when others or query_canceled or assert_failure then
        get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
        -- Otherwise every call would fail at the same stream, and nothing would ever be noted.
        if stream_ext.error_is_cancel(state, raised_in) and not stream_ext.regular_has_timed_out() then
            raise;
        end if;
        step := 'failed';
    end unit;
    if step = 'worked' then
        next_round := jsonb_set(next_round, array['rules', place::text], running || jsonb_build_object(
            'is_on_trial', false, 'rows_left', rows_left, 'is_over', rows_left <= 0,
            'kept', coalesce(running -> 'kept', '{}') || coalesce(context, '{}') || '{"waits": false}',
            'skipping', (running -> 'skipping') || to_jsonb(handled) || to_jsonb(passed),
            'tallies', stream_ext.regular_add_tallies(running -> 'tallies', tallies)))
            || jsonb_build_object('written', to_jsonb(written));
    elsif step = 'failed' and is_in_rule then
        next_round := stream_ext.regular_fail(next_round, place, running, coalesce(current_id, case when cardinality(handled) = 1 then handled[1] end),
            cardinality(handled), passed, state, extract(epoch from clock_timestamp() - began) * 1000);
        step := 'worked';
    end if;
end
$$;
comment on function stream_ext.regular_step(jsonb, boolean, text) is
    'Does one unit of a round, with the claim of the ticker''s row if asked: worked (there may be more), over, stopped (another ticker is at work, or nothing is due: asks is plan or tails) or failed before any rule, with the SQLSTATE.';

create function stream_ext.regular_fail(
    round jsonb, place integer, rule jsonb, culprit uuid, handled integer, passed uuid[], state text, took_ms numeric
)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    failed pg_catalog.jsonb := $3 || jsonb_build_object('skipping', ($3 -> 'skipping') || to_jsonb($6));
    is_given_up pg_catalog.bool;
begin
    -- Where no stream was being handled, at deferred triggers for example, the next unit has half as many streams.
    if $4 is null and $5 > 1 then
        return jsonb_set($1, array['rules', $2::text], failed || jsonb_build_object('limit', greatest($5 / 2, 1)));
    end if;
    is_given_up := $4 is null or ($3 ->> 'failures')::integer + 1 >= 64 or ($3 ->> 'failing_ms')::numeric + $8 >= 4000;
    perform stream_ext.regular_note_trouble($3 ->> 'name', $4, $7);
    return jsonb_set($1, array['rules', $2::text], failed || jsonb_build_object(
        'limit', 64, 'failures', ($3 ->> 'failures')::integer + 1, 'failing_ms', ($3 ->> 'failing_ms')::numeric + $8,
        'skipping', (failed -> 'skipping') || case when $4 is null then '[]' else to_jsonb(array[$4]) end,
        'is_given_up', is_given_up, 'is_over', is_given_up));
end
$$;
comment on function stream_ext.regular_fail(jsonb, integer, jsonb, uuid, integer, uuid[], text, numeric) is
    'Records the failure of a unit that was rolled back. The stream at which it failed is skipped from now on; after 64 failures, or 4 s in them, the rule is given up for the round.';
