-- The host application's side: foreign keys to its tables and the bodies of the hooks.
-- This file belongs to the adopting team: edit it to fit your schema; no later release touches it.
-- Written here for the demo application (public.users, public.auctions).
alter table stream.stream_sessions
    -- Deleting a seller deletes their ended streams; a live one refuses to go (trigger stream_sessions_refuse_deleting_live).
    add constraint stream_sessions_seller_id_fkey foreign key (seller_id)
        references auth.users (id) on delete cascade,
    add constraint stream_sessions_auction_id_fkey foreign key (auction_id)
        references public.auctions (id) on delete cascade;
alter table stream.stream_viewers
    add constraint stream_viewers_user_id_fkey foreign key (user_id) references auth.users (id) on delete cascade;
alter table stream.chat_messages
    -- The log keeps its numbers when a user goes.
    add constraint chat_messages_user_id_fkey foreign key (user_id) references auth.users (id) on delete set null;
alter table stream.chat_reads
    add constraint chat_reads_user_id_fkey foreign key (user_id) references auth.users (id) on delete cascade;
alter table stream.chat_subscriptions
    add constraint chat_subscriptions_user_id_fkey foreign key (user_id) references auth.users (id) on delete cascade;
alter table stream.chat_restrictions
    add constraint chat_restrictions_user_id_fkey foreign key (user_id) references auth.users (id) on delete cascade;
alter table stream.message_reports
    add constraint message_reports_user_id_fkey foreign key (user_id) references auth.users (id) on delete cascade;
alter table stream.report_rates
    add constraint report_rates_user_id_fkey foreign key (user_id) references auth.users (id) on delete cascade;
alter table stream.agora_tokens
    add constraint agora_tokens_user_id_fkey foreign key (user_id) references auth.users (id) on delete cascade;
-- Deleted in the order of these constraints, and this row is last in the order of locks.
alter table stream.start_rates
    add constraint start_rates_seller_id_fkey foreign key (seller_id) references auth.users (id) on delete cascade;

-- Deleting users or auctions, the foreign keys above take rows of streams as they come. Taken in the
-- order of pg_stream before that, no deletion waits in a circle with a batch or a tick. All rows of the
-- statement are locked when the first of these triggers runs, and it speaks for all of them. Triggers
-- run by name: these before those of the foreign keys (RI_...).
create function stream_private.lock_streams_of_deleted_users() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if old.id = (select d.id from deleted as d limit 1) then
        perform stream_private.lock_for_deletion(array(select d.id from deleted as d), '{}');
    end if;
    return null;
end
$$;
comment on function stream_private.lock_streams_of_deleted_users() is 'Keeps the order of locks when users are deleted.';
revoke all on function stream_private.lock_streams_of_deleted_users() from public, anon, authenticated, service_role;
create trigger "0_lock_streams"
after delete on auth.users
referencing old table as deleted
for each row execute function stream_private.lock_streams_of_deleted_users();

create function stream_private.lock_streams_of_deleted_auctions() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if old.id = (select d.id from deleted as d limit 1) then
        perform stream_private.lock_for_deletion('{}', array(select d.id from deleted as d));
    end if;
    return null;
end
$$;
comment on function stream_private.lock_streams_of_deleted_auctions() is 'Keeps the order of locks when auctions are deleted.';
revoke all on function stream_private.lock_streams_of_deleted_auctions() from public, anon, authenticated, service_role;
create trigger "0_lock_streams"
after delete on public.auctions
referencing old table as deleted
for each row execute function stream_private.lock_streams_of_deleted_auctions();

create or replace function stream.hook_username(user_id uuid) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (select u.username from public.users as u where u.id = $1);
end
$$;

create or replace function stream.hook_owns_auction(user_id uuid, auction_id uuid) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (select from public.auctions as a where a.id = $2 and a.seller_id = $1);
end
$$;

create or replace function stream.hook_can_view(user_id uuid, session_id uuid) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (select from public.users as u where u.id = $1);
end
$$;

create or replace function stream.hook_can_chat(user_id uuid, session_id uuid) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Whoever has a profile: without one hook_username knows no name, and nobody writes without a name.
    return true;
end
$$;

create or replace function stream.hook_is_verified(user_id uuid) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (select from public.users as u where u.id = $1 and u.is_verified);
end
$$;

create or replace function stream.hook_can_moderate(user_id uuid, session_id uuid) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (select from public.users as u where u.id = $1 and u.is_moderator);
end
$$;

create or replace function stream.hook_title(auction_id uuid) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (select a.title from public.auctions as a where a.id = $1);
end
$$;
