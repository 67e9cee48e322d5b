-- Frames: their form on the wire, their size, and writing all entries beyond the last one under the session's relay row.

create function stream_ext.frame_text(
    session_id uuid, epoch text, from_seq bigint, to_seq bigint, head_seq bigint, server_time text, poll_ms integer,
    entries text, is_digest boolean
)
returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return concat('{"v":1,"session_id":"', $1, '","epoch":"', $2, '","from_seq":', $3, ',"to_seq":', $4,
        ',"head_seq":', $5, ',"server_time":', $6, ',"messages":[', $8, '],"poll_ms":', coalesce($7::text, 'null'),
        ',"digest":', case when $9 then 'true}' else 'false}' end);
end
$$;
comment on function stream_ext.frame_text(uuid, text, bigint, bigint, bigint, text, integer, text, boolean) is
    'The payload of event messages; a digest carries no entry.';

create function stream_ext.frame_payload(
    session_id uuid, epoch text, from_seq bigint, to_seq bigint, head_seq bigint, server_time text, poll_ms integer,
    entries text, payload_bytes integer
)
returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    whole constant pg_catalog.text := stream_ext.frame_text($1, $2, $3, $4, $5, $6, $7, $8, false);
    size constant pg_catalog.int8 := octet_length(whole);
begin
    -- Realtime measures Erlang's external form, in which a string takes five bytes beside its text where JSON has two quotes.
    if size * 3 <= $9
        or size + 2 * (size - octet_length(replace(whole, '"', ''))) <= $9
    then
        return whole;
    end if;
    return stream_ext.frame_text($1, $2, $3, $4, $5, $6, $7, '', true);
end
$$;
comment on function stream_ext.frame_payload(uuid, text, bigint, bigint, bigint, text, integer, text, integer) is
    'The payload of a frame of these entries; those that Realtime would not admit together make a digest, which names them by their numbers alone.';

