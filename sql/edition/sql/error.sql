-- Refusals: errors of the catalogue, with its SQLSTATE, sentence, DETAIL and HINT.
create function stream_ext.error_raise(code text, hint text, retry_after_ms bigint) returns void
language plpgsql volatile parallel restricted
set search_path = pg_catalog, pg_temp
as $$
declare
    known pg_catalog.record;
    inside pg_catalog.text;
begin
    select e.code, e.category, e.sqlstate, e.recoverable, e.message, e.hint
    into known
    from stream_private.error_catalogue as e where e.code = $1;
    inside := case
        when not found then 'no such error code'
        -- Raising one is a fault of ours, and PostgREST drops its connections at a 503.
        when known.sqlstate is null then 'that error code belongs to the edge'
        when $1 = 'internal' then coalesce($2, 'no reason was given')
        end;
    if inside is not null then
        -- For the operator: a caller reads the catalogue's sentence alone.
        raise log 'pg_stream failed inside: %', inside;
        select e.code, e.category, e.sqlstate, e.recoverable, e.message, e.hint
        into known
        from stream_private.error_catalogue as e where e.code = 'internal';
    end if;
    raise exception using
        errcode = known.sqlstate,
        message = known.message,
        detail = format('{"code":"%s","category":"%s","recoverable":%s', known.code, known.category, known.recoverable::text)
            || case when $3 is not null and inside is null then format(',"retry_after_ms":%s', $3) else '' end || '}',
        hint = case when inside is null then coalesce($2, known.hint) else known.hint end;
end
$$;
comment on function stream_ext.error_raise(text, text, bigint) is
    'Raises an error of the catalogue. hint replaces the catalogue''s with a more exact one; that of an internal error goes to the server''s log.';

create function stream_ext.refuse(code text) returns void
language plpgsql volatile strict parallel restricted
set search_path = pg_catalog, pg_temp
as $$
begin
    perform stream_ext.error_raise($1, null, null);
end
$$;
comment on function stream_ext.refuse(text) is 'Raises an error of the catalogue.';

create function stream_ext.refuse_with_hint(code text, hint text) returns void
language plpgsql volatile strict parallel restricted
set search_path = pg_catalog, pg_temp
as $$
begin
    perform stream_ext.error_raise($1, $2, null);
end
$$;
comment on function stream_ext.refuse_with_hint(text, text) is 'Raises an error of the catalogue with a more exact hint.';

create function stream_ext.error_retry_after(code text, retry_after_ms bigint) returns void
language plpgsql volatile parallel restricted
set search_path = pg_catalog, pg_temp
as $$
begin
    perform stream_ext.error_raise($1, null, $2);
end
$$;
comment on function stream_ext.error_retry_after(text, bigint) is
    'Refuses a call that may succeed when it is repeated after a wait.';

create function stream_ext.error_null(argument text) returns void
language plpgsql volatile parallel restricted
set search_path = pg_catalog, pg_temp
as $$
begin
    perform stream_ext.error_raise('invalid_argument', $1 || ' must not be null', null);
end
$$;
comment on function stream_ext.error_null(text) is 'Refuses a null argument, by its name.';

create function stream_ext.error_internal(what text) returns void
language plpgsql volatile parallel restricted
set search_path = pg_catalog, pg_temp
as $$
begin
    perform stream_ext.error_raise('internal', $1, null);
end
$$;
comment on function stream_ext.error_internal(text) is 'Raises an internal error; what went wrong is written to the server''s log alone.';

create function stream_ext.error_is_raised(raised_in text) returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- The line is in the server's language, and not every language ends it with the statement. In a quoted name it is no statement.
    return split_part($1, e'\n', 1) ~ '(^|[^A-Za-z0-9_"])RAISE([^A-Za-z0-9_"]|$)' collate "C";
end
$$;
comment on function stream_ext.error_is_raised(text) is 'Whether a function of PL/pgSQL raised a caught error itself, by the error''s context.';

create function stream_ext.error_is_cancel(state text, context text) returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- The state does not tell: a trigger or hook of the application can raise the same, which is its own failure, and so can a foreign
    -- server that cancels its own statement. Neither does the message, which is in the server's language and anybody's to repeat.
    return $1 = '57014' and not stream_ext.error_is_raised($2) and split_part($2, e'\n', 1) !~ '^remote SQL command: ';
end
$$;
comment on function stream_ext.error_is_cancel(text, text) is
    'Whether Postgres raised a caught error for a cancel, which is the caller''s and is raised again, by the error''s context.';
