-- How the functions behind the boundary plan their statements.
-- Every statement there finds a few rows by key, so one plan serves all calls; Postgres would otherwise weigh a new plan
-- at each call where it supposes arrays to be long, or compile for hundreds of milliseconds because stream.config and
-- other small tables are never analysed and look large (measured: send_message took 860 microseconds of processor time
-- replanned, 460 milliseconds when compiled, and 150 so).
do $$
declare
    inner_half regprocedure;
begin
    for inner_half in
        select p.oid::regprocedure from pg_catalog.pg_proc as p
        where p.pronamespace = 'stream_private'::regnamespace and p.prosecdef
    loop
        execute format('alter function %s set jit = off', inner_half);
        execute format('alter function %s set plan_cache_mode = force_generic_plan', inner_half);
    end loop;
end
$$;
