-- Chat: sending.
create function stream_private.send_message(session_id uuid, user_id uuid, content text, id uuid)
returns stream.chat_message
language plpgsql security definer
set search_path = ''
as $$
declare
    result stream.chat_message;
begin
    select m.id, m.session_id, m.seq, m.user_id, m.username, m.content,
        m.message_type, m.created_at, m.updated_at, m.metadata, m.deleted_at
    into result
    from stream_ext.send_message($1, $2, $3, $4) as m;
    return result;
end
$$;

create function stream.send_message(session_id uuid, user_id uuid, content text, id uuid default null)
returns stream.chat_message
language plpgsql
set search_path = ''
as $$
begin
    return stream_private.send_message($1, $2, $3, $4);
end
$$;
comment on function stream.send_message(uuid, uuid, text, uuid) is
    'Sends a chat message: 1 to 2,000 characters after trimming. id is made by the client; the same id '
    'again returns the stored message. user_id null: the caller.';

revoke all on function stream_private.send_message(uuid, uuid, text, uuid),
    stream.send_message(uuid, uuid, text, uuid)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.send_message(uuid, uuid, text, uuid),
    stream.send_message(uuid, uuid, text, uuid)
    to authenticated, service_role;
