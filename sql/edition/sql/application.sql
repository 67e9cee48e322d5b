-- Rows of the host application that a call refers to: its users and auctions, locked so that they are not deleted meanwhile.
-- They come first in the order of locks. A foreign key's own check would come after rows of the product, and deadlock with the
-- deletion, which holds the user's row while it waits for those.
create function stream_ext.application_reference(of_table regclass, of_column name, out relation regclass, out key_column name)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- A partitioned table has no rows of its own.
    select c.confrelid, k.attname into $3, $4
    from pg_catalog.pg_constraint as c
    join pg_catalog.pg_attribute as a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
    join pg_catalog.pg_attribute as k on k.attrelid = c.confrelid and k.attnum = c.confkey[1]
    join pg_catalog.pg_class as r on r.oid = c.confrelid
    where c.conrelid = $1 and c.contype = 'f' and cardinality(c.conkey) = 1 and a.attname = $2 and r.relkind = 'r'
    limit 1;
    -- Locking a row takes the right to update.
    if $3 is not null and not has_any_column_privilege($3, 'update') then
        $3 := null;
    end if;
end
$$;
comment on function stream_ext.application_reference(regclass, name) is
    'The table and column of the host application that a column refers to; null where there is no such foreign key, or the owner of the tables may not lock its rows.';

create function stream_ext.application_has_auth_users() returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce((
        select r.relation = to_regclass('auth.users') and r.key_column = 'id'
        from stream_ext.application_reference('stream.chat_messages', 'user_id') as r), false);
end
$$;
comment on function stream_ext.application_has_auth_users() is
    'Whether users are those of Supabase Auth: immutable, so that a kept plan holds it. A connection that is older than the foreign key looks it up at every call; one that is older than its end locks a row too many.';

create function stream_ext.application_hold_user(user_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    relation pg_catalog.regclass;
    key_column pg_catalog.name;
begin
    -- The usual table, by a plan that is kept.
    if stream_ext.application_has_auth_users() then
        perform from auth.users as u where u.id = $1 for key share;
        return;
    end if;
    select r.relation, r.key_column into relation, key_column
    from stream_ext.application_reference('stream.chat_messages', 'user_id') as r;
    if relation is null then
        return;
    end if;
    execute format('select from %s as u where u.%I = $1 for key share', relation, key_column) using $1;
end
$$;
comment on function stream_ext.application_hold_user(uuid) is
    'Locks the user''s row; waits while the user is being deleted. Locks nothing when there is no such user, which a foreign key reports.';

create function stream_ext.application_hold_user_if_free(user_id uuid) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    relation pg_catalog.regclass;
    key_column pg_catalog.name;
    is_locked pg_catalog.bool;
begin
    select r.relation, r.key_column into relation, key_column
    from stream_ext.application_reference('stream.chat_messages', 'user_id') as r;
    if relation is null then
        return true;
    end if;
    execute format('select true from %s as u where u.%I = $1 for key share skip locked', relation, key_column)
        into is_locked using $1;
    if is_locked then
        return true;
    end if;
    execute format('select not exists (select from %s as u where u.%I = $1)', relation, key_column) into is_locked using $1;
    return is_locked;
end
$$;
comment on function stream_ext.application_hold_user_if_free(uuid) is
    'Locks the user''s row without waiting; false while the user is being deleted.';

create function stream_ext.application_hold_auction(auction_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    relation pg_catalog.regclass;
    key_column pg_catalog.name;
begin
    select r.relation, r.key_column into relation, key_column
    from stream_ext.application_reference('stream.stream_sessions', 'auction_id') as r;
    if relation is not null then
        execute format('select from %s as a where a.%I = $1 for key share', relation, key_column) using $1;
    end if;
end
$$;
comment on function stream_ext.application_hold_auction(uuid) is
    'Locks the auction of a stream that is about to begin. Comes after the user, because a user''s auctions are deleted after the user.';
