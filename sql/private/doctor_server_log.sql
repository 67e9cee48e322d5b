-- The check of doctor() about what gets into the server's log.
create function stream_private.check_server_log() returns stream.check_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    is_preloaded pg_catalog.bool := stream_ext.is_preloaded();
begin
    return row(
        'server_log',
        case when is_preloaded then 'ok' else 'warning' end,
        case
            when is_preloaded then 'pg_stream_ext is preloaded: nothing that a caller sent gets into the log'
            when not stream_private.is_native() then 'the SQL edition cannot keep refusals out of the log, nor some fifty bytes of an '
                || 'argument that Postgres cannot read'
            else 'pg_stream_ext is not preloaded: the first request of a connection can leave some fifty bytes of an argument that '
                || 'Postgres cannot read in the log. Add it to session_preload_libraries or shared_preload_libraries' end
    )::stream.check_result;
end
$$;
comment on function stream_private.check_server_log() is 'The check server_log of doctor().';
