-- Units of the regular work: the work for at most 64 streams in one subtransaction. A rule has two functions, one that finds and
-- locks what is due (regular_take_<rule>) and one that handles a stream (regular_do_<rule>). A unit that fails is rolled back as a
-- whole, the stream at which it failed is recorded in stream.troubles and skipped, and the unit begins again with the others.
-- SQL has no timer that could cancel a unit that takes long: lock_timeout bounds its waits, and the caller's statement_timeout the one
-- unit in which it fires.

create function stream_ext.regular_token() returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Not now() as text, which a trigger's time zone changes. Without the row nothing is a unit.
    return encode(sha256(convert_to(
        (select t.unit_secret from stream.ticker as t where t.id)::text || pg_backend_pid() || ' ' || extract(epoch from now()), 'UTF8')),
        'hex');
end
$$;
comment on function stream_ext.regular_token() is
    'What the setting stream_ext.unit holds in a unit of this transaction. Every role can set the setting; the value takes a secret of the owner.';

create function stream_ext.regular_is_inside() returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(current_setting('stream_ext.unit', true), '') like '%:%'
        and split_part(current_setting('stream_ext.unit', true), ':', 1) is not distinct from stream_ext.regular_token();
end
$$;
comment on function stream_ext.regular_is_inside() is 'Whether a unit is running: a trigger in it could call the regular work again.';

create function stream_ext.regular_keeps_realtime_free() returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    known constant pg_catalog.text := coalesce(current_setting('stream_ext.unit', true), '');
    is_held pg_catalog.bool;
begin
    if known not like '%:%' or split_part(known, ':', 1) is distinct from stream_ext.regular_token() then
        return false;
    end if;
    if split_part(known, ':', 2) <> '' then
        return split_part(known, ':', 2) = 'held';
    end if;
    -- Otherwise every unit that emits would wait, and fail, stream after stream.
    is_held := not stream_ext.realtime_take_soon(true);
    perform set_config('stream_ext.unit',
        split_part(known, ':', 1) || case when is_held then ':held' else ':free' end, true);
    return is_held;
end
$$;
comment on function stream_ext.regular_keeps_realtime_free() is
    'Whether a unit is running that cannot write to realtime.messages because another transaction keeps it locked: it goes on as on a day without a partition. If not, the unit holds the lock from now on.';

create function stream_ext.realtime_take_soon(may_wait boolean) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    -- After a wait there is none for a second.
    waits constant pg_catalog.bool := $1 and
        coalesce(substring(current_setting('stream_ext.held_at', true) from '^[0-9]{1,12}(?:[.][0-9]{1,9})?$')::numeric, 0)
            not between extract(epoch from clock_timestamp()) - 1 and extract(epoch from clock_timestamp());
begin
    if stream_ext.realtime_take_lock(waits) then
        return true;
    end if;
    if waits then
        perform set_config('stream_ext.held_at', extract(epoch from clock_timestamp())::text, false);
    end if;
    return false;
end
$$;
comment on function stream_ext.realtime_take_soon(boolean) is
    'As realtime_take_lock, for one who may wait now and then.';

create function stream_ext.realtime_take_lock(may_wait boolean) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
declare
    partition constant pg_catalog.regclass :=
        to_regclass('realtime.messages_' || to_char(clock_timestamp() at time zone 'UTC', 'YYYY_MM_DD'));
    missing constant pg_catalog.bool := to_regclass('realtime.messages') is null;
    -- By name a partition is locked by whoever has rights on it, and through its parent, with all others, by whoever has them on
    -- that alone, as role postgres of hosted Supabase has.
    is_open constant pg_catalog.bool := partition is null or has_table_privilege(partition, 'insert');
    mode constant pg_catalog.text := ' in row exclusive mode' || case when $1 then '' else ' nowait' end;
begin
    -- What is not there is nobody's to hold.
    if missing then
        return true;
    end if;
    execute 'lock table ' || case when is_open then 'only ' else '' end || 'realtime.messages' || mode;
    if partition is not null and is_open then
        execute format('lock table only %s', partition) || mode;
    end if;
    return true;
exception when lock_not_available then
    return false;
end
$$;
comment on function stream_ext.realtime_take_lock(boolean) is
    'Takes the locks that a broadcast of this moment needs, within a short time or only if they are free; false: another transaction keeps the table locked.';

