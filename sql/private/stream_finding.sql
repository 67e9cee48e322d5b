-- Finding the stream of an auction, and listing those that are live.
create function stream_private.get_live_stream(auction_id uuid)
returns stream.live_stream
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    caller pg_catalog.uuid := stream_ext.enter_to_read();
    result stream.live_stream;
begin
    if $1 is null then
        perform stream_ext.refuse_with_hint('invalid_argument', 'auction_id must not be null');
    end if;
    select s.id, s.auction_id, s.seller_id, left(stream.hook_title(s.auction_id), 200), s.state,
        s.viewer_count, s.peak_viewer_count, s.created_at, s.started_at
    into result
    from stream.stream_sessions as s
    where s.auction_id = $1 and s.state <> 'ended';
    -- Whoever may not watch does not learn that there is one.
    if not found or not stream_private.may_watch(caller, result.session_id, result.seller_id) then
        perform stream_ext.refuse_with_hint('session_not_found', 'There is no live stream of this auction that you may watch.');
    end if;
    return result;
end
$$;
comment on function stream_private.get_live_stream is $$
The stream of an auction that has not ended, for its seller and for whoever may view it and is not banned. One that is not
there and one that the caller may not watch are refused alike.
@callers authenticated, service_role
@errors invalid_argument, session_not_found
$$;

create function stream_private.list_live_streams(page_size integer default 50, after uuid default null)
returns stream.live_page
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
-- Otherwise Postgres reads all streams that are on by an index of another order and sorts them (2,000 of them, seen).
set enable_sort = off
as $$
declare
    most constant pg_catalog.int4 := 500;
    caller pg_catalog.uuid := stream_ext.enter_to_read();
    result stream.live_page := row('{}'::stream.live_stream[], null);
    page stream.live_stream[] := '{}';
    looked_at pg_catalog.int4 := 0;
    last pg_catalog.uuid;
    live pg_catalog.record;
begin
    perform stream_private.check_page_size($1);
    for live in
        select s.id, s.auction_id, s.seller_id, s.state, s.viewer_count, s.peak_viewer_count, s.created_at, s.started_at
        from stream.stream_sessions as s
        where s.state <> 'ended' and s.id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
        order by s.id desc
        limit most + 1
    loop
        if cardinality(page) = $1 or looked_at = most then
            result.next_after := last;
            exit;
        end if;
        looked_at := looked_at + 1;
        last := live.id;
        if stream_private.may_watch(caller, live.id, live.seller_id) then
            page := page || row(
                live.id, live.auction_id, live.seller_id, left(stream.hook_title(live.auction_id), 200), live.state,
                live.viewer_count, live.peak_viewer_count, live.created_at, live.started_at
            )::stream.live_stream;
        end if;
    end loop;
    result.streams := page;
    return result;
end
$$;
comment on function stream_private.list_live_streams is $$
The streams that have not ended and that the caller may watch, the newest first, those behind after; page_size 1 to 200. One
call looks at 500 streams at most, so a page can be short, or empty, although more follow: go on while next_after is not null.
@callers authenticated, service_role
@errors invalid_argument
$$;