create function stream_ext.frame_runs(sizes integer[], payload_bytes integer) returns integer[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    -- Half of the smallest plan's payload leaves room for Realtime's envelope.
    most constant pg_catalog.int4 := least(128 * 1024, ($2::bigint * 3 / 5)::integer);
    ends pg_catalog.int4[] := '{}';
    entries pg_catalog.int4 := 0;
    bytes pg_catalog.int8 := 0;
    size pg_catalog.int4;
    place pg_catalog.int4 := 0;
begin
    foreach size in array $1 loop
        if entries > 0 and (entries >= 100 or bytes + size + 1 > most) then
            ends := ends || place;
            entries := 0;
            bytes := 0;
        end if;
        place := place + 1;
        entries := entries + 1;
        bytes := bytes + size + 1;
    end loop;
    return case when entries > 0 then ends || place else ends end;
end
$$;
comment on function stream_ext.frame_runs(integer[], integer) is
    'Cuts entries of these sizes into runs that each fit one frame, at most 100 of them; returns the place of each run''s last.';

create function stream_ext.log_flush(session_id uuid, urgency text) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
    relay pg_catalog.record;
    -- Read after the lock, which orders the frames of a log.
    moment pg_catalog.timestamptz := clock_timestamp();
    server_time constant pg_catalog.text := stream_ext.json_time(moment);
    epoch constant pg_catalog.text := stream_ext.log_epoch();
    payload_bytes pg_catalog.int4;
    flushed pg_catalog.int8;
    flushed_moment pg_catalog.timestamptz;
    head pg_catalog.int8;
    seqs pg_catalog.int8[];
    entries pg_catalog.text[];
    run_end pg_catalog.int4;
    run_begin pg_catalog.int4;
    method pg_catalog.text;
    written pg_catalog.int8 := 0;
    is_complete pg_catalog.bool := true;
begin
    select r.flushed_seq, r.next_window_ms, r.poll_ms into relay from stream.chat_relay as r where r.session_id = $1;
    select c.realtime_payload_bytes into payload_bytes from stream.config as c where c.id;
    flushed := relay.flushed_seq;
    <<pages>>
    loop
        -- Checked before anything is read: without a partition the unsent entries accumulate.
        if stream_ext.realtime_method(moment) is null then
            is_complete := false;
            exit;
        end if;
        select array_agg(p.seq order by p.seq), array_agg(p.entry order by p.seq)
        into seqs, entries
        from (
            select m.seq,
                json_build_object(
                    'id', m.id, 'seq', m.seq, 'user_id', m.user_id, 'username', m.username,
                    'content', m.content, 'message_type', m.message_type, 'created_at', m.created_at,
                    'metadata', m.metadata, 'deleted_at', m.deleted_at)::text as entry
            from stream.chat_messages as m
            where m.session_id = $1 and m.seq > flushed
            order by m.seq
            limit 500
        ) as p;
        exit when seqs is null;
        -- Read after the entries, so no frame names a head below its own entries.
        select h.last_seq into head from stream.chat_heads as h where h.session_id = $1;
        -- Under pressure it is one frame, which names entries by their numbers where it cannot carry them.
        if relay.next_window_ms > 50 and cardinality(seqs) = 500 and seqs[500] < head then
            method := stream_ext.realtime_hold(moment);
            if method is null then
                is_complete := false;
                exit;
            end if;
            perform stream_ext.realtime_write(method, 'chat:' || $1, 'messages',
                stream_ext.frame_text($1, epoch, seqs[1], head, head, server_time, relay.poll_ms, '', true), moment);
            flushed := head;
            flushed_moment := moment;
            written := written + 1;
            moment := moment + interval '1 microsecond';
        else
            run_begin := 1;
            foreach run_end in array case
                when relay.next_window_ms > 50 then array[cardinality(seqs)]
                else stream_ext.frame_runs(
                    array(select octet_length(e.entry) from unnest(entries) with ordinality as e (entry, place) order by e.place),
                    payload_bytes)
                end
            loop
                method := stream_ext.realtime_hold(moment);
                if method is null then
                    is_complete := false;
                    exit pages;
                end if;
                perform stream_ext.realtime_write(method, 'chat:' || $1, 'messages',
                    stream_ext.frame_payload($1, epoch, seqs[run_begin], seqs[run_end], head, server_time, relay.poll_ms,
                        array_to_string(entries[run_begin:run_end], ','), payload_bytes),
                    moment);
                flushed := seqs[run_end];
                flushed_moment := moment;
                written := written + 1;
                run_begin := run_end + 1;
                moment := moment + interval '1 microsecond';
            end loop;
        end if;
        exit when cardinality(seqs) < 500;
    end loop;
    if written > 0 then
        -- flushed_at is the time of the newest frame, and so none is later.
        update stream.chat_relay as r
        set flushed_seq = flushed, flushed_at = flushed_moment, window_ms = r.next_window_ms, frames = r.frames + written,
            urgent_frames = r.urgent_frames + case when $2 = 'urgent' then written else 0 end
        where r.session_id = $1;
    end if;
    return is_complete;
end
$$;
comment on function stream_ext.log_flush(uuid, text) is
    'Writes all entries that no frame carries yet; returns false when no partition takes them. The relay row is locked; each frame is dated later than the one before, because Realtime replays them in the order of their times.';

create function stream_ext.flush(session_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    perform from stream.chat_relay as r where r.session_id = $1 for no key update;
    if not found then
        perform stream_ext.error_internal('the session has no relay row');
    end if;
    perform stream_ext.log_flush($1, 'urgent');
end
$$;
comment on function stream_ext.flush(uuid) is
    'Writes the entries of the session''s log beyond the last frame. Without a partition for today it writes nothing: the messages stay, and sync finds them.';

create function stream_ext.log_due(sessions uuid[], at timestamptz) returns uuid[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
-- A general plan supposes longer arrays, so Postgres would plan anew at every heartbeat.
set plan_cache_mode = force_generic_plan
as $$
begin
    return array(
        select h.session_id from stream.chat_heads as h
        cross join lateral (
            select o.flushed_seq, o.flushed_at, o.window_ms from stream.chat_relay as o where o.session_id = h.session_id limit 1
        ) as r
        where h.session_id = any ($1) and r.flushed_seq < h.last_seq
            and stream_ext.log_window_ends_at(r.flushed_at, r.window_ms, $2) is null
        order by h.session_id);
end
$$;
comment on function stream_ext.log_due(uuid[], timestamptz) is 'Those of the logs that have unsent entries, and no window that is open.';

create function stream_ext.log_flush_without_ticker(sessions uuid[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    moment constant pg_catalog.timestamptz := clock_timestamp();
    due pg_catalog.uuid[];
    slice pg_catalog.uuid[];
    failed pg_catalog.uuid[] := '{}';
    width pg_catalog.int4 := 64;
    place pg_catalog.int4;
    state pg_catalog.text;
    raised_in pg_catalog.text;
begin
    if stream_ext.log_is_ticker_alive(moment) or stream_ext.regular_is_inside() then
        return;
    end if;
    due := stream_ext.log_due($1, moment);
    if cardinality(due) = 0 then
        return;
    end if;
    -- A slice shares a subtransaction. Where one fails, each of its sessions gets one of its own, behind all slices. None is begun after
    -- a second, or after the caller's statement_timeout, which ended one of them and ends nothing more.
    place := 0;
    while place < cardinality(due) and clock_timestamp() < moment + interval '1 second' and not stream_ext.regular_has_timed_out() loop
        slice := due[place + 1:place + width];
        place := place + width;
        begin
            perform stream_ext.log_flush_free(slice);
        exception when others or query_canceled or assert_failure then
            -- The next heartbeat tries again, and so does a ticker once one is alive, which records failures.
            get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
            if stream_ext.error_is_cancel(state, raised_in) and not stream_ext.regular_has_timed_out() then
                raise;
            end if;
            if cardinality(slice) > 1 then
                failed := failed || slice;
            end if;
        end;
        if place >= cardinality(due) and width > 1 then
            due := failed;
            width := 1;
            place := 0;
        end if;
    end loop;
end
$$;
comment on function stream_ext.log_flush_without_ticker(uuid[]) is
    'For heartbeats: flushes the logs of these sessions that have unsent entries while no ticker is alive. One that somebody holds is left to the next heartbeat, and one whose frames fail does not fail this one.';

create function stream_ext.log_flush_free(sessions uuid[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
declare
    session pg_catalog.uuid;
begin
    foreach session in array $1 loop
        perform from stream.chat_relay as r where r.session_id = session for no key update skip locked;
        if found then
            perform stream_ext.log_flush(session, 'chat');
            set constraints all immediate;
        end if;
    end loop;
end
$$;
comment on function stream_ext.log_flush_free(uuid[]) is 'Flushes those of the logs that nobody holds.';
