-- Reactions: counting one, and the totals that are broadcast. A reaction takes no number of the log, and of the rows that others
-- lock only the caller's own, so it is either before the end of the stream, and in its last totals, or refused.

create function stream_ext.reaction_check_live(session_id uuid) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    found_row pg_catalog.record;
begin
    select s.seller_id, s.state into found_row from stream.stream_sessions as s where s.id = $1;
    if found_row.state is null then
        perform stream_ext.refuse('session_not_found');
    end if;
    if found_row.state = 'ended' then
        perform stream_ext.refuse('stream_ended');
    end if;
    return found_row.seller_id;
end
$$;
comment on function stream_ext.reaction_check_live(uuid) is 'Refuses an ended stream as it is committed now; returns the seller.';

create function stream_ext.reaction_add(session_id uuid, kind text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    free pg_catalog.uuid;
begin
    -- A transaction that stays open holds its row and no other, so there are as many rows as transactions that react at the same
    -- moment, and none of them waits.
    select c.id into free from stream.reaction_counts as c
    where c.session_id = $1 and c.kind = $2 limit 1 for no key update skip locked;
    if free is not null then
        update stream.reaction_counts as c set added = c.added + 1 where c.session_id = $1 and c.kind = $2 and c.id = free;
        return;
    end if;
    -- A random key, so that two that find no free row at the same moment do not meet.
    free := gen_random_uuid();
    insert into stream.reaction_counts (session_id, kind, id, added) values ($1, $2, free, 1);
end
$$;
comment on function stream_ext.reaction_add(uuid, text) is 'Counts one reaction, without waiting for anybody.';

create function stream_ext.send_reaction(session_id uuid, kind text) returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    caller constant pg_catalog.record := stream_ext.caller_admit(true);
    sender_id constant pg_catalog.uuid := stream_ext.caller_resolve(caller.id, null);
    settings pg_catalog.record;
    lease pg_catalog.record;
    rates pg_catalog.record;
    holds_lease pg_catalog.bool;
    verdict pg_catalog.record;
    moment pg_catalog.timestamptz;
    result stream.reaction_result;
begin
    -- Like a heartbeat: a crash loses the reactions of a moment, and the broadcast waits for the disk.
    perform stream_ext.heartbeat_skip_disk();
    perform stream_ext.application_hold_user(sender_id);
    if $1 is null or $2 is null then
        perform stream_ext.error_null(case when $1 is null then 'session_id' else 'kind' end);
    end if;
    select c.reaction_kinds, c.anonymous_users_may_chat, c.reaction_interval_ms * 1000::bigint as interval_us,
        c.reaction_interval_ms * 1000::bigint * (c.reaction_burst - 1) as tolerance_us
    into settings from stream.config as c where c.id;
    if $2 <> all (settings.reaction_kinds) then
        perform stream_ext.refuse_with_hint('invalid_argument', case
            when cardinality(settings.reaction_kinds) = 0 then 'this application has no reactions'
            else 'kind is one of ' || array_to_string(settings.reaction_kinds, ', ') end);
    end if;
    if stream_ext.reaction_check_live($1) = sender_id then
        perform stream_ext.gate_pass($1);
        perform from stream.stream_sessions as s where s.id = $1 for share;
        perform stream_ext.reaction_check_live($1);
        insert into stream.reaction_rates (session_id, tat) values ($1, '-infinity') on conflict do nothing;
        select r.tat into rates from stream.reaction_rates as r where r.session_id = $1 for no key update;
        moment := clock_timestamp();
        verdict := stream_ext.rate_spend(settings.interval_us, settings.tolerance_us, stream_ext.rate_ahead_us(rates.tat, moment));
        if verdict.spent_us is not null then
            update stream.reaction_rates as r set tat = moment + verdict.spent_us * interval '1 microsecond'
            where r.session_id = $1;
        end if;
    else
        -- A wait for the row, which a message of the same viewer may hold, counts as silence.
        select v.reaction_tat into lease from stream.stream_viewers as v
        where v.session_id = $1 and v.user_id = sender_id and v.is_active for no key update;
        holds_lease := found;
        moment := clock_timestamp();
        verdict := stream_ext.rate_spend(
            settings.interval_us, settings.tolerance_us, stream_ext.rate_ahead_us(lease.reaction_tat, moment));
        -- After the row is locked, so that whatever was committed before counts.
        perform stream_ext.reaction_check_live($1);
        perform stream_ext.reaction_check_sender($1, sender_id, caller.is_anonymous
            and not settings.anonymous_users_may_chat, holds_lease);
        if verdict.spent_us is not null then
            update stream.stream_viewers as v
            set reaction_tat = moment + verdict.spent_us * interval '1 microsecond', last_seen_at = moment
            where v.session_id = $1 and v.user_id = sender_id;
        end if;
    end if;
    if verdict.spent_us is not null then
        perform stream_ext.reaction_add($1, $2);
    end if;
    result.accepted := verdict.spent_us is not null;
    result.retry_after_ms := verdict.wait_ms;
    return result;
end
$$;
comment on function stream_ext.send_reaction(uuid, text) is 'Sends one reaction; a stream.reaction_result.';

create function stream_ext.reaction_check_sender(session_id uuid, user_id uuid, is_kept_out boolean, holds_lease boolean)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    mute pg_catalog.record;
begin
    if $3 then
        perform stream_ext.refuse('anonymous_user');
    end if;
    if exists (select from stream_private.bans as b where b.session_id = $1 and b.user_id = $2) then
        perform stream_ext.refuse('banned');
    end if;
    if not $4 then
        perform stream_ext.refuse('not_viewer');
    end if;
    select r.until, r.user_id into mute from stream_private.restrictions as r
    where r.session_id = $1 and r.user_id = $2 and r.kind = 'mute' and r.is_in_force;
    if mute.user_id is not null then
        perform stream_ext.error_retry_after(
            'muted', greatest(floor(extract(epoch from mute.until - clock_timestamp()) * 1000), case when mute.until is not null then 0 end)::bigint);
    end if;
end
$$;
comment on function stream_ext.reaction_check_sender(uuid, uuid, boolean, boolean) is 'Refuses a viewer who may not react.';

create function stream_ext.reaction_send_totals(session_id uuid) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
    moment constant pg_catalog.timestamptz := clock_timestamp();
    method constant pg_catalog.text := stream_ext.realtime_hold(moment);
    totals pg_catalog.json;
begin
    if method is null then
        return false;
    end if;
    -- Takes the counts that nobody holds. Each row is deleted by its place: a few of one stream, which this transaction has locked.
    with taken as (
        delete from stream.reaction_counts as c where c.ctid = any (array(
            select f.ctid from stream.reaction_counts as f where f.session_id = $1 for update skip locked))
        returning c.kind, c.added
    ), added as materialized (
        select t.kind, sum(t.added)::bigint as added from taken as t group by t.kind
    ), counted as (
        insert into stream.reaction_totals as k (session_id, kind, total, sent_at)
        select $1, a.kind, a.added, clock_timestamp() from added as a order by a.kind
        on conflict on constraint reaction_totals_pkey do update
        set total = k.total + excluded.total, sent_at = excluded.sent_at
        returning k.kind, k.total
    )
    select json_agg(json_build_object('kind', n.kind, 'total', n.total, 'added', coalesce(a.added, 0)) order by n.kind)
    into totals
    from (
        select c.kind, c.total from counted as c
        union all
        select k.kind, k.total from stream.reaction_totals as k
        where k.session_id = $1 and k.kind not in (select c.kind from counted as c) and exists (select from counted)
    ) as n
    left join added as a on a.kind = n.kind;
    if totals is null then
        return false;
    end if;
    perform stream_ext.realtime_write(method, 'viewers:' || $1, 'reactions',
        json_build_object('session_id', $1, 'reactions', totals, 'server_time', moment)::text, moment);
    perform stream_ext.realtime_note_sent('viewers:' || $1, 'reactions');
    return true;
end
$$;
comment on function stream_ext.reaction_send_totals(uuid) is
    'Broadcasts the totals of a stream with what was counted since the last broadcast; returns whether there was anything. What a transaction that reacts still holds is left to the next. Takes nothing while no partition takes the broadcast.';

create function stream_ext.reaction_close(session_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Whether nobody can react any more: whoever does holds the row of an open lease.
    if not exists (
        select from stream.stream_sessions as s
        where s.id = $1 and s.state = 'ended'
            and not exists (select from stream.stream_viewers as v where v.session_id = $1 and v.is_active)
            and (exists (select from stream.reaction_counts as c where c.session_id = $1)
                or exists (select from stream.reaction_totals as k where k.session_id = $1)
                or exists (select from stream.reaction_rates as r where r.session_id = $1))
    ) then
        return;
    end if;
    perform stream_ext.reaction_send_totals($1);
    -- Without a partition the last counts go unsent. Whatever somebody holds is left to the next sweep.
    delete from stream.reaction_counts as c where c.ctid = any (array(
        select f.ctid from stream.reaction_counts as f where f.session_id = $1 for update skip locked));
    with cleared as (
        delete from stream.reaction_rates as r where r.session_id = $1
    )
    delete from stream.reaction_totals as k where k.session_id = $1
        and not exists (select from stream.reaction_counts as c where c.session_id = $1);
end
$$;
comment on function stream_ext.reaction_close(uuid) is
    'Broadcasts the last totals of a stream that has ended, and deletes all that is kept about its reactions, once its leases are closed.';
