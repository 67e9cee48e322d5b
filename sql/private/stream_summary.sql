-- The summary of a stream for its seller.
create function stream_private.get_stream_summary(session_id uuid)
returns stream.stream_summary
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    caller pg_catalog.uuid := stream_ext.enter_to_read();
    session pg_catalog.record;
    result stream.stream_summary;
    -- Of entries, and of viewers, that one call reads.
    at_most constant pg_catalog.int8 := 10000;
    uncounted pg_catalog.int8;
    newest_uid pg_catalog.int8;
    viewers pg_catalog.int8;
begin
    if $1 is null then
        perform stream_ext.refuse_with_hint('invalid_argument', 'session_id must not be null');
    end if;
    select s.id, s.seller_id, s.auction_id, s.state, s.state_reason, s.created_at, s.started_at, s.ended_at,
        s.peak_viewer_count, s.is_cleaned, s.counted_seq, s.unique_viewers, s.watch_ms, s.message_count,
        s.deleted_message_count
    into session
    from stream.stream_sessions as s
    where s.id = $1;
    if not found then
        perform stream_ext.refuse('session_not_found');
    end if;
    if caller <> session.seller_id then
        perform stream_ext.refuse('not_stream_owner');
    end if;
    result := row(
        session.id, session.auction_id, left(stream.hook_title(session.auction_id), 200), session.state,
        case when session.state = 'ended' then session.state_reason end,
        session.created_at, session.started_at, session.ended_at,
        coalesce(greatest(0, extract(epoch from coalesce(session.ended_at, now()) - session.started_at) * 1000)::bigint, 0),
        session.peak_viewer_count, session.unique_viewers, session.watch_ms, session.message_count,
        session.deleted_message_count
    )::stream.stream_summary;
    -- Counted by the sweep, once and for all.
    if session.is_cleaned then
        return result;
    end if;
    -- Uids are drawn at random, so the lowest ones are a fair sample, and from how far apart they lie follows how many there are.
    select count(*), coalesce(sum(n.watched_ms), 0), max(n.agora_uid)
    into result.unique_viewers, result.watch_ms, newest_uid
    from (
        select v.agora_uid, coalesce(
            (select e.watched_ms from stream_private.leases as e where e.session_id = $1 and e.user_id = v.user_id),
            v.watch_ms) as watched_ms
        from stream.stream_viewers as v
        where v.session_id = $1
        order by v.agora_uid
        limit at_most + 1
    ) as n;
    if result.unique_viewers > at_most then
        viewers := (at_most * (2147483647 - 1000000)) / (newest_uid - 1000000 + 1);
        result.watch_ms := (result.watch_ms::numeric * viewers / result.unique_viewers)::bigint;
        result.unique_viewers := viewers;
    end if;
    select h.last_seq - session.counted_seq into uncounted from stream.chat_heads as h where h.session_id = $1;
    -- A long log in a hundred parts as far from one another.
    select count(*), count(*) filter (where m.deleted_at is not null)
    into result.message_count, result.deleted_message_count
    from generate_series(0, case when uncounted > at_most then 99 else 0 end) as part
    cross join lateral (
        select e.deleted_at from stream.chat_messages as e
        where e.session_id = $1 and e.message_type = 'user_message'
            and e.seq > session.counted_seq + part * uncounted / 100
            and e.seq <= session.counted_seq + part * uncounted / 100
                + case when uncounted > at_most then at_most / 100 else at_most end
    ) as m;
    if uncounted > at_most then
        result.message_count := result.message_count * uncounted / at_most;
        result.deleted_message_count := result.deleted_message_count * uncounted / at_most;
    end if;
    result.message_count := session.message_count + result.message_count;
    result.deleted_message_count := session.deleted_message_count + result.deleted_message_count;
    return result;
end
$$;
comment on function stream_private.get_stream_summary is $$
What came of a stream: length, peak, viewers, watch time, messages and why it ended; while it goes on, so far. One call reads
10,000 viewers and 10,000 entries at most: beyond them the figures are estimates from these (about 1 in 100 off) until the stream
has ended. Then the next sweeps count all and keep the figures, which change no more. Seller and service only.
@callers authenticated, service_role
@errors invalid_argument, session_not_found, not_stream_owner
$$;
