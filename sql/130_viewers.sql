-- Viewers: joining, leaving, heartbeats, counting.
create function stream_private.wait_at_gate(session_id uuid, alone boolean)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
begin
    perform stream_ext.enter_gate($1, $2);
    if $2 then
        perform from stream.stream_sessions as s where s.id = $1 for no key update;
    end if;
    return true;
exception when lock_not_available then
    return false;
end
$$;
comment on function stream_private.wait_at_gate(uuid, boolean) is
    'Waits 100 ms for the gate of a session and, to be alone, 100 ms for its row; false when that was not enough, and nothing is held.';

create function stream_private.wait_for_session(session_id uuid)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
begin
    perform from stream.stream_sessions as s where s.id = $1 for no key update;
    return true;
exception when lock_not_available then
    return false;
end
$$;
comment on function stream_private.wait_for_session(uuid) is
    'Waits for the row of a session longer than the usual deadlock_timeout, so that Postgres finds a circle.';

revoke all on function stream_private.wait_at_gate(uuid, boolean), stream_private.wait_for_session(uuid)
    from public, anon, authenticated, service_role;

create function stream_private.add_viewer(session_id uuid, buyer_id uuid)
returns stream.viewer_lease
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    result stream.viewer_lease;
begin
    select $1, v.user_id, v.agora_uid, v.join_no, v.joined_at
    into result
    from stream_ext.add_viewer($1, $2) as v;
    return result;
end
$$;

create function stream.add_viewer(session_id uuid, buyer_id uuid default null)
returns stream.viewer_lease
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.add_viewer($1, $2);
end
$$;
comment on function stream.add_viewer(uuid, uuid) is
    'Joins a stream; a second join keeps the row and counts join_no up. buyer_id null: the caller.';

revoke all on function stream_private.add_viewer(uuid, uuid), stream.add_viewer(uuid, uuid)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.add_viewer(uuid, uuid), stream.add_viewer(uuid, uuid)
    to authenticated, service_role;

create function stream_private.join_stream(session_id uuid)
returns stream.join_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    joined pg_catalog.record;
    result stream.join_result;
begin
    select j.user_id, j.agora_uid, j.join_no, j.joined_at, j.token, j.expires_at, j.retry_after_ms
    into joined
    from stream_ext.join_with_token($1) as j;
    result.lease := row($1, joined.user_id, joined.agora_uid, joined.join_no, joined.joined_at)::stream.viewer_lease;
    if joined.token is not null then
        result.token := row(
            joined.token, $1::text, joined.agora_uid, joined.expires_at,
            row(false, true, false)::stream.token_privileges
        )::stream.agora_token;
    end if;
    result.retry_after_ms := joined.retry_after_ms;
    result.sync := stream_private.sync($1, null, null);
    return result;
end
$$;

create function stream.join_stream(session_id uuid)
returns stream.join_result
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.join_stream($1);
end
$$;
comment on function stream.join_stream(uuid) is
    'Joins a stream in one call: lease, subscriber token and everything that sync answers. Never refused for its rate: '
    'beyond config.token_rate_per_minute the token is the newest one again, or null with retry_after_ms.';

revoke all on function stream_private.join_stream(uuid), stream.join_stream(uuid)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.join_stream(uuid), stream.join_stream(uuid)
    to authenticated;

create function stream_private.remove_viewer(session_id uuid, buyer_id uuid, join_no integer)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_ext.remove_viewer($1, $2, $3);
end
$$;

create function stream.remove_viewer(session_id uuid, buyer_id uuid default null, join_no integer default null)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.remove_viewer($1, $2, $3);
end
$$;
comment on function stream.remove_viewer(uuid, uuid, integer) is
    'Leaves a stream: removed, not_joined, or superseded when join_no is not the newest join (nothing changes '
    'then).';

revoke all on function stream_private.remove_viewer(uuid, uuid, integer),
    stream.remove_viewer(uuid, uuid, integer)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.remove_viewer(uuid, uuid, integer),
    stream.remove_viewer(uuid, uuid, integer)
    to authenticated, service_role;

create function stream_private.get_viewer_count(session_id uuid)
returns integer
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_ext.get_viewer_count($1);
end
$$;

create function stream.get_viewer_count(session_id uuid)
returns integer
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.get_viewer_count($1);
end
$$;
comment on function stream.get_viewer_count(uuid) is
    'The number of viewers who hold a lease, counted now; stream_sessions.viewer_count and the broadcasts follow the '
    'tick.';

revoke all on function stream_private.get_viewer_count(uuid), stream.get_viewer_count(uuid)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.get_viewer_count(uuid), stream.get_viewer_count(uuid)
    to authenticated, service_role;

create function stream_private.get_viewers(session_id uuid, after uuid, page_size integer)
returns setof stream.viewer
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select v.user_id, v.agora_uid, v.joined_at, v.last_seen_at, v.foreground, v.watch_ms
    from stream_ext.get_viewers($1, $2, $3) as v;
end
$$;

create function stream.get_viewers(session_id uuid, after uuid default null, page_size integer default 50)
returns setof stream.viewer
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query select * from stream_private.get_viewers($1, $2, $3);
end
$$;
comment on function stream.get_viewers(uuid, uuid, integer) is
    'The viewers who hold a lease, by ascending user_id, those behind after; page_size 1 to 200. Seller and service '
    'only.';

revoke all on function stream_private.get_viewers(uuid, uuid, integer), stream.get_viewers(uuid, uuid, integer)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.get_viewers(uuid, uuid, integer), stream.get_viewers(uuid, uuid, integer)
    to authenticated, service_role;
