-- Request ids make a call that changes something safe to send again. The generated body of every operation that
-- takes one calls these three, and nothing when it is null.
create function stream_private.enter_request() returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- First: above READ COMMITTED the insertion of the request could raise 40001.
    return coalesce(stream_ext.enter_to_write(), '00000000-0000-0000-0000-000000000000');
end
$$;
comment on function stream_private.enter_request() is
    'Who calls, as requests note it: the user, or the nil uuid for the service.';

create function stream_private.first_result(caller uuid, request_id uuid, operation text, arguments text) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    hash pg_catalog.text := encode(sha256(convert_to($4, 'UTF8')), 'hex');
    earlier pg_catalog.record;
begin
    loop
        insert into stream.requests as r (caller, request_id, operation, arguments_hash)
        values ($1, $2, $3, hash)
        on conflict on constraint requests_caller_request_id_key do nothing;
        if found then
            return null;
        end if;
        select r.operation, r.arguments_hash, r.result into earlier
        from stream.requests as r
        where r.caller = $1 and r.request_id = $2;
        -- Otherwise the sweep has taken it meanwhile.
        exit when found;
    end loop;
    if (earlier.operation, earlier.arguments_hash) <> ($3, hash) then
        perform stream_ext.refuse('request_id_conflict');
    end if;
    return earlier.result;
end
$$;
comment on function stream_private.first_result(uuid, uuid, text, text) is
    'What the caller''s first call with this id returned; null for the first one, which now holds the id. Waits for one that runs.';

create function stream_private.keep_result(caller uuid, request_id uuid, result jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update stream.requests as r
    set result = $3,
        about = case when jsonb_typeof($3) = 'object' then coalesce($3 ->> 'seller_id', $3 ->> 'user_id')::uuid end
    where r.caller = $1 and r.request_id = $2;
end
$$;
comment on function stream_private.keep_result(uuid, uuid, jsonb) is 'Keeps what the first call with this id returned.';
