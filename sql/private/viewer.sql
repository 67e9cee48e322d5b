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

create function stream_private.add_viewer(session_id uuid, buyer_id uuid default null)
returns stream.viewer_lease
language plpgsql
as 'begin end';
comment on function stream_private.add_viewer is $$
Joins a stream; a second join keeps the row and counts join_no up. buyer_id null: the caller.
@native
@callers authenticated, service_role
@repeat safe
@errors isolation_level, invalid_argument, not_self, session_not_found, cannot_view, banned, stream_ended
$$;

create function stream_private.join_stream(session_id uuid)
returns stream.join_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
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
    result.contract_version := stream_private.contract_version();
    result.oldest_client := stream_private.oldest_client();
    return result;
end
$$;
comment on function stream_private.join_stream is $$
Joins a stream in one call: lease, subscriber token and everything that sync answers. Never refused for its rate:
beyond config.token_rate_per_minute the token is the newest one again, or null with retry_after_ms.
@callers authenticated
@repeat safe
@errors isolation_level, invalid_argument, session_not_found, cannot_view, banned, stream_ended, not_configured,
    certificate_missing, certificate_malformed, certificate_unsafe, vault_unreadable, clock_wrong
$$;

create function stream_private.remove_viewer(session_id uuid, buyer_id uuid default null, join_no integer default null)
returns text
language plpgsql
as 'begin end';
comment on function stream_private.remove_viewer is $$
Leaves a stream: removed, not_joined, or superseded when join_no is not the newest join (nothing changes then).
Without join_no a late repetition ends a newer join.
@native
@callers authenticated, service_role
@repeat safe with join_no
@errors isolation_level, invalid_argument, not_self, session_not_found
$$;

create function stream_private.get_viewer_count(session_id uuid)
returns integer
language plpgsql stable
as 'begin end';
comment on function stream_private.get_viewer_count is $$
The number of viewers who hold a lease, counted now; stream_sessions.viewer_count and the broadcasts follow the tick.
@native
@callers authenticated, service_role
@errors invalid_argument, session_not_found, cannot_view
$$;

create function stream_private.get_viewers(session_id uuid, after uuid default null, page_size integer default 50)
returns setof stream.viewer
language plpgsql stable
as 'begin end';
comment on function stream_private.get_viewers is $$
The viewers who hold a lease, by ascending user_id, those behind after; page_size 1 to 200. Seller and service only.
@native
@callers authenticated, service_role
@errors invalid_argument, session_not_found, not_stream_owner
$$;

create function stream_private.note_deleted_viewers() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into stream.viewer_changes (session_id) select distinct o.session_id from old_rows as o where o.is_active;
    return null;
end
$$;
comment on function stream_private.note_deleted_viewers() is 'A deleted user no longer counts.';

create trigger stream_viewers_note_deleted
after delete on stream.stream_viewers
referencing old table as old_rows
for each statement execute function stream_private.note_deleted_viewers();
