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

create function stream_ext.chat_prolong(
    session_id uuid, user_id uuid, holds_lease boolean, arrived_at timestamptz, chat_tat timestamptz
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    limits pg_catalog.record;
begin
    if $3 is not true then
        return;
    end if;
    select c.chat_interval_ms * 1000::bigint as interval_us, c.chat_interval_ms * (c.chat_burst - 1)::bigint * 1000 as tolerance_us
    into limits from stream.config as c where c.id;
    if (stream_ext.rate_spend(limits.interval_us, limits.tolerance_us, stream_ext.rate_ahead_us($5, $4))).spent_us is null then
        return;
    end if;
    update stream.stream_viewers as v set last_seen_at = $4 where v.session_id = $1 and v.user_id = $2;
end
$$;
comment on function stream_ext.chat_prolong(uuid, uuid, boolean, timestamptz, timestamptz) is
    'Prolongs the lease of a sender whose message was stored before, and counts nothing.';
