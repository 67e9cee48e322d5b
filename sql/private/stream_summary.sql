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
    select count(*), coalesce(sum(coalesce(e.watched_ms, v.watch_ms)), 0)
    into result.unique_viewers, result.watch_ms
    from stream.stream_viewers as v
    left join stream_private.leases as e on e.session_id = v.session_id and e.user_id = v.user_id
    where v.session_id = $1;
    select session.message_count + count(*),
        session.deleted_message_count + count(*) filter (where m.deleted_at is not null)
    into result.message_count, result.deleted_message_count
    from stream.chat_messages as m
    where m.session_id = $1 and m.seq > session.counted_seq and m.message_type = 'user_message';
    return result;
end
$$;
comment on function stream_private.get_stream_summary is $$
What came of a stream: length, peak, viewers, watch time, messages and why it ended; while it goes on, so far, counted from the
rows of this stream. The figures of one that has ended are kept by the next sweep and change no more. Seller and service only.
@callers authenticated, service_role
@errors invalid_argument, session_not_found, not_stream_owner
$$;
