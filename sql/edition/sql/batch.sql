-- Batches of the service: reading a JSON array whose malformed items are refused one by one, and the callers for whom the items
-- are. Every item is validated, and none is tried in a subtransaction of its own.

create function stream_ext.batch_admit() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if stream_ext.enter_to_write() is not null then
        perform stream_ext.refuse('forbidden');
    end if;
    if current_setting('transaction_read_only')::boolean or pg_is_in_recovery() then
        perform stream_ext.refuse('read_only');
    end if;
end
$$;
comment on function stream_ext.batch_admit() is
    'Admits the service alone, because the items name their users, and refuses all of them where nothing may be written.';

create function stream_ext.batch_items(items text) returns json[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    most constant pg_catalog.int8 := (select l.most from stream_private.limits as l where l.name = 'batch_items');
    read pg_catalog.json[];
begin
    if $1 is null then
        perform stream_ext.error_null('items');
    end if;
    if json_typeof($1::json) <> 'array' then
        perform stream_ext.refuse_with_hint('invalid_argument', 'items is an array');
    end if;
    read := array(select e.value from json_array_elements($1::json) with ordinality as e (value, place) order by e.place);
    if cardinality(read) > most then
        perform stream_ext.refuse_with_hint('invalid_argument', format('at most %s items in one call', most));
    end if;
    return read;
end
$$;
comment on function stream_ext.batch_items(text) is 'The items, in their order.';

create function stream_ext.batch_uuid(value json, out id uuid, out is_bad boolean)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    said pg_catalog.text;
begin
    is_bad := false;
    if $1 is null or json_typeof($1) = 'null' then
        return;
    end if;
    said := case when json_typeof($1) = 'string' then lower(($1 #>> '{}') collate "C") else '' end;
    if said !~ '^([0-9a-f]{32}|([{]|urn:uuid:)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}[}]?)$' collate "C"
        or (said like '{%') <> (said like '%}')
    then
        is_bad := true;
        return;
    end if;
    id := replace(said, 'urn:uuid:', '');
end
$$;
comment on function stream_ext.batch_uuid(json) is 'The uuid of a member, null where there is none; is_bad where it is something else.';

create function stream_ext.batch_storable(item text) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    escape pg_catalog.text;
    high pg_catalog.text;
    pieces pg_catalog.text[] := '{}';
begin
    -- As json_can_be_stored reads it.
    for escape in
        select m[1] from regexp_matches($1 collate "C", e'(\\\\u[0-9A-Fa-f]{4}|\\\\.|[^\\\\]+)', 'g') as m
    loop
        if escape ~ e'^\\\\u[dD][c-fC-F]..$' collate "C" then
            escape := case when high is null then e'\\uffff' else high || escape end;
            high := null;
        elsif high is not null then
            pieces := pieces || e'\\uffff'::text;
            high := null;
        end if;
        if escape ~ e'^\\\\u[dD][89abAB]..$' collate "C" then
            high := escape;
        else
            pieces := pieces || case when escape = e'\\u0000' then e'\\u0001' else escape end;
        end if;
    end loop;
    return array_to_string(pieces, '') || case when high is null then '' else e'\\uffff' end;
end
$$;
comment on function stream_ext.batch_storable(text) is
    'A JSON text with U+0001 for the escape of the zero character, and U+FFFF for half of a surrogate pair.';

create function stream_ext.batch_readable(item json) returns json
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if strpos($1::text, e'\\u') = 0 or stream_ext.json_can_be_stored($1::text) then
        return $1;
    end if;
    return stream_ext.batch_storable($1::text);
end
$$;
comment on function stream_ext.batch_readable(json) is
    'An item whose texts can be read: with other characters, which none of ours may hold, for escapes that Postgres cannot read.';

create function stream_ext.batch_is_halved(item json, readable json, field text) returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return strpos($1::text, e'\\u') > 0 and $1::text <> $2::text and strpos($2 ->> $3, chr(65535)) > 0;
end
$$;
comment on function stream_ext.batch_is_halved(json, json, text) is 'Whether a field of an item held half of a surrogate pair before it was made readable.';

create function stream_ext.batch_repeats(item json, fields text[]) returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (select from json_object_keys($1) as k (name) where k.name = any ($2) group by k.name having count(*) > 1);
end
$$;
comment on function stream_ext.batch_repeats(json, text[]) is 'Whether an object names one of these fields twice.';

create function stream_ext.batch_claims(claims json, out user_id uuid, out is_anonymous boolean, out refusal text)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    sub pg_catalog.record;
begin
    is_anonymous := false;
    if json_typeof($1) <> 'object'
        or coalesce(json_typeof($1 -> 'sub'), 'null') not in ('string', 'null')
        or coalesce(json_typeof($1 -> 'is_anonymous'), 'boolean') <> 'boolean'
        or stream_ext.batch_repeats($1, '{sub,is_anonymous}')
    then
        refusal := 'token_invalid';
        return;
    end if;
    is_anonymous := coalesce(($1 ->> 'is_anonymous')::boolean, false);
    if coalesce($1 ->> 'sub', '') <> '' then
        sub := stream_ext.batch_uuid($1 -> 'sub');
        if sub.is_bad then
            refusal := 'token_invalid';
            return;
        end if;
        user_id := sub.id;
    end if;
    -- As a call of their own would be judged, role included.
    if user_id is null or json_typeof($1 -> 'role') is distinct from 'string' or $1 ->> 'role' <> 'authenticated'
        or stream_ext.batch_repeats($1, '{role}')
    then
        refusal := 'unauthenticated';
    end if;
end
$$;
comment on function stream_ext.batch_claims(json) is
    'The user of the claims that come with an item, judged as those of a call of their own; or the code of the refusal.';

create function stream_ext.batch_user(claims json, named uuid, out user_id uuid, out is_anonymous boolean, out refusal text)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    is_anonymous := false;
    if $1 is null then
        user_id := $2;
        refusal := case when $2 is null then 'invalid_argument' end;
        return;
    end if;
    select c.user_id, c.is_anonymous, c.refusal into $3, $4, $5 from stream_ext.batch_claims($1) as c;
    if refusal is null and $2 <> user_id then
        refusal := 'not_self';
    end if;
end
$$;
comment on function stream_ext.batch_user(json, uuid) is
    'The user for whom an item is, with claims that user alone; or the code of the refusal. claims null: the service names one.';

create function stream_ext.batch_fault(
    operation text, state text, message text, detail text, context text, out code text, out retry_after_ms bigint
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    said pg_catalog.json;
begin
    -- Of whoever misses a right only what the application raises itself is a refusal of the caller.
    select e.code into $6 from stream_private.error_catalogue as e
    where e.sqlstate = $2 and $2 not like 'PT%' and ($2 <> '42501' or stream_ext.error_is_raised($5));
    -- A refusal of the catalogue that a hook passes on is that refusal.
    if code is null and $4 like '{%' and stream_ext.caller_is_claims($4) then
        said := $4::json;
        select e.code, case when said ->> 'retry_after_ms' ~ '^[0-9]{1,18}$' then (said ->> 'retry_after_ms')::bigint end into $6, $7
        from stream_private.error_catalogue as e where e.code = said ->> 'code' and e.sqlstate = $2;
    end if;
    $6 := coalesce($6, 'internal');
    -- Never with the detail, which quotes rows; of a bad value, which message and context quote, up to the value and the functions.
    raise log e'an item of % failed alone with %, the others of the batch went on: % %\n%', $1, $6, $2,
        case when $2 like '22%' then split_part($3, '"', 1) else $3 end,
        case when $2 like '22%' then array_to_string(array(
            select l.line from string_to_table($5, e'\n') as l (line) where l.line like 'PL/pgSQL function %'), e'\n') else $5 end;
end
$$;
comment on function stream_ext.batch_fault(text, text, text, text, text) is
    'What a caller is told of an item that failed alone; the server''s log is told why.';
