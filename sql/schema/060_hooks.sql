-- Hooks: the host application's decisions. Created closed: nobody owns an auction, may view or chat.
-- The host-app migration replaces the bodies; no later release touches them again.
-- They run with the rights of the table owner, inside the privilege boundary, and must be STABLE. Keep them in
-- plpgsql: its statements are planned once per connection, those of language sql at every call (measured: send_message
-- took 0.92 ms with sql hooks and 0.16 ms with plpgsql ones).
create function stream.hook_username(user_id uuid) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return null::text;
end
$$;
comment on function stream.hook_username(uuid) is
    'Host-app hook: the name shown beside a user''s messages. Never read it from user-editable metadata. Null: the user may not chat. '
    'Control characters, line separators and overrides of the text''s direction are taken out, and it is cut to 64 '
    'characters; a name of which nothing visible is left counts as null.';

create function stream.hook_owns_auction(user_id uuid, auction_id uuid) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return false;
end
$$;
comment on function stream.hook_owns_auction(uuid, uuid) is 'Host-app hook: whether the user may stream this auction.';

create function stream.hook_can_view(user_id uuid, session_id uuid) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return false;
end
$$;
comment on function stream.hook_can_view(uuid, uuid) is
    'Host-app hook: whether the user may watch this stream and read its chat. The seller always may.';

create function stream.hook_can_chat(user_id uuid, session_id uuid) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return false;
end
$$;
comment on function stream.hook_can_chat(uuid, uuid) is
    'Host-app hook: whether the user, who holds a lease, may send chat messages. The seller always may.';

create function stream.hook_is_verified(user_id uuid) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return false;
end
$$;
comment on function stream.hook_is_verified(uuid) is
    'Host-app hook: whether the user may write while chat_mode is verified.';

create function stream.hook_can_moderate(user_id uuid, session_id uuid) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return false;
end
$$;
comment on function stream.hook_can_moderate(uuid, uuid) is
    'Host-app hook: whether the user may moderate this stream''s chat. The seller always may.';

create function stream.hook_title(auction_id uuid) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return null::text;
end
$$;
comment on function stream.hook_title(uuid) is
    'Host-app hook: what lists of streams show as the title of an auction, cut to 200 characters. Null: none.';