create function stream_ext.regular_note_trouble(rule text, session_id uuid, state text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
#variable_conflict use_column
declare
    tried pg_catalog.int4;
    failure pg_catalog.text;
    raised_in pg_catalog.text;
begin
    begin
        -- 1 s after the first failure, twice as long after each further one, at most 5 minutes; for a rule that fails as a whole at
        -- most 8 s, since all streams wait for it and it fails once in that time.
        insert into stream.troubles as t (session_id, rule, sqlstate, since, attempts, next_attempt_at)
        values ($2, $1, $3, clock_timestamp(), 1, clock_timestamp() + interval '1 second')
        on conflict on constraint troubles_session_id_rule_key do update
        set sqlstate = excluded.sqlstate,
            attempts = t.attempts + 1,
            next_attempt_at = clock_timestamp()
                + least(case when t.session_id is null then 8 else 300 end, power(2, least(t.attempts, 10))) * interval '1 second'
        returning t.attempts into tried;
        if $1 = 'viewer_counts' and $2 is not null then
            perform stream_ext.regular_failed_viewer_counts($2);
        end if;
    exception when others or query_canceled or assert_failure then
        get stacked diagnostics failure = returned_sqlstate, raised_in = pg_exception_context;
        if stream_ext.error_is_cancel(failure, raised_in) then
            raise;
        end if;
        tried := null;
    end;
    if tried > 1 then
        return;
    end if;
    -- Without the error's text, which may quote rows.
    raise log 'pg_stream: the regular work % failed with SQLSTATE %; see stream.doctor()',
        $1 || case when $2 is null then '' else ' of stream ' || $2 end,
        $3 || case when tried is null then ', which could not be noted' else '' end;
end
$$;
comment on function stream_ext.regular_note_trouble(text, uuid, text) is
    'Records a failure of the regular work, of the rule as a whole where there is no session; a new failure is logged.';

create function stream_ext.regular_round(rules text[], batch integer, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return jsonb_build_object('written', '[]'::jsonb, 'rules', (
        select jsonb_agg(jsonb_build_object(
            'name', n.rule, 'limit', 64, 'rows_left', $2, 'failures', 0, 'failing_ms', 0, 'tallies', '{}'::jsonb, 'kept', $3,
            'is_on_trial', w.lies_ahead is not null,
            'is_over', coalesce(w.lies_ahead, false), 'is_given_up', coalesce(w.lies_ahead, false),
            'skipping', coalesce(s.ahead, '[]'), 'on_trial', coalesce(s.due, '[]')) order by n.place)
        from unnest($1) with ordinality as n (rule, place)
        left join lateral (
            -- No attempt is further ahead than the longest pause, unless the clock was set back: then it is due.
            select t.next_attempt_at > clock_timestamp() and t.next_attempt_at <= clock_timestamp() + interval '300 seconds' as lies_ahead
            from stream.troubles as t where t.rule = n.rule and t.session_id is null
        ) as w on true
        left join lateral (
            select jsonb_agg(t.session_id) filter (where t.lies_ahead) as ahead,
                jsonb_agg(t.session_id) filter (where not t.lies_ahead) as due
            from (
                select o.session_id, o.next_attempt_at > clock_timestamp()
                    and o.next_attempt_at <= clock_timestamp() + interval '300 seconds' as lies_ahead from stream.troubles as o
                where o.rule = n.rule and o.session_id is not null order by o.next_attempt_at desc limit 10000
            ) as t
        ) as s on true));
end
$$;
comment on function stream_ext.regular_round(text[], integer, jsonb) is
    'A round: rules that run one after the other, each handling at most so many rows, and what has failed before.';

create function stream_ext.regular_ids(value jsonb) returns uuid[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return array(select e.id::uuid from jsonb_array_elements_text($1) as e (id));
end
$$;
comment on function stream_ext.regular_ids(jsonb) is 'Ids of a JSON array.';

create function stream_ext.regular_add_tallies(known jsonb, more jsonb) returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if coalesce($2, '{}') = '{}' then
        return $1;
    end if;
    return $1 || (
        select jsonb_object_agg(m.key, jsonb_build_array(
            coalesce(($1 -> m.key ->> 0)::bigint, 0) + (m.value ->> 0)::bigint,
            greatest(($1 -> m.key ->> 1)::bigint, (m.value ->> 1)::bigint)))
        from jsonb_each($2) as m);
end
$$;
comment on function stream_ext.regular_add_tallies(jsonb, jsonb) is
    'Adds up handled rows by rule, [rows, for how many microseconds the oldest was due].';
