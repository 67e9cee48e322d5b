-- The turns of moderators, which go with their session.
create function stream_private.delete_turn_of_deleted_session() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    delete from stream.moderation_turns as t where t.session_id in (
        select n.session_id from stream.moderation_turns as n
        where n.session_id = old.id for update skip locked);
    return null;
end
$$;
comment on function stream_private.delete_turn_of_deleted_session() is
    'Does not wait: the row of a session that is deleted while somebody moderates it stays behind.';

create trigger stream_sessions_delete_turn
after delete on stream.stream_sessions
for each row execute function stream_private.delete_turn_of_deleted_session();
