-- The rules for rows with an end of their own: leases, tokens and restrictions. Their due rows are locked together and handled stream
-- by stream.

create function stream_ext.sweep_tally(rule text, taken integer, swept integer, age interval) returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return jsonb_build_object('rows', greatest($2, $3), 'tallies', jsonb_build_object($1,
        jsonb_build_array($3, (extract(epoch from $4) * 1000000)::bigint)));
end
$$;
comment on function stream_ext.sweep_tally(text, integer, integer, interval) is
    'What a rule did to one stream: rows that count against its batch, and the rows and the age that it reports.';

create function stream_ext.regular_take_viewer_leases(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    with overdue as (
        select v.session_id, v.user_id
        from stream.stream_viewers as v
        where v.is_active and v.lease_check_at <= now() and v.session_id <> all ($3)
        order by v.lease_check_at limit $2
        for no key update skip locked
    ), misdated as (
        -- A check that lies further ahead than any lease can last is from before the clock was set back.
        select v.session_id, v.user_id
        from stream.stream_viewers as v
        where v.is_active and v.lease_check_at > now()
            + (select 2 * c.lease_s from stream.config as c) * interval '1 second'
            and v.session_id <> all ($3)
        order by v.lease_check_at desc limit $2
        for no key update skip locked
    )
    select d.session_id, jsonb_agg(d.user_id order by d.user_id), false
    from (select * from overdue union all select * from misdated) as d
    group by d.session_id order by d.session_id;
end
$$;
comment on function stream_ext.regular_take_viewer_leases(integer, integer, uuid[], jsonb) is 'Leases whose check is due.';

create function stream_ext.regular_do_viewer_leases(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    due_keys constant pg_catalog.uuid[] := stream_ext.regular_ids($2);
    swept_rows pg_catalog.record;
begin
    -- Judges the locked rows, so that a heartbeat that has just come in counts.
    with judged as (
        select v.user_id, v.lease_check_at, least(v.last_seen_at, now()) as seen_at, v.ends_at, v.holds, v.watched_ms
        from stream_private.leases as v
        where v.session_id = $1 and v.user_id = any (due_keys)
    ), swept as (
        update stream.stream_viewers as v
        set left_at = case when not j.holds then j.ends_at end,
            last_seen_at = j.seen_at,
            lease_check_at = j.ends_at,
            watch_ms = case when j.holds then v.watch_ms else j.watched_ms end
        from judged as j
        where v.session_id = $1 and v.user_id = j.user_id
        returning v.is_active, now() - j.lease_check_at as age
    ), noted as (
        insert into stream.viewer_changes (session_id)
        select $1 where exists (select from swept as w where not w.is_active)
    )
    select count(*)::integer as rows, max(w.age) as age into swept_rows from swept as w where not w.is_active;
    return stream_ext.sweep_tally('viewer_leases', jsonb_array_length($2), swept_rows.rows, swept_rows.age);
end
$$;
comment on function stream_ext.regular_do_viewer_leases(uuid, jsonb, jsonb) is 'Ends leases that are over.';

create function stream_ext.regular_take_tokens(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    with due as (
        select t.session_id, t.id from stream.agora_tokens as t
        where t.is_active and t.check_at <= now() and t.expires_at <= now() and t.session_id <> all ($3)
        order by t.check_at limit $2
        for no key update skip locked
    )
    select d.session_id, jsonb_agg(d.id), false from due as d group by d.session_id order by d.session_id;
end
$$;
comment on function stream_ext.regular_take_tokens(integer, integer, uuid[], jsonb) is 'Expired tokens.';

create function stream_ext.regular_do_tokens(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    due_keys constant pg_catalog.uuid[] := stream_ext.regular_ids($2);
    swept_rows pg_catalog.record;
begin
    with swept as (
        update stream.agora_tokens as t set is_active = false
        where t.id = any (due_keys) and t.session_id = $1 and t.is_active
        returning now() - t.expires_at as age
    )
    select count(*)::integer as rows, max(w.age) as age into swept_rows from swept as w;
    return stream_ext.sweep_tally('tokens', jsonb_array_length($2), swept_rows.rows, swept_rows.age);
end
$$;
comment on function stream_ext.regular_do_tokens(uuid, jsonb, jsonb) is 'Marks expired tokens as inactive.';

create function stream_ext.regular_take_restrictions(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    with due as (
        select r.session_id, r.user_id from stream_private.restrictions as r
        where not r.is_in_force and r.session_id <> all ($3)
        order by r.until limit $2
        for update skip locked
    )
    select d.session_id, jsonb_agg(distinct d.user_id), false from due as d group by d.session_id order by d.session_id;
end
$$;
comment on function stream_ext.regular_take_restrictions(integer, integer, uuid[], jsonb) is 'Mutes and bans that are over.';

create function stream_ext.regular_do_restrictions(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    due_keys constant pg_catalog.uuid[] := stream_ext.regular_ids($2);
    swept_rows pg_catalog.record;
begin
    with due as (
        select r.user_id, r.kind, r.until from stream_private.restrictions as r
        where r.session_id = $1 and r.user_id = any (due_keys) and not r.is_in_force
        for update skip locked
    ), swept as (
        delete from stream.chat_restrictions as r using due as d
        where r.session_id = $1 and r.user_id = d.user_id and r.kind = d.kind
        returning now() - d.until as age
    )
    select count(*)::integer as rows, max(w.age) as age into swept_rows from swept as w;
    return stream_ext.sweep_tally('restrictions', jsonb_array_length($2), swept_rows.rows, swept_rows.age);
end
$$;
comment on function stream_ext.regular_do_restrictions(uuid, jsonb, jsonb) is 'Deletes mutes and bans that are over.';
