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

create function stream_private.find_live_streams(after uuid, at_most integer) returns setof stream.live_stream
language plpgsql stable
set search_path = pg_catalog, pg_temp
-- Otherwise Postgres reads all streams that are on by an index of another order and sorts them (2,000 of them, seen). For
-- this statement alone: hooks of the application plan as ever.
set enable_sort = off
as $$
begin
    return query
    select s.id, s.auction_id, s.seller_id, null::text, s.state, s.viewer_count, s.peak_viewer_count, s.created_at,
        s.started_at
    from stream.stream_sessions as s
    where s.state <> 'ended' and s.started_at is not null and s.id < $1
    order by s.id desc
    limit $2;
end
$$;
comment on function stream_private.find_live_streams(uuid, integer) is
    'The streams behind `after` that were active and have not ended, the newest first and without titles; also those that the caller may not watch.';

create function stream_private.milliseconds_of(id uuid) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return ('x' || left(replace($1::text, '-', ''), 12))::bit(48)::bigint;
end
$$;
comment on function stream_private.milliseconds_of(uuid) is 'The Unix time in milliseconds with which a UUID of version 7 begins.';

create function stream_private.list_live_streams(page_size integer default 50, after uuid default null)
returns stream.live_page
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    most constant pg_catalog.int4 := 500;
    caller pg_catalog.uuid := stream_ext.enter_to_read();
    page stream.live_stream[] := '{}'::stream.live_stream[];
    looked_at pg_catalog.int4 := 0;
    last pg_catalog.uuid := coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
    last_is_told pg_catalog.bool;
    is_last_chunk pg_catalog.bool;
    chunk pg_catalog.int4;
    began_at pg_catalog.int8;
    live stream.live_stream;
begin
    perform stream_private.check_page_size($1);
    -- So that most calls read one chunk, and one stream more, which tells that there is a next page.
    chunk := greatest($1 + 1, 50);
    loop
        is_last_chunk := true;
        for live in select f.* from stream_private.find_live_streams(last, chunk) as f loop
            if cardinality(page) = $1 or looked_at >= most and last_is_told then
                return row(page, last)::stream.live_page;
            end if;
            began_at := stream_private.milliseconds_of(live.session_id);
            if looked_at >= most and began_at < stream_private.milliseconds_of(last) then
                -- Some moment between the two: the id of a stream that the caller may not watch is not told.
                began_at := began_at + 1 + floor(random() * (stream_private.milliseconds_of(last) - began_at))::bigint;
                return row(page, (lpad(to_hex(began_at), 12, '0') || repeat('0', 20))::uuid)::stream.live_page;
            end if;
            looked_at := looked_at + 1;
            last := live.session_id;
            last_is_told := stream_private.may_watch(caller, live.session_id, live.seller_id);
            if last_is_told then
                live.title := left(stream.hook_title(live.auction_id), 200);
                page := page || live;
            end if;
            is_last_chunk := false;
        end loop;
        exit when is_last_chunk;
    end loop;
    return row(page, null)::stream.live_page;
end
$$;
comment on function stream_private.list_live_streams is $$
The streams that were active, have not ended and that the caller may watch, the newest first, those behind after; page_size 1 to
200. One call looks at 500 streams or a few more, so a page can be short, or empty, although more follow: go on while next_after
is not null. It is a stream of the page, or a moment in the form of an id.
@callers authenticated, service_role
@errors invalid_argument
$$;
