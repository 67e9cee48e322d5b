-- Lifecycle: starting, moving and reading a stream session.
create function stream_private.session(session_id uuid)
returns stream.session
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select row(
        s.id, s.seller_id, s.auction_id, s.channel_id, s.state, s.state_reason, s.generation, s.generation,
        s.viewer_count, s.peak_viewer_count, s.created_at, s.started_at, s.ended_at, s.state_changed_at,
        s.reconnect_deadline, s.chat_mode, s.slow_mode_ms, s.pinned_seq, s.metadata
    )::stream.session
    from stream.stream_sessions as s
    where s.id = $1
$$;
comment on function stream_private.session(uuid) is 'A session as callers see it; for the functions of this schema only.';
revoke all on function stream_private.session(uuid) from public, anon, authenticated, service_role;

create function stream_private.start_stream(auction_id uuid, seller_id uuid, reconnect_window_s integer)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    started pg_catalog.uuid := stream_ext.start_stream($1, $2, $3);
begin
    -- A statement of its own: it must see the new row.
    return stream_private.session(started);
end
$$;

create function stream.start_stream(
    auction_id uuid,
    seller_id uuid default null,
    reconnect_window_s integer default null
)
returns stream.session
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.start_stream($1, $2, $3);
end
$$;
comment on function stream.start_stream(uuid, uuid, integer) is
    'Starts a stream of an auction, state initializing. By the same seller while one is live: takes it over, '
    'generation + 1. seller_id null: the caller. reconnect_window_s: seconds that a lost host has to return, 0 to '
    '1800; null: the configured one.';

revoke all on function stream_private.start_stream(uuid, uuid, integer), stream.start_stream(uuid, uuid, integer)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.start_stream(uuid, uuid, integer), stream.start_stream(uuid, uuid, integer)
    to authenticated, service_role;

create function stream_private.update_stream_state(session_id uuid, state text, reason text, generation integer)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform stream_ext.change_state($1, $2, $3, $4);
    return stream_private.session($1);
end
$$;

create function stream.update_stream_state(
    session_id uuid,
    state text,
    reason text default null,
    generation integer default null
)
returns stream.session
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.update_stream_state($1, $2, $3, $4);
end
$$;
comment on function stream.update_stream_state(uuid, text, text, integer) is
    'Moves a stream to a state (initializing, active, paused, ended, error). The same state again '
    'succeeds without an event. Seller and service only.';

revoke all on function stream_private.update_stream_state(uuid, text, text, integer),
    stream.update_stream_state(uuid, text, text, integer)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.update_stream_state(uuid, text, text, integer),
    stream.update_stream_state(uuid, text, text, integer)
    to authenticated, service_role;

create function stream_private.pause_stream(session_id uuid, generation integer, reason text)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform stream_ext.change_state($1, 'paused', $3, $2);
    return stream_private.session($1);
end
$$;

create function stream.pause_stream(session_id uuid, generation integer default null, reason text default null)
returns stream.session
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.pause_stream($1, $2, $3);
end
$$;
comment on function stream.pause_stream(uuid, integer, text) is
    'Pauses a stream. Seller and service only.';

revoke all on function stream_private.pause_stream(uuid, integer, text), stream.pause_stream(uuid, integer, text)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.pause_stream(uuid, integer, text), stream.pause_stream(uuid, integer, text)
    to authenticated, service_role;

create function stream_private.resume_stream(session_id uuid, generation integer, reason text)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform stream_ext.change_state($1, 'active', $3, $2);
    return stream_private.session($1);
end
$$;

create function stream.resume_stream(session_id uuid, generation integer default null, reason text default null)
returns stream.session
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.resume_stream($1, $2, $3);
end
$$;
comment on function stream.resume_stream(uuid, integer, text) is
    'Moves a stream to active. Seller and service only.';

revoke all on function stream_private.resume_stream(uuid, integer, text), stream.resume_stream(uuid, integer, text)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.resume_stream(uuid, integer, text), stream.resume_stream(uuid, integer, text)
    to authenticated, service_role;

create function stream_private.end_stream(session_id uuid, generation integer, reason text)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform stream_ext.change_state($1, 'ended', $3, $2);
    return stream_private.session($1);
end
$$;

create function stream.end_stream(session_id uuid, generation integer default null, reason text default null)
returns stream.session
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.end_stream($1, $2, $3);
end
$$;
comment on function stream.end_stream(uuid, integer, text) is
    'Ends a stream for good: viewers leave, the log closes. Seller and service only.';

revoke all on function stream_private.end_stream(uuid, integer, text), stream.end_stream(uuid, integer, text)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.end_stream(uuid, integer, text), stream.end_stream(uuid, integer, text)
    to authenticated, service_role;

create function stream_private.get_stream_state(session_id uuid)
returns text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_ext.get_stream_state($1);
end
$$;

create function stream.get_stream_state(session_id uuid)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.get_stream_state($1);
end
$$;
comment on function stream.get_stream_state(uuid) is
    'The state of a stream: initializing, active, paused, ended or error.';

revoke all on function stream_private.get_stream_state(uuid), stream.get_stream_state(uuid)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.get_stream_state(uuid), stream.get_stream_state(uuid)
    to authenticated, service_role;

create function stream_private.get_session(session_id uuid)
returns stream.session
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform stream_ext.authorize_view($1);
    return stream_private.session($1);
end
$$;

create function stream.get_session(session_id uuid)
returns stream.session
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.get_session($1);
end
$$;
comment on function stream.get_session(uuid) is
    'A stream session, for whoever may view it.';

revoke all on function stream_private.get_session(uuid), stream.get_session(uuid)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.get_session(uuid), stream.get_session(uuid)
    to authenticated, service_role;
