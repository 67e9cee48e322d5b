-- The time that a viewer has watched.
create function stream_ext.viewer_watched_ms(joined_at timestamptz, until timestamptz) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return greatest(0, (extract(epoch from $2 - $1) * 1000)::bigint);
end
$$;
comment on function stream_ext.viewer_watched_ms(timestamptz, timestamptz) is
    'Milliseconds that a viewer has watched in the present lease, up to a moment.';
