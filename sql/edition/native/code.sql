-- The version of the extension that the bodies call. Its files are installed with the server's; whoever owns the extension
-- updates it here, in the transaction in which the bodies that call it change.
do $$
begin
    -- A newer one serves older bodies too, until the migration of its own release replaces them.
    if (
        select string_to_array(e.extversion, '.')::integer[] < string_to_array('0.1.0', '.')::integer[]
        from pg_catalog.pg_extension as e where e.extname = 'pg_stream_ext'
    ) then
        alter extension pg_stream_ext update to '0.1.0';
    end if;
end
$$;
