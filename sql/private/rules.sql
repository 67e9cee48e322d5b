-- Rules that statements of SQL and of native code share: each stands here once.
-- Views and not functions where a rule is part of a plan: Postgres takes a view into the statement that reads it, and
-- runs a function once for every row.
create view stream_private.restrictions as
select r.session_id, r.user_id, r.kind, r.until, r.actor, r.reason, r.created_at,
    r.until is null or r.until > now() as is_in_force
from stream.chat_restrictions as r;
comment on view stream_private.restrictions is
    'Mutes and bans, and whether each is in force: until its time, or until it is lifted. What is over is the sweep''s.';

create view stream_private.bans as
select r.session_id, r.user_id
from stream_private.restrictions as r
where r.kind = 'ban' and r.is_in_force;
comment on view stream_private.bans is 'Who is banned from which stream now.';

-- The limit says that there is one row of config: nobody analyzes so small a table, and the planner supposes hundreds.
create view stream_private.leases as
select v.session_id, v.user_id, v.agora_uid, v.joined_at, v.last_seen_at, v.background_since, v.foreground, v.watch_ms,
    v.lease_check_at, e.ends_at, e.ends_at > now() as holds,
    v.watch_ms + greatest(0, (extract(epoch from
        case when e.ends_at > now() then now() else least(v.last_seen_at, now()) end - v.joined_at) * 1000)::bigint)
        as watched_ms
from stream.stream_viewers as v
cross join (
    select f.lease_s * interval '1 second' as lease, f.background_grace_s * interval '1 second' as grace
    from stream.config as f
    limit 1
) as c
cross join lateral (
    -- A time ahead of the clock was written before it was set back.
    select least(
        least(v.last_seen_at, now()) + c.lease,
        case when v.background_since is not null then least(v.background_since, now()) + c.grace end
    ) as ends_at
) as e
where v.is_active;
comment on view stream_private.leases is
    'Leases of viewers, when each ends unless a sign of life comes, whether it still holds, and the time watched, which for '
    'one that is over ended with the last sign of life: the sweep, which closes '
    'those that do not, comes later. Locking rows through this view would lock the settings too.';

revoke all on table stream_private.restrictions, stream_private.bans, stream_private.leases
    from public, anon, authenticated, service_role;

-- A function, since it asks the host application in any case: 10 microseconds instead of the 7 of the hook alone.
create function stream_private.can_view(user_id uuid, session_id uuid, seller_id uuid)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return $1 is null or $1 = $3 or coalesce(stream.hook_can_view($1, $2), false);
end
$$;
comment on function stream_private.can_view(uuid, uuid, uuid) is
    'Who may view a stream: its seller, the service (null), and whomever the host application lets. Bans are not looked at.';

create function stream_private.may_watch(user_id uuid, session_id uuid, seller_id uuid) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return $1 is null or $1 = $3 or (
        stream_private.can_view($1, $2, $3)
        and not exists (select from stream_private.bans as b where b.session_id = $2 and b.user_id = $1)
    );
end
$$;
comment on function stream_private.may_watch(uuid, uuid, uuid) is
    'Whether a user (null: the service) may find a stream of this seller and hear of it: who may view it and is not '
    'banned, and the seller.';

create function stream_private.has_joined(user_id uuid, session_id uuid) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (select from stream.stream_viewers as v where v.session_id = $2 and v.user_id = $1);
end
$$;
comment on function stream_private.has_joined(uuid, uuid) is
    'Whether a user has ever joined a stream; whoever has may read its chat, as long as they may view it and are not banned.';

create function stream_private.check_page_size(page_size integer) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    size pg_catalog.record;
begin
    select l.least, l.most into size from stream_private.limits as l where l.name = 'page_size';
    if $1 is null then
        perform stream_ext.refuse_with_hint('invalid_argument', 'page_size must not be null');
    end if;
    if $1 not between size.least and size.most then
        perform stream_ext.refuse_with_hint('invalid_argument', format('page_size is %s to %s', size.least, size.most));
    end if;
end
$$;
comment on function stream_private.check_page_size(integer) is
    'Refuses a page size beyond the limits, in the words of the native functions.';

create function stream_private.check_reason(reason text) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    most constant pg_catalog.int8 := (select l.most from stream_private.limits as l where l.name = 'reason_chars');
begin
    if length($1) > most then
        perform stream_ext.refuse_with_hint('invalid_argument', format('reason has at most %s characters', most));
    end if;
end
$$;
comment on function stream_private.check_reason(text) is
    'Refuses a reason that is too long, in the words of the native functions.';
