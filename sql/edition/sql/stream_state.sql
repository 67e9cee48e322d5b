-- Reading the state of a stream, and state changes on request of the seller or the service. Each change is logged and broadcast
-- to every viewer, so a seller has a rate. Ending has none: it must always be possible.
create function stream_ext.get_stream_state(session_id uuid) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_read();
    found_stream pg_catalog.record;
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    select s.state, stream_private.can_view(caller, s.id, s.seller_id) as can_view into found_stream
    from stream.stream_sessions as s where s.id = $1;
    if not found then
        perform stream_ext.refuse('session_not_found');
    end if;
    if not found_stream.can_view then
        perform stream_ext.refuse('cannot_view');
    end if;
    return found_stream.state;
end
$$;
comment on function stream_ext.get_stream_state(uuid) is 'The state of a stream, for whoever may view it.';

create function stream_ext.authorize_view(session_id uuid) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    perform stream_ext.get_stream_state($1);
end
$$;
comment on function stream_ext.authorize_view(uuid) is 'Raises unless the caller may view the session.';

create function stream_ext.change_state(session_id uuid, state text, reason text, generation integer) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_write();
    session pg_catalog.record;
    changes pg_catalog.bool;
    moves_us pg_catalog.int8;
    moves_tat pg_catalog.timestamptz;
begin
    if $1 is null or $2 is null then
        perform stream_ext.error_null(case when $1 is null then 'session_id' else 'state' end);
    end if;
    if $2 not in ('initializing', 'active', 'paused', 'ended', 'error') then
        perform stream_ext.refuse_with_hint('invalid_argument', 'state is one of initializing, active, paused, ended, error');
    end if;
    perform stream_private.check_reason($3);
    perform stream_ext.gate_close($1);
    select s.state, s.seller_id, s.generation, s.state_moves_tat,
        (select c.state_moves_per_minute from stream.config as c) as moves_per_minute
    into session
    from stream.stream_sessions as s where s.id = $1 for no key update;
    if not found then
        perform stream_ext.refuse('session_not_found');
    end if;
    if caller <> session.seller_id then
        perform stream_ext.refuse('not_stream_owner');
    end if;
    if $4 <> session.generation then
        perform stream_ext.refuse('stale_host');
    end if;
    select t.changes into changes from stream_private.state_transitions as t
    where t.from_state = session.state and t.to_state = $2;
    if not found then
        if session.state = 'ended' then
            perform stream_ext.refuse('stream_ended');
        end if;
        perform stream_ext.refuse_with_hint(
            'illegal_transition', format('a stream does not go from %s to %s', session.state, $2));
    end if;
    if not changes then
        return;
    end if;
    -- Leaving initializing does not count: every way back to it counts.
    if caller is not null and session.state <> 'initializing' and $2 <> 'ended' then
        moves_us := stream_ext.rate_minute_us(session.moves_per_minute);
        moves_tat := stream_ext.rate_take(moves_us, 60000000 - moves_us, session.state_moves_tat);
    end if;
    perform stream_ext.stream_move($1, session.state, $2, $3, session.generation, moves_tat);
end
$$;
comment on function stream_ext.change_state(uuid, text, text, integer) is 'Moves a stream to a state, on request of its seller or the service.';
