-- Muting and banning users, lifting restrictions, and the lists of them and of decisions.

create function stream_ext.moderation_check_target(rank text, seller_id uuid, actor uuid, about uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if $4 = $2 then
        if $1 = 'owner' then
            perform stream_ext.refuse_with_hint('invalid_argument', 'the seller cannot be restricted in their own stream');
        end if;
        perform stream_ext.refuse_with_hint('not_moderator', 'nobody moderates the seller of the stream');
    end if;
    if $4 = $3 then
        perform stream_ext.refuse_with_hint('not_moderator', 'nobody moderates themself; ask the seller or another moderator');
    end if;
end
$$;
comment on function stream_ext.moderation_check_target(text, uuid, uuid, uuid) is
    'Refuses to act against the seller or oneself: a muted moderator could end the mute.';

create function stream_ext.moderation_check_kind(kind text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if $1 is null then
        perform stream_ext.error_null('kind');
    end if;
    if $1 not in ('mute', 'ban') then
        perform stream_ext.refuse_with_hint('invalid_argument', 'kind is mute or ban');
    end if;
end
$$;
comment on function stream_ext.moderation_check_kind(text) is 'Refuses what is neither a mute nor a ban.';

create function stream_ext.moderation_charge(session_id uuid, actor uuid) returns timestamptz
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if $2 is null then
        return null;
    end if;
    return stream_ext.take_rate(
        (select c.restrictions_per_minute from stream.config as c where c.id),
        (select r.tat from stream.restriction_rates as r where r.session_id = $1 and r.actor = $2));
end
$$;
comment on function stream_ext.moderation_charge(uuid, uuid) is
    'One more restriction within the rate of its actor: the time to note, after the row of the user and the session''s are locked. Null for the service, which has no rate.';

create function stream_ext.moderation_note_charge(session_id uuid, actor uuid, tat timestamptz) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if $3 is not null then
        insert into stream.restriction_rates as r (session_id, actor, tat) values ($1, $2, $3)
        on conflict on constraint restriction_rates_pkey do update set tat = excluded.tat;
    end if;
end
$$;
comment on function stream_ext.moderation_note_charge(uuid, uuid, timestamptz) is 'Notes the rate of a moderator.';

create function stream_ext.restrict_user(session_id uuid, user_id uuid, kind text, duration_s integer, reason text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    moderator pg_catalog.record;
    -- Named apart from the columns.
    ends_at pg_catalog.timestamptz;
    standing pg_catalog.record;
    tat pg_catalog.timestamptz;
    range pg_catalog.record;
begin
    moderator := stream_ext.moderation_begin($1, true);
    if $2 is null then
        perform stream_ext.error_null('user_id');
    end if;
    perform stream_ext.moderation_check_kind($3);
    select l.least, l.most into range from stream_private.limits as l where l.name = 'restriction_s';
    if $4 not between range.least and range.most then
        perform stream_ext.refuse_with_hint('invalid_argument', format('duration_s is %s to %s, or null', range.least, range.most));
    end if;
    perform stream_private.check_reason($5);
    perform stream_ext.moderation_check_target(moderator.rank, moderator.seller_id, moderator.actor, $2);
    ends_at := now() + $4 * interval '1 second';
    select r.until is not distinct from ends_at and r.reason is not distinct from $5 as is_the_same
    into standing
    from stream_private.restrictions as r where r.session_id = $1 and r.user_id = $2 and r.kind = $3;
    if standing.is_the_same then
        return;
    end if;
    tat := stream_ext.moderation_charge($1, moderator.actor);
    -- A new row locks the user's row, by its foreign key. That comes first: the deletion of the user holds that row while it
    -- waits for the viewer's.
    insert into stream.chat_restrictions (session_id, user_id, kind, until, actor, reason)
    values ($1, $2, $3, ends_at, moderator.actor, $5)
    on conflict do nothing;
    if $3 = 'ban' then
        -- Joins in progress have committed, or have not checked for a ban yet.
        perform stream_ext.moderation_lock_session($1);
        -- Ends the lease, as leaving does.
        update stream.stream_viewers as v
        set left_at = now(), watch_ms = v.watch_ms + stream_ext.viewer_watched_ms(v.joined_at, now())
        where v.session_id = $1 and v.user_id = $2 and v.is_active;
        if found then
            insert into stream.viewer_changes (session_id) values ($1);
        end if;
    end if;
    perform stream_ext.moderation_note_charge($1, moderator.actor, tat);
    perform stream_ext.moderation_announce($1, moderator.actor, true,
        case $3 when 'mute' then 'user_muted' else 'user_banned' end,
        case $3 when 'mute' then 'A user was muted.' else 'A user was banned.' end,
        jsonb_build_object('kind', case $3 when 'mute' then 'user_muted' else 'user_banned' end, 'user_id', $2,
            'restriction', $3, 'until', stream_ext.json_time(ends_at)::jsonb),
        $2, null, $5, ends_at);
    -- An existing row is changed after the head is locked, like everything that decides about a sender: the deletion of a user
    -- holds messages while it waits for this row, and a deletion of messages holds the head while it waits for those.
    insert into stream.chat_restrictions as r (session_id, user_id, kind, until, actor, reason)
    values ($1, $2, $3, ends_at, moderator.actor, $5)
    on conflict on constraint chat_restrictions_pkey do update
    set until = excluded.until, actor = excluded.actor, reason = excluded.reason, created_at = excluded.created_at;
    if $3 = 'ban' then
        update stream.agora_tokens as t set is_active = false where t.session_id = $1 and t.user_id = $2 and t.is_active;
    end if;
    perform stream_ext.moderation_notify(
        $2, case $3 when 'mute' then 'restricted' else 'revoked' end, $1, $3, true, ends_at);
end
$$;
comment on function stream_ext.restrict_user(uuid, uuid, text, integer, text) is
    'Restricts a user. kind is mute or ban; without a duration it lasts until it is lifted.';

create function stream_ext.lift_restriction(session_id uuid, user_id uuid, kind text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    moderator pg_catalog.record;
begin
    moderator := stream_ext.moderation_begin($1, true);
    if $2 is null then
        perform stream_ext.error_null('user_id');
    end if;
    perform stream_ext.moderation_check_kind($3);
    perform stream_ext.moderation_check_target(moderator.rank, moderator.seller_id, moderator.actor, $2);
    -- An expired one is left to the sweep.
    if not exists (
        select from stream_private.restrictions as r
        where r.session_id = $1 and r.user_id = $2 and r.kind = $3 and r.is_in_force
    ) then
        return 'not_restricted';
    end if;
    perform stream_ext.moderation_note_charge($1, moderator.actor, stream_ext.moderation_charge($1, moderator.actor));
    perform stream_ext.moderation_announce($1, moderator.actor, true,
        case $3 when 'mute' then 'mute_lifted' else 'ban_lifted' end,
        case $3 when 'mute' then 'A user may write again.' else 'A user may come back.' end,
        jsonb_build_object('kind', 'restriction_lifted', 'user_id', $2, 'restriction', $3, 'until', null),
        $2);
    delete from stream.chat_restrictions as r where r.session_id = $1 and r.user_id = $2 and r.kind = $3;
    perform stream_ext.moderation_notify($2, 'restricted', $1, $3, false, null);
    return 'lifted';
end
$$;
comment on function stream_ext.lift_restriction(uuid, uuid, text) is 'Lifts a mute or ban that is in force.';

create function stream_ext.moderation_require_reader(session_id uuid) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if $1 is not null then
        perform stream_ext.require_moderator($1);
    elsif stream_ext.enter_to_read() is not null then
        perform stream_ext.refuse('not_moderator');
    end if;
end
$$;
comment on function stream_ext.moderation_require_reader(uuid) is
    'Admits moderators of the stream; for decisions about all streams (null) the service alone.';

create function stream_ext.get_moderation_log(of_session uuid, before_id bigint, page_size integer)
returns table (
    id bigint, session_id uuid, seq bigint, action text, actor uuid, user_id uuid, target_seq bigint, reason text,
    until timestamptz, term text, created_at timestamptz
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform stream_ext.moderation_require_reader($1);
    perform stream_private.check_page_size($3);
    if $1 is null then
        return query
        select l.id, l.session_id, l.seq, l.action, l.actor, l.user_id, l.target_seq, l.reason, l.until, l.term, l.created_at
        from stream.moderation_log as l
        where l.session_id is null and ($2 is null or l.id < $2)
        order by l.id desc limit $3;
        return;
    end if;
    return query
    select l.id, l.session_id, l.seq, l.action, l.actor, l.user_id, l.target_seq, l.reason, l.until, l.term, l.created_at
    from stream.moderation_log as l
    where l.session_id = $1 and ($2 is null or l.id < $2)
    order by l.id desc limit $3;
end
$$;
comment on function stream_ext.get_moderation_log(uuid, bigint, integer) is 'Decisions, the newest first; null: those about all streams.';

create function stream_ext.list_restrictions(session_id uuid, after uuid, page_size integer)
returns table (user_id uuid, kind text, until timestamptz, actor uuid, reason text, created_at timestamptz)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform stream_ext.require_moderator($1);
    perform stream_private.check_page_size($3);
    -- The page size counts users, so that no user is split between two pages.
    return query
    with users as (
        select distinct r.user_id from stream_private.restrictions as r
        where r.session_id = $1 and ($2 is null or r.user_id > $2) and r.is_in_force
        order by r.user_id limit $3
    )
    select r.user_id, r.kind, r.until, r.actor, r.reason, r.created_at
    from users as u
    join stream_private.restrictions as r on r.session_id = $1 and r.user_id = u.user_id
    where r.is_in_force
    order by r.user_id, r.kind;
end
$$;
comment on function stream_ext.list_restrictions(uuid, uuid, integer) is 'Mutes and bans in force, by ascending user.';
