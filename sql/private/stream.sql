-- Starting, moving and reading a stream session.
create function stream_private.session(session_id uuid)
returns stream.session
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select row(
        s.id, s.seller_id, s.auction_id, s.channel_id, s.state, s.state_reason, s.generation, s.generation,
        s.viewer_count, s.peak_viewer_count, s.created_at, s.started_at, s.ended_at, s.state_changed_at,
        s.reconnect_deadline, s.chat_mode, s.slow_mode_ms, s.pinned_seq, s.metadata,
        stream_private.oldest_client()
    )::stream.session
    from stream.stream_sessions as s
    where s.id = $1
$$;
comment on function stream_private.session(uuid) is 'A session as callers see it; for the functions of this schema only.';

create function stream_private.start_stream(
    auction_id uuid,
    seller_id uuid default null,
    reconnect_window_s integer default null
)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    started pg_catalog.uuid := stream_ext.start_stream($1, $2, $3);
begin
    -- A statement of its own: it must see the new row.
    return stream_private.session(started);
end
$$;
comment on function stream_private.start_stream is $$
Starts a stream of an auction, state initializing. By the same seller while one is live: takes it over, generation +
1. seller_id null: the caller. reconnect_window_s: seconds that a lost host has to return, 0 to 1800; null: the
configured one. At most config.starts_per_minute of one seller.
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, not_self, not_auction_owner, auction_live, takeovers_exhausted, rate_limited
$$;

create function stream_private.update_stream_state(
    session_id uuid,
    state text,
    reason text default null,
    generation integer default null
)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    perform stream_ext.change_state($1, $2, $3, $4);
    return stream_private.session($1);
end
$$;
comment on function stream_private.update_stream_state is $$
Moves a stream to a state (initializing, active, paused, ended, error). The same state again succeeds without an
event. Seller and service only.
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_stream_owner, stale_host, illegal_transition,
    stream_ended, rate_limited
$$;

create function stream_private.pause_stream(session_id uuid, generation integer default null, reason text default null)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    perform stream_ext.change_state($1, 'paused', $3, $2);
    return stream_private.session($1);
end
$$;
comment on function stream_private.pause_stream is $$
Pauses a stream. Seller and service only.
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_stream_owner, stale_host, illegal_transition,
    stream_ended, rate_limited
$$;

create function stream_private.resume_stream(session_id uuid, generation integer default null, reason text default null)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    perform stream_ext.change_state($1, 'active', $3, $2);
    return stream_private.session($1);
end
$$;
comment on function stream_private.resume_stream is $$
Moves a stream to active. Seller and service only.
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_stream_owner, stale_host, illegal_transition,
    stream_ended, rate_limited
$$;

create function stream_private.end_stream(session_id uuid, generation integer default null, reason text default null)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    perform stream_ext.change_state($1, 'ended', $3, $2);
    return stream_private.session($1);
end
$$;
comment on function stream_private.end_stream is $$
Ends a stream for good: viewers leave, the log closes. Seller and service only.
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_stream_owner, stale_host
$$;

create function stream_private.get_stream_state(session_id uuid)
returns text
language plpgsql stable
as 'begin end';
comment on function stream_private.get_stream_state is $$
The state of a stream: initializing, active, paused, ended or error.
@native
@callers authenticated, service_role
@errors invalid_argument, session_not_found, cannot_view
$$;

create function stream_private.get_session(session_id uuid)
returns stream.session
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    perform stream_ext.authorize_view($1);
    return stream_private.session($1);
end
$$;
comment on function stream_private.get_session is $$
A stream session, for whoever may view it.
@callers authenticated, service_role
@errors invalid_argument, session_not_found, cannot_view
$$;
