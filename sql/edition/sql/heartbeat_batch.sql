-- Heartbeats of many devices in one call. Each is processed as a single one and gets the same result, token included. They wait for
-- nobody: a host's that would have to is refused with lock_timeout, and so is one of several about the same user and session that says
-- more than the last one of them, for which the row was written: Postgres checks the foreign keys of a row anew that the same
-- transaction has written before, and would wait out of the order of locks.
create function stream_ext.heartbeat_item(
    item json, out session_id uuid, out about uuid, out named uuid, out foreground boolean, out generation integer, out join_no integer,
    out token_expires_at timestamptz, out claims json, out refusal text
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    id pg_catalog.record;
    said pg_catalog.text;
begin
    if coalesce(json_typeof($1), 'null') <> 'object'
        or coalesce(json_typeof($1 -> 'foreground'), 'null') not in ('boolean', 'null')
        or coalesce(json_typeof($1 -> 'token_expires_at'), 'null') not in ('string', 'null')
        or coalesce(nullif(($1 -> 'generation')::text, 'null'), '0') !~ '^(0|-?[1-9][0-9]{0,9})$' collate "C"
        or coalesce(nullif(($1 -> 'join_no')::text, 'null'), '0') !~ '^(0|-?[1-9][0-9]{0,9})$' collate "C"
        or ($1 ->> 'generation')::bigint not between -2147483648 and 2147483647
        or ($1 ->> 'join_no')::bigint not between -2147483648 and 2147483647
        or stream_ext.batch_repeats($1, '{session_id,user_id,foreground,generation,join_no,token_expires_at,claims}')
    then
        refusal := 'invalid_argument';
        return;
    end if;
    foreground := $1 ->> 'foreground';
    generation := $1 ->> 'generation';
    join_no := $1 ->> 'join_no';
    claims := $1 -> 'claims';
    id := stream_ext.batch_uuid($1 -> 'session_id');
    session_id := id.id;
    if id.is_bad then
        refusal := 'invalid_argument';
        return;
    end if;
    id := stream_ext.batch_uuid($1 -> 'user_id');
    named := id.id;
    if id.is_bad then
        refusal := 'invalid_argument';
        return;
    end if;
    select u.user_id, u.refusal into about, refusal from stream_ext.batch_user(claims, named) as u;
    if refusal is not null then
        return;
    end if;
    said := $1 ->> 'token_expires_at';
    if said is not null then
        token_expires_at := stream_ext.heartbeat_time(said);
        if token_expires_at is null then
            refusal := 'invalid_argument';
        end if;
    end if;
    if refusal is null and session_id is null then
        refusal := 'invalid_argument';
    end if;
end
$$;
comment on function stream_ext.heartbeat_item(json) is 'One heartbeat of a batch, or the code of its refusal.';

create function stream_ext.heartbeat_time(said text) returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    at pg_catalog.timestamptz;
begin
    -- What clients send needs no subtransaction.
    if $1 ~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?(Z|[+-]0[0-9](:[0-5][0-9])?)$' collate "C"
        and $1 !~ '^0000' collate "C"
    then
        return $1;
    end if;
    begin
        -- A text that is returned would be read behind the block.
        at := $1;
    exception
        when others then
            return null;
    end;
    return at;
end
$$;
comment on function stream_ext.heartbeat_time(text) is 'Reads a time as a cast does; null for another text.';

create function stream_ext.heartbeat_note(
    written jsonb, pair text, foreground boolean, code text, result stream.heartbeat_result, is_written boolean
)
returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if $1 ? $2 then
        return case when $3 is not null and ($4 is null or $4 = 'lock_timeout') and ($5).status is distinct from 'superseded'
            then $1 || jsonb_build_object($2, true) else $1 end;
    end if;
    -- A lease may be prolonged before the end of its stream is seen.
    return case when $6 or $4 = 'stream_ended' then $1 || jsonb_build_object($2, $3 is not null) else $1 end;
end
$$;
comment on function stream_ext.heartbeat_note(jsonb, text, boolean, text, stream.heartbeat_result, boolean) is
    'Notes what came of an item: by session and user, whether a later item than the next one said where the app is.';

create function stream_ext.heartbeat_answer(
    session_id uuid, about uuid, foreground boolean, generation integer, join_no integer, token_expires_at timestamptz, claims json,
    refusal text, own_claims text, written jsonb, out code text, out result stream.heartbeat_result, out now_written jsonb
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    pair constant pg_catalog.text := $1 || ' ' || $2;
    processed pg_catalog.record;
begin
    now_written := $10;
    code := $8;
    if code is not null then
        return;
    end if;
    -- Hooks of the application look there.
    perform set_config('request.jwt.claims', coalesce($7::text, $9), true);
    select p.code, p.result, p.is_written into processed
    from stream_ext.heartbeat_process(
        case when $7 is null then null else $2 end, $1, $2, $3, $4, $5, $6, false, $10 ? pair,
        coalesce(($10 ->> pair)::boolean, false)) as p;
    code := processed.code;
    result := processed.result;
    now_written := stream_ext.heartbeat_note($10, pair, $3, code, result, processed.is_written);
end
$$;
comment on function stream_ext.heartbeat_answer(
    uuid, uuid, boolean, integer, integer, timestamptz, json, text, text, jsonb
) is
    'Processes an item of heartbeat_item, behind those that this call has written.';

create function stream_ext.heartbeat_claims() returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(current_setting('request.jwt.claims', true), '');
end
$$;
comment on function stream_ext.heartbeat_claims() is 'The service''s own claims, which are in force between items.';

create function stream_ext.heartbeat_answers(items json[], places integer[])
returns setof stream.batched_heartbeat
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    own_claims constant pg_catalog.text := stream_ext.heartbeat_claims();
    place pg_catalog.int4;
    item pg_catalog.record;
    answer pg_catalog.record;
    -- By a part of the pairs' hashes, so that a long batch copies little.
    written pg_catalog.jsonb[] := array_fill('{}'::jsonb, array[1024]);
    part pg_catalog.int4;
begin
    foreach place in array $2 loop
        select i.* into item from stream_ext.heartbeat_item($1[place]) as i;
        part := coalesce(hashtext(item.session_id || ' ' || item.about) & 1023, 0) + 1;
        answer := stream_ext.heartbeat_answer(
            item.session_id, item.about, item.foreground, item.generation, item.join_no, item.token_expires_at, item.claims,
            item.refusal, own_claims, written[part]);
        written[part] := answer.now_written;
        return next row(place, coalesce(answer.code, 'ok'), answer.result)::stream.batched_heartbeat;
    end loop;
    perform set_config('request.jwt.claims', own_claims, true);
end
$$;
comment on function stream_ext.heartbeat_answers(json[], integer[]) is 'Processes items in the order of these places.';

create function stream_ext.heartbeat_one_by_one(items json[], places integer[]) returns setof stream.batched_heartbeat
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    own_claims constant pg_catalog.text := stream_ext.heartbeat_claims();
    place pg_catalog.int4;
    item pg_catalog.record;
    answer pg_catalog.record;
    -- By a part of the pairs' hashes, so that a long batch copies little.
    written pg_catalog.jsonb[] := array_fill('{}'::jsonb, array[1024]);
    part pg_catalog.int4;
    state pg_catalog.text;
    said pg_catalog.text;
    detail pg_catalog.text;
    raised_in pg_catalog.text;
begin
    foreach place in array $2 loop
        select i.* into item from stream_ext.heartbeat_item($1[place]) as i;
        part := coalesce(hashtext(item.session_id || ' ' || item.about) & 1023, 0) + 1;
        begin
            answer := stream_ext.heartbeat_answer(
                item.session_id, item.about, item.foreground, item.generation, item.join_no, item.token_expires_at, item.claims,
                item.refusal, own_claims, written[part]);
            perform set_config('request.jwt.claims', own_claims, true);
            written[part] := answer.now_written;
            return next row(place, coalesce(answer.code, 'ok'), answer.result)::stream.batched_heartbeat;
        exception
            when others or query_canceled or assert_failure then
                get stacked diagnostics state = returned_sqlstate, said = message_text, detail = pg_exception_detail,
                    raised_in = pg_exception_context;
                if stream_ext.error_is_cancel(state, raised_in) then
                    raise;
                end if;
                written[part] := stream_ext.heartbeat_note(
                    written[part], item.session_id || ' ' || item.about, item.foreground, null, null, false);
                return next row(
                    place, (stream_ext.batch_fault('heartbeats', state, said, detail, raised_in)).code, null)::stream.batched_heartbeat;
        end;
    end loop;
end
$$;
comment on function stream_ext.heartbeat_one_by_one(json[], integer[]) is
    'Processes each item in a subtransaction of its own, so that a fault costs that item alone.';

create function stream_ext.heartbeat_all(items json[], places integer[]) returns stream.batched_heartbeat[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    state pg_catalog.text;
    raised_in pg_catalog.text;
begin
    return array(select a from stream_ext.heartbeat_answers($1, $2) as a);
exception
    -- One subtransaction for each item at once would spend a transaction id on each.
    when others or query_canceled or assert_failure then
        get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
        if stream_ext.error_is_cancel(state, raised_in) then
            raise;
        end if;
        return array(select a from stream_ext.heartbeat_one_by_one($1, $2) as a);
end
$$;
comment on function stream_ext.heartbeat_all(json[], integer[]) is
    'Processes everything in one subtransaction, and after a fault every item in one of its own.';

create function stream_ext.heartbeats(items text, row_type anyelement) returns setof anyelement
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    given pg_catalog.json[];
    places pg_catalog.int4[];
    answers stream.batched_heartbeat[];
begin
    perform stream_ext.batch_admit();
    given := stream_ext.batch_items($1);
    perform stream_ext.heartbeat_skip_disk();
    given := array(
        select stream_ext.batch_readable(g.item) from unnest(given) with ordinality as g (item, place) order by g.place);
    -- The sessions by ascending id, and the items of each from the last to the first.
    places := array(
        select g.place from unnest(given) with ordinality as g (item, place)
        order by (stream_ext.batch_uuid(case when json_typeof(g.item) = 'object' then g.item -> 'session_id' end)).id nulls first,
            g.place desc);
    answers := stream_ext.heartbeat_all(given, places);
    if not stream_ext.log_is_ticker_alive(clock_timestamp()) then
        perform stream_ext.log_flush_without_ticker(array(
            select distinct (a.heartbeat).session_id from unnest(answers) as a where a.status = 'ok' order by 1));
    end if;
    return query select a.* from unnest(answers) as a order by a.item;
end
$$;
comment on function stream_ext.heartbeats(text, anyelement) is
    'Heartbeats of many devices; items is the text of a JSON array. One row for each item, in order: ok and the result, or the code of the refusal.';
