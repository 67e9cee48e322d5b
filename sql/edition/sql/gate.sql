-- The gate of a session: a queue in which changes of a stream and joins of viewers take turns.
-- Joins share the session's row lock, and Postgres grants it to one more sharer although another transaction waits to change the
-- row; heavyweight locks are granted in the order of the requests. Every wait at the gate ends after 100 ms and goes on to the
-- session's row, so a transaction that stays open delays others and never stops them.
create function stream_ext.gate_key(session_id uuid) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    digits constant pg_catalog.text := replace($1::text, '-', '');
begin
    return ('x' || left(digits, 16))::bit(64)::bigint # ('x' || right(digits, 16))::bit(64)::bigint;
end
$$;
comment on function stream_ext.gate_key(uuid) is
    'The number of a session''s advisory lock: 64 bits folded from the id. Two sessions with the same number would only share one gate.';

create function stream_ext.enter_gate(session_id uuid, alone boolean) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if $1 is null or $2 is null then
        perform stream_ext.error_null(case when $1 is null then 'session_id' else 'alone' end);
    end if;
    if $2 then
        perform pg_advisory_xact_lock(stream_ext.gate_key($1));
    else
        perform pg_advisory_xact_lock_shared(stream_ext.gate_key($1));
    end if;
end
$$;
comment on function stream_ext.enter_gate(uuid, boolean) is
    'Waits at the gate, for stream_private.wait_at_gate, which limits the wait and rolls it back when it fails.';

create function stream_ext.gate_pass(session_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if not pg_try_advisory_xact_lock_shared(stream_ext.gate_key($1)) then
        perform stream_private.wait_at_gate($1, false);
    end if;
end
$$;
comment on function stream_ext.gate_pass(uuid) is 'Passes the gate together with other joins, after the requests to close it.';

create function stream_ext.gate_close_if_free(session_id uuid) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform from stream.stream_sessions as s where s.id = $1 for no key update skip locked;
    return found or not exists (select from stream.stream_sessions as s where s.id = $1);
end
$$;
comment on function stream_ext.gate_close_if_free(uuid) is
    'Locks the session''s row if nobody holds it; waits for nobody. Whether it is locked or there is none. Who holds the row needs no gate.';

create function stream_ext.gate_close_soon(session_id uuid) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- The row may be free after the wait even if the gate is not.
    return stream_ext.gate_close_if_free($1) or stream_private.wait_at_gate($1, true) or stream_ext.gate_close_if_free($1);
end
$$;
comment on function stream_ext.gate_close_soon(uuid) is
    'Closes the gate in one round, 200 ms at most; whether the row is locked or there is none.';

create function stream_ext.gate_close(session_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    begun_at constant pg_catalog.timestamptz := clock_timestamp();
    -- The caller's own, which the rounds override.
    limit_ms pg_catalog.int8;
    round pg_catalog.int4;
begin
    if stream_ext.gate_close_if_free($1) then
        return;
    end if;
    limit_ms := extract(epoch from current_setting('lock_timeout')::interval) * 1000;
    loop
        for round in 1..10 loop
            if stream_ext.gate_close_soon($1) then
                return;
            end if;
            if limit_ms > 0 and clock_timestamp() >= begun_at + limit_ms * interval '1 millisecond' then
                perform stream_ext.refuse('lock_timeout');
            end if;
        end loop;
        -- The rounds are too short for Postgres to detect a deadlock.
        if stream_private.wait_for_session($1) then
            return;
        end if;
        if limit_ms > 0 and clock_timestamp() >= begun_at + limit_ms * interval '1 millisecond' then
            perform stream_ext.refuse('lock_timeout');
        end if;
    end loop;
end
$$;
comment on function stream_ext.gate_close(uuid) is
    'Locks the session''s row FOR NO KEY UPDATE until the transaction ends, in turn with joins. Locks no row when there is no such session.';
