-- The rule ended_resources: closes what ended streams left open, and counts what their summaries tell. Functions close everything in the
-- transaction that ends a stream; this is for streams that were ended otherwise, and for rows that were locked then.

create function stream_ext.regular_take_ended_resources(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select s.id, jsonb_build_object('ended_at', s.ended_at,
        'age_us', (greatest(extract(epoch from now() - s.ended_at), 0) * 1000000)::bigint), false
    from stream.stream_sessions as s
    where s.state = 'ended' and not s.is_cleaned and s.id <> all ($3)
    order by s.ended_at limit least($1, $2)
    for no key update skip locked;
end
$$;
comment on function stream_ext.regular_take_ended_resources(integer, integer, uuid[], jsonb) is 'Ended streams that may have left something open.';

create function stream_ext.regular_do_ended_resources(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    ended constant pg_catalog.timestamptz := $2 ->> 'ended_at';
    at_most constant pg_catalog.int4 := ($3 ->> 'rows_left')::integer;
    rest pg_catalog.int4 := at_most;
    closed pg_catalog.int4;
begin
    with left_over as (
        select v.user_id from stream.stream_viewers as v
        where v.session_id = $1 and v.is_active limit rest for no key update skip locked
    )
    update stream.stream_viewers as v
    set left_at = ended, watch_ms = v.watch_ms + stream_ext.viewer_watched_ms(v.joined_at, ended)
    from left_over as l where v.session_id = $1 and v.user_id = l.user_id;
    get diagnostics closed = row_count;
    rest := rest - closed;
    -- Does not wait for the deletion of a user, which may wait for rows that this sweep holds.
    with left_over as (
        select t.id from stream.agora_tokens as t
        where t.session_id = $1 and t.is_active limit rest for no key update skip locked
    )
    update stream.agora_tokens as t set is_active = false from left_over as l where t.id = l.id;
    get diagnostics closed = row_count;
    rest := rest - closed;
    with left_over as (
        select b.id from stream.chat_subscriptions as b
        where b.session_id = $1 and b.is_active limit rest for no key update skip locked
    )
    update stream.chat_subscriptions as b set is_active = false, ended_at = ended from left_over as l where b.id = l.id;
    get diagnostics closed = row_count;
    rest := rest - closed;
    with left_over as (
        select h.session_id from stream.chat_heads as h
        where h.session_id = $1 and h.open for no key update skip locked
    )
    update stream.chat_heads as h set open = false from left_over as l where h.session_id = l.session_id;
    perform stream_ext.reaction_close($1);
    -- After a full batch, or with locked rows, the rest is left to the next sweep.
    perform stream_ext.sweep_count_ended($1, 10000);
    return jsonb_build_object('rows', greatest(at_most - rest, 1),
        'tallies', jsonb_build_object('ended_resources', jsonb_build_array(1, ($2 ->> 'age_us')::bigint)));
end
$$;
comment on function stream_ext.regular_do_ended_resources(uuid, jsonb, jsonb) is
    'Closes leases, tokens, subscriptions, the log and reactions that an ended stream left and nobody holds, and counts what its summary tells.';

create function stream_ext.sweep_count_ended(session_id uuid, part_size bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- Counts a part of the log; behind its last part, when nothing is open any more, a part of the viewers. One write: a second one in a
    -- transaction would check the references of the row again, and wait for whoever holds them.
    with part as (
        select s.counted_seq, s.counted_uid, least(l.last_seq, s.counted_seq + $2) as upto,
            s.counted_seq + $2 >= l.last_seq
                and not exists (select from stream.stream_viewers as v where v.session_id = $1 and v.is_active)
                and not exists (select from stream.agora_tokens as t where t.session_id = $1 and t.is_active)
                and not exists (select from stream.chat_subscriptions as b where b.session_id = $1 and b.is_active)
                and not exists (select from stream.reaction_counts as c where c.session_id = $1)
                and not exists (select from stream.reaction_totals as k where k.session_id = $1)
                and not l.open as is_closed
        from stream.stream_sessions as s
        cross join lateral (
            select coalesce(max(h.last_seq), 0) as last_seq, coalesce(bool_or(h.open), false) as open
            from stream.chat_heads as h where h.session_id = $1
        ) as l
        where s.id = $1
    )
    update stream.stream_sessions as s
    set counted_seq = p.upto, message_count = s.message_count + m.messages,
        deleted_message_count = s.deleted_message_count + m.deleted,
        counted_uid = v.upto, unique_viewers = s.unique_viewers + v.viewers,
        watch_ms = s.watch_ms + v.watch_ms, is_cleaned = p.is_closed and v.viewers < $2
    from part as p
    cross join lateral (
        select count(*) as messages, count(*) filter (where m.deleted_at is not null) as deleted
        from stream.chat_messages as m
        where m.session_id = $1 and m.seq > p.counted_seq and m.seq <= p.upto and m.message_type = 'user_message'
    ) as m
    cross join lateral (
        select count(*) as viewers, coalesce(sum(n.watch_ms), 0)::bigint as watch_ms,
            coalesce(max(n.agora_uid), p.counted_uid) as upto
        from (
            select v.agora_uid, v.watch_ms from stream.stream_viewers as v
            where v.session_id = $1 and p.is_closed and v.agora_uid > p.counted_uid
            order by v.agora_uid limit $2
        ) as n
    ) as v
    where s.id = $1 and (p.is_closed or p.upto > p.counted_seq);
end
$$;
comment on function stream_ext.sweep_count_ended(uuid, bigint) is 'Counts entries and viewers of an ended stream, so many of each.';
