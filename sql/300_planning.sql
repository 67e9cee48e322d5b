-- How the functions behind the boundary plan their statements.
-- Every statement finds a few rows by key and is run often, so compiling it never pays. Postgres would compile where it
-- supposes many rows: stream.config and other small tables are never analysed and look large (measured: one
-- send_message took 460 milliseconds when compiled).
-- A table that is short when a statement is planned would be read whole, or all of one session, in every call of that
-- connection and also when the table has grown since (measured with a plan of 100 messages: a batch of 64 took ten
-- times as long after 5,000; and even at a hundred streams, reading them all is 7 % of a send).
do $$
declare
    inner_half regprocedure;
begin
    for inner_half in
        select p.oid::regprocedure from pg_catalog.pg_proc as p
        where p.pronamespace = 'stream_private'::regnamespace and p.prosecdef
    loop
        execute format('alter function %s set jit = off', inner_half);
        execute format('alter function %s set enable_seqscan = off', inner_half);
        execute format('alter function %s set enable_bitmapscan = off', inner_half);
    end loop;
end
$$;

-- These pass arrays of users, which look longer to a general plan than they are, so that Postgres would plan anew at
-- every call (measured: 860 microseconds of processor time for a send, instead of less than half). Not the sweep: its
-- plans depend on how large the batch is.
alter function stream_private.send_message(uuid, uuid, text, uuid) set plan_cache_mode = force_generic_plan;
alter function stream_private.send_messages(json) set plan_cache_mode = force_generic_plan;

-- user_id() is asked by policies and plans nothing. A buyer's token finds its rows by key without a statement, so it need not set and reset what it never plans with. The
-- one statement that is left reads the certificate from the Vault.
do $$
declare
    setting text;
begin
    foreach setting in array array['jit', 'enable_seqscan', 'enable_bitmapscan'] loop
        execute format('alter function stream_private.generate_buyer_token(uuid, text) reset %I', setting);
        execute format('alter function stream_private.user_id() reset %I', setting);
    end loop;
end
$$;
