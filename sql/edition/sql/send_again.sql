-- A message that is sent again: its id returns what was stored first.

create function stream_ext.chat_stored(session_id uuid, user_id uuid, id uuid) returns stream.chat_message
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    stored stream.chat_message;
begin
    if $3 is null then
        return null;
    end if;
    select m.id, m.session_id, m.seq, m.user_id, m.username, m.content, m.message_type, m.created_at, m.updated_at,
        m.metadata, m.deleted_at
    into stored
    from stream.chat_messages as m where m.session_id = $1 and m.id = $3;
    if stored.seq is not null and stored.user_id is distinct from $2 then
        perform stream_ext.refuse('message_id_conflict');
    end if;
    return stored;
end
$$;
comment on function stream_ext.chat_stored(uuid, uuid, uuid) is 'The message that this user stored under this id before; null when there is none.';

create function stream_ext.chat_prolong(session_id uuid, user_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    arrived constant pg_catalog.timestamptz := clock_timestamp();
begin
    -- The row is locked, if there is one.
    update stream.stream_viewers as v set last_seen_at = arrived
    from stream.config as c
    where c.id and v.session_id = $1 and v.user_id = $2 and v.is_active
        and stream_ext.rate_backlog_us(v.chat_tat, arrived, c.chat_interval_ms * c.chat_burst::bigint * 1000)
            <= c.chat_interval_ms * (c.chat_burst - 1)::bigint * 1000;
end
$$;
comment on function stream_ext.chat_prolong(uuid, uuid) is
    'Prolongs the lease of a sender whose message was stored before, and counts nothing.';
