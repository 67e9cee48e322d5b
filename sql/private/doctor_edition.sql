-- The check of doctor() about the edition of schema stream_ext, and what stands in for native code.
create function stream_private.is_native() returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (select from pg_catalog.pg_extension as e where e.extname = 'pg_stream_ext');
end
$$;
comment on function stream_private.is_native() is 'Whether schema stream_ext is that of the extension; otherwise its functions are in SQL.';

create function stream_private.check_edition() returns stream.check_result
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return row(
        'edition',
        'ok',
        case when stream_private.is_native()
            then 'native: extension pg_stream_ext ' || (
                select e.extversion from pg_catalog.pg_extension as e where e.extname = 'pg_stream_ext')
            else 'sql: edge_api or pg_cron ticks in the place of the background worker; Vault alone holds the certificates, no file of '
                || 'the server; an advisory lock is the gate between joins and changes of a stream, so that whoever holds it delays '
                || 'them by 100 ms; errors of Postgres reach callers with Postgres''s own words' end
    )::stream.check_result;
end
$$;
comment on function stream_private.check_edition() is 'The check edition of doctor().';
