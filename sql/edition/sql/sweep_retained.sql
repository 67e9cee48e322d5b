-- The rules for rows that are kept for a time: notices, cursors, first results and rates.

create function stream_ext.regular_take_webhook_events(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    -- A notice without a stream counts for the nil uuid.
    with due as (
        select coalesce(e.session_id, '00000000-0000-0000-0000-000000000000') as session_id, e.notice_id
        from stream.webhook_events as e
        where e.received_at <= now() - (select k.webhook_retention_days from stream.config as k) * interval '1 day'
            and coalesce(e.session_id, '00000000-0000-0000-0000-000000000000') <> all ($3)
        order by e.received_at limit $2
        for update of e skip locked
    )
    select d.session_id, jsonb_agg(d.notice_id), false from due as d group by d.session_id order by d.session_id;
end
$$;
comment on function stream_ext.regular_take_webhook_events(integer, integer, uuid[], jsonb) is 'Agora''s notices that are older than their retention.';

create function stream_ext.regular_do_webhook_events(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    due_keys constant pg_catalog.text[] := array(select n.id from jsonb_array_elements_text($2) as n (id));
    swept_rows pg_catalog.record;
begin
    with swept as (
        delete from stream.webhook_events as e
        where e.notice_id = any (due_keys)
            and coalesce(e.session_id, '00000000-0000-0000-0000-000000000000') = $1
        returning now() - e.received_at - (select k.webhook_retention_days from stream.config as k) * interval '1 day' as age
    )
    select count(*)::integer as rows, max(w.age) as age into swept_rows from swept as w;
    return stream_ext.sweep_tally('webhook_events', jsonb_array_length($2), swept_rows.rows, swept_rows.age);
end
$$;
comment on function stream_ext.regular_do_webhook_events(uuid, jsonb, jsonb) is 'Deletes notices of Agora.';

create function stream_ext.regular_take_webhook_cursors(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    with due as (
        select k.session_id, k.uid from stream.webhook_cursors as k
        where k.forget_at <= now() and k.session_id <> all ($3)
        order by k.forget_at limit $2
        for update skip locked
    )
    select d.session_id, jsonb_agg(d.uid), false from due as d group by d.session_id order by d.session_id;
end
$$;
comment on function stream_ext.regular_take_webhook_cursors(integer, integer, uuid[], jsonb) is 'Cursors of users who left a minute ago, and of streams beyond their longest duration.';

create function stream_ext.regular_do_webhook_cursors(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    due_keys constant pg_catalog.int8[] := array(select n.id::bigint from jsonb_array_elements_text($2) as n (id));
    swept_rows pg_catalog.record;
begin
    -- Judges the locked rows, so one that was moved on meanwhile is kept.
    with swept as (
        delete from stream.webhook_cursors as k
        where k.session_id = $1 and k.uid = any (due_keys)
            and k.forget_at <= now()
        returning now() - k.forget_at as age
    )
    select count(*)::integer as rows, max(w.age) as age into swept_rows from swept as w;
    return stream_ext.sweep_tally('webhook_cursors', jsonb_array_length($2), swept_rows.rows, swept_rows.age);
end
$$;
comment on function stream_ext.regular_do_webhook_cursors(uuid, jsonb, jsonb) is 'Deletes cursors of Agora''s notices.';

create function stream_ext.regular_take_requests(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    -- Request ids belong to no stream; the nil uuid stands for that.
    with due as (
        select r.id from stream.requests as r
        where r.created_at <= now() - (select k.request_retention_hours from stream.config as k) * interval '1 hour'
            and '00000000-0000-0000-0000-000000000000' <> all ($3)
        order by r.created_at limit $2
        for update skip locked
    )
    select '00000000-0000-0000-0000-000000000000'::uuid, jsonb_agg(d.id), false from due as d having count(*) > 0;
end
$$;
comment on function stream_ext.regular_take_requests(integer, integer, uuid[], jsonb) is 'First results whose retention is over.';

create function stream_ext.regular_do_requests(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    due_keys constant pg_catalog.int8[] := array(select n.id::bigint from jsonb_array_elements_text($2) as n (id));
    swept_rows pg_catalog.record;
begin
    with swept as (
        delete from stream.requests as r
        where r.id = any (due_keys) and $1 = '00000000-0000-0000-0000-000000000000'
        returning now() - r.created_at - (select k.request_retention_hours from stream.config as k) * interval '1 hour' as age
    )
    select count(*)::integer as rows, max(w.age) as age into swept_rows from swept as w;
    return stream_ext.sweep_tally('requests', jsonb_array_length($2), swept_rows.rows, swept_rows.age);
end
$$;
comment on function stream_ext.regular_do_requests(uuid, jsonb, jsonb) is 'Deletes first results of request ids.';

create function stream_ext.regular_take_start_rates(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    -- Rates belong to sellers and to no stream, too. One that lies an hour in the past has long limited nothing; one beyond a minute
    -- ahead is from before the clock was set back.
    with past as (
        select r.seller_id from stream.start_rates as r
        where r.tat <= now() - interval '1 hour' and '00000000-0000-0000-0000-000000000000' <> all ($3)
        order by r.tat limit $2
        for update skip locked
    ), misdated as (
        select r.seller_id from stream.start_rates as r
        where r.tat > now() + interval '2 minutes' and '00000000-0000-0000-0000-000000000000' <> all ($3)
        order by r.tat desc limit $2
        for update skip locked
    )
    select '00000000-0000-0000-0000-000000000000'::uuid, jsonb_agg(d.seller_id), false
    from (select * from past union all select * from misdated) as d having count(*) > 0;
end
$$;
comment on function stream_ext.regular_take_start_rates(integer, integer, uuid[], jsonb) is 'Rates of sellers that limit nothing any more.';

create function stream_ext.regular_do_start_rates(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    due_keys constant pg_catalog.uuid[] := stream_ext.regular_ids($2);
    swept_rows pg_catalog.record;
begin
    with swept as (
        delete from stream.start_rates as r
        where r.seller_id = any (due_keys) and $1 = '00000000-0000-0000-0000-000000000000'
        returning greatest(now() - interval '1 hour' - r.tat, interval '0') as age
    )
    select count(*)::integer as rows, max(w.age) as age into swept_rows from swept as w;
    return stream_ext.sweep_tally('start_rates', jsonb_array_length($2), swept_rows.rows, swept_rows.age);
end
$$;
comment on function stream_ext.regular_do_start_rates(uuid, jsonb, jsonb) is 'Deletes the rates of sellers who may start as often as anybody again.';
