-- The moderation log: append-only.
-- By the owner of the tables too; who owns them can still take the trigger away, and that shows in the catalogue.
create function stream_private.refuse_changing_moderation_log() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- When its session is deleted, the session's row is gone before the rows that refer to it; one whose time has
    -- passed goes in batches, its row last.
    if tg_op = 'DELETE' and old.session_id is not null
        and not exists (
            select from stream.stream_sessions as s
            cross join stream.config as c
            where s.id = old.session_id and s.ended_at is distinct from 'epoch'
                and (s.ended_at < now() - c.retention_days * interval '1 day') is not true
        ) then
        return old;
    end if;
    -- A user who is forgotten leaves the nil uuid, and takes the reason along.
    if tg_op = 'UPDATE'
        and to_jsonb(new) - '{actor,user_id,reason}'::text[] = to_jsonb(old) - '{actor,user_id,reason}'::text[]
        and (new.actor is not distinct from old.actor or new.actor = '00000000-0000-0000-0000-000000000000')
        and (new.user_id is not distinct from old.user_id or new.user_id = '00000000-0000-0000-0000-000000000000')
        and (new.reason is not distinct from old.reason or new.reason is null)
        and (new.actor, new.user_id) is distinct from (old.actor, old.user_id) then
        return new;
    end if;
    raise insufficient_privilege using message = 'stream.moderation_log is append-only';
end
$$;
comment on function stream_private.refuse_changing_moderation_log() is
    'Rows of the moderation log go with their session, or when its time has passed, and change only to forget a user.';

create trigger moderation_log_refuse_changing
before update or delete on stream.moderation_log
for each row execute function stream_private.refuse_changing_moderation_log();

create trigger moderation_log_refuse_truncating
before truncate on stream.moderation_log
for each statement execute function stream_private.refuse_changing_moderation_log();
