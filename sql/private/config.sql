-- New settings reach live streams and their viewers.
create function stream_private.rearm() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update stream.stream_sessions set check_at = now() where state <> 'ended';
    if (new.lease_s, new.background_grace_s) is distinct from (old.lease_s, old.background_grace_s) then
        update stream.stream_viewers set lease_check_at = now() where is_active;
    end if;
    return null;
end
$$;
comment on function stream_private.rearm() is
    'New timeouts apply to live streams and to their viewers from the next sweep on.';

create trigger config_rearm
after update on stream.config
for each row execute function stream_private.rearm();
