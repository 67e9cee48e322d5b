-- Reading the log: history, what was missed, synchronisation.
create function stream_private.get_message_history(
    session_id uuid,
    page_size integer,
    skip integer,
    before_seq bigint,
    after_seq bigint
)
returns setof stream.chat_message
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select m.id, m.session_id, m.seq, m.user_id, m.username, m.content,
        m.message_type, m.created_at, m.updated_at, m.metadata, m.deleted_at
    from stream_ext.get_message_history($1, $2, $3, $4, $5) as m;
end
$$;

create function stream.get_message_history(
    session_id uuid,
    page_size integer default 50,
    skip integer default 0,
    before_seq bigint default null,
    after_seq bigint default null
)
returns setof stream.chat_message
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query select * from stream_private.get_message_history($1, $2, $3, $4, $5);
end
$$;
comment on function stream.get_message_history(uuid, integer, integer, bigint, bigint) is
    'A page of the log in ascending seq: the newest messages, skip of them left out, or those before or '
    'after a seq. page_size 1 to 200. A deleted message is there with deleted_at and without its text.';

revoke all on function stream_private.get_message_history(uuid, integer, integer, bigint, bigint),
    stream.get_message_history(uuid, integer, integer, bigint, bigint)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.get_message_history(uuid, integer, integer, bigint, bigint),
    stream.get_message_history(uuid, integer, integer, bigint, bigint)
    to authenticated, service_role;

create function stream_private.sync_messages(session_id uuid, last_message_id uuid)
returns setof stream.chat_message
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select m.id, m.session_id, m.seq, m.user_id, m.username, m.content,
        m.message_type, m.created_at, m.updated_at, m.metadata, m.deleted_at
    from stream_ext.sync_messages($1, $2) as m;
end
$$;

create function stream.sync_messages(session_id uuid, last_message_id uuid default null)
returns setof stream.chat_message
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query select * from stream_private.sync_messages($1, $2);
end
$$;
comment on function stream.sync_messages(uuid, uuid) is
    'The messages after one that the caller holds, in ascending seq, at most 1,000: call again with the last of them '
    'until nothing comes. Null: the newest 50. Refuses an id that the log does not hold; call sync then.';

revoke all on function stream_private.sync_messages(uuid, uuid), stream.sync_messages(uuid, uuid)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.sync_messages(uuid, uuid), stream.sync_messages(uuid, uuid)
    to authenticated, service_role;

create function stream_private.sync(session_id uuid, after_seq bigint, epoch text)
returns stream.sync_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    result stream.sync_result;
begin
    select y.session_id, y.state, y.role, y.generation, y.host_uid, y.viewer_count, y.epoch, y.head_seq,
        y.oldest_seq, y.recovered, y.has_more, y.messages::json, y.read::json, y.unread_count, y.cooldown_ms,
        y.chat_mode, y.slow_mode_ms, y.pinned_seq, y.pinned::json, y.restrictions::json, y.server_time
    into result
    from stream_ext.sync($1, $2, $3) as y;
    return result;
end
$$;

create function stream.sync(session_id uuid, after_seq bigint default null, epoch text default null)
returns stream.sync_result
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.sync($1, $2, $3);
end
$$;
comment on function stream.sync(uuid, bigint, text) is
    'State, counts, what the caller has read and may write, and the messages after after_seq (at most 1,000; has_more '
    'says there are others), from one snapshot. Without after_seq: the newest page. recovered is false when the epoch '
    'is another or the log has not reached after_seq: the newest page too.';

revoke all on function stream_private.sync(uuid, bigint, text), stream.sync(uuid, bigint, text)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.sync(uuid, bigint, text), stream.sync(uuid, bigint, text)
    to authenticated, service_role;
