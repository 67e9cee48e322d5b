-- Heartbeats: of one device, and of many for the service.
create function stream_private.heartbeat(
    session_id uuid,
    foreground boolean default null,
    generation integer default null,
    join_no integer default null,
    user_id uuid default null,
    token_expires_at timestamptz default null
)
returns stream.heartbeat_result
language plpgsql
as 'begin end';
comment on function stream_private.heartbeat is $$
Says that a device is still there. The seller's keeps the stream alive (a stale generation is refused) and brings it
back from host_lost; a viewer's prolongs the lease, unless join_no is not the newest join. Waits for nobody who holds
the row, the seller's 200 ms at most: it answers the same then and writes nothing. A device whose log ends below
head_seq is behind and calls sync. A fresh token comes along in the last
quarter of the caller's, at most one in 30 s. token_expires_at is when the token ends that the caller holds; null: the
older one, until it has ended, since an answer can be lost. None comes where an operator has to mend something first.
user_id null: the caller.
@native
@callers authenticated, service_role
@repeat safe
@errors isolation_level, invalid_argument, not_self, session_not_found, stream_ended, banned, not_viewer, stale_host
$$;

create function stream_private.heartbeats(items json)
returns setof stream.batched_heartbeat
language plpgsql
as 'begin end';
comment on function stream_private.heartbeats is $$
Heartbeats of many devices in one call of the service: an array of at most 1,000 objects {session_id, user_id, foreground?,
generation?, join_no?, token_expires_at?, claims?}. One answer per item, in order, with all that heartbeat answers, a fresh
token included: it belongs to that user alone. A bad item costs only itself. claims are the verified ones of the user for
whom it is sent; the item is then judged as that user's own call, and claims that are null or of another role than
authenticated are refused. Waits for nobody: the seller's heartbeat gets lock_timeout where it would have to, send it alone
then. Of several about one user and session the last is written, and one before it that says more gets lock_timeout too.
@native
@callers service_role
@repeat safe
@errors isolation_level, invalid_argument
$$;
