-- The log of a stream: its head, its relay row, and who sends an entry.
-- Under the session's relay row a flush writes everything from the last frame to the newest committed entry, so order and
-- completeness never depend on who flushes. Whenever nobody holds that row, a session with entries beyond the last frame is
-- in chat_tails, so only the first entry beyond the last frame has to queue the session.

create function stream_ext.log_next_seq(session_id uuid, auction_updates bigint, out seq bigint, out created_at timestamptz)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- An entry that is sent later is acknowledged with this commit, too.
    perform stream_ext.realtime_wait_for_disk();
    update stream.chat_heads as h
    set last_seq = h.last_seq + 1, auction_updates = h.auction_updates + $2,
        last_at = greatest(clock_timestamp(), h.last_at + interval '1 microsecond')
    where h.session_id = $1 and h.open
    returning h.last_seq, h.last_at into $3, $4;
end
$$;
comment on function stream_ext.log_next_seq(uuid, bigint) is
    'Takes the next number of an open log, for an entry that counts as so many auction updates; null when the log is closed or does not exist. Statements after this see everything that was committed before.';

create function stream_ext.log_refuse_closed(session_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (select from stream.stream_sessions as s where s.id = $1) then
        perform stream_ext.refuse('stream_ended');
    end if;
    perform stream_ext.refuse('session_not_found');
end
$$;
comment on function stream_ext.log_refuse_closed(uuid) is 'Refuses for a log that takes no entry: its stream has ended, or does not exist.';

create function stream_ext.log_system(
    session_id uuid, content text, metadata jsonb, urgency text, out seq bigint, out created_at timestamptz
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    select n.seq, n.created_at into $5, $6 from stream_ext.log_next_seq($1, ($4 = 'auction')::integer) as n;
    if $5 is null then
        perform stream_ext.refuse('stream_ended');
    end if;
    insert into stream.chat_messages (session_id, seq, content, message_type, metadata, created_at, updated_at)
    values ($1, $5, $2, 'system_message', $3, $6, $6);
    perform stream_ext.log_relay($1, $5, $4, false);
end
$$;
comment on function stream_ext.log_system(uuid, text, jsonb, text) is
    'Writes a system message and relays it; refuses with stream_ended when the log is closed. urgency is urgent, or auction: it counts and waits as an auction update, because nothing else bounds how many there are.';

create function stream_ext.log_is_ticker_alive(at timestamptz) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- One that ticks once a second does not count: messages would wait that long.
    return coalesce((
        select t.sends_at >= $1 - interval '2 seconds' and t.sends_at <= $1 + interval '2 seconds'
        from stream.ticker as t where t.id), false);
end
$$;
comment on function stream_ext.log_is_ticker_alive(timestamptz) is 'Whether a ticker is alive that sends unsent entries soon.';

create function stream_ext.log_window_ends_at(flushed_at timestamptz, window_ms integer, at timestamptz) returns timestamptz
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- A frame dated ahead of the clock is from before the clock was set back.
    if $2 > 50 and $1 <= $3 and $3 <= $1 + $2 * interval '1 millisecond' then
        return $1 + $2 * interval '1 millisecond';
    end if;
    return null;
end
$$;
comment on function stream_ext.log_window_ends_at(timestamptz, integer, timestamptz) is
    'When a window that the governor has made longer ends; null when it has ended, and of the shortest, for whose end a ticker does not wait.';

create function stream_ext.log_may_wait(flushed_at timestamptz, window_ms integer, at timestamptz) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return $1 <= $3 and $3 <= $1 + $2 * interval '1 millisecond' and ($2 > 50 or stream_ext.log_is_ticker_alive($3));
end
$$;
comment on function stream_ext.log_may_wait(timestamptz, integer, timestamptz) is
    'Whether the window of the last frame is open, and something will send the entry at its end: a ticker, or, for a window that the governor has made longer, the first message or heartbeat after it.';

create function stream_ext.log_queue(session_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    insert into stream.chat_tails (session_id) values ($1);
end
$$;
comment on function stream_ext.log_queue(uuid) is 'Queues a session for tick when the transaction commits.';

create function stream_ext.log_relay(session_id uuid, first_seq bigint, urgency text, may_wait boolean) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    flushed pg_catalog.int8;
    flushed_at pg_catalog.timestamptz;
    auction_ms pg_catalog.int4;
    waits pg_catalog.bool := $4;
begin
    select r.flushed_seq, r.flushed_at, r.auction_window_ms into flushed, flushed_at, auction_ms
    from stream.chat_relay as r where r.session_id = $1 for no key update;
    if $3 = 'auction' and auction_ms > 0 then
        waits := stream_ext.log_may_wait(flushed_at, auction_ms, clock_timestamp());
        if waits and auction_ms > 50 then
            perform stream_ext.auction_fit_window($1, flushed >= $2 - 1);
        end if;
    end if;
    waits := waits or stream_ext.realtime_method(clock_timestamp()) is null;
    if waits then
        if flushed >= $2 - 1 then
            perform stream_ext.log_queue($1);
        end if;
        return;
    end if;
    perform stream_ext.log_flush_with_others($1, $2, $3);
end
$$;
comment on function stream_ext.log_relay(uuid, bigint, text, boolean) is
    'Relays the entries from first_seq on, whose head row is still locked: sends them, or leaves them to tick.';

create function stream_ext.log_flush_with_others(session_id uuid, first_seq bigint, urgency text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    flushed pg_catalog.int8;
begin
    -- This transaction may not see the entries before its own. It queues the session itself: it cannot see whether these have.
    if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
        perform stream_ext.log_queue($1);
        return;
    end if;
    select r.flushed_seq into flushed from stream.chat_relay as r where r.session_id = $1 for no key update;
    -- Meanwhile the partition may be dropped, or the day may end.
    if not stream_ext.log_flush($1, $3) and flushed >= $2 - 1 then
        perform stream_ext.log_queue($1);
    end if;
end
$$;
comment on function stream_ext.log_flush_with_others(uuid, bigint, text) is
    'Sends all unsent entries, of which first_seq is the first of this transaction. Above READ COMMITTED they are left to the next flush.';

create function stream_ext.log_send_one(
    session_id uuid, seq bigint, entry text, epoch_salt text, poll_ms integer, at timestamptz
)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    method constant pg_catalog.text := stream_ext.realtime_hold($6);
begin
    if method is null then
        return false;
    end if;
    perform stream_ext.realtime_write(method, 'chat:' || $1, 'messages',
        stream_ext.frame_payload($1, stream_ext.log_epoch_of($4), $2, $2, $2, stream_ext.json_time($6), $5, $3,
            (select c.realtime_payload_bytes from stream.config as c where c.id)), $6);
    return true;
end
$$;
comment on function stream_ext.log_send_one(uuid, bigint, text, text, integer, timestamptz) is
    'Sends one entry in a frame of its own, however long it is and however Realtime''s table is written; false while no partition takes it.';

create function stream_ext.log_relay_one(session_id uuid, seq bigint, entry text, urgency text, epoch_salt text) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    is_next pg_catalog.bool;
    opened pg_catalog.timestamptz;
    open_ms pg_catalog.int4;
    auction_ms pg_catalog.int4;
    polls_ms pg_catalog.int4;
    moment pg_catalog.timestamptz;
    has_window pg_catalog.bool;
    payload pg_catalog.text;
    is_sent pg_catalog.bool;
begin
    select r.flushed_seq >= $2 - 1, r.flushed_at, r.window_ms, r.auction_window_ms, r.poll_ms
    into is_next, opened, open_ms, auction_ms, polls_ms
    from stream.chat_relay as r where r.session_id = $1 for no key update;
    -- Read after the lock: a frame that was waited for opens a window of its own.
    moment := clock_timestamp();
    -- Each expression is prepared anew in every transaction, so what is rare is looked for by one.
    if $4 <> 'chat' or opened + open_ms * interval '1 millisecond' >= moment then
        if $4 = 'auction' then
            has_window := auction_ms > 0 and stream_ext.log_may_wait(opened, auction_ms, moment);
            if has_window and auction_ms > 50 then
                perform stream_ext.auction_fit_window($1, is_next);
            end if;
        else
            has_window := opened <= moment and (open_ms > 50 or stream_ext.log_is_ticker_alive(moment));
        end if;
    end if;
    if is_next and has_window is not true then
        -- frame_text and log_epoch_of written out: a call costs more than what they do.
        payload := concat('{"v":1,"session_id":"', $1, '","epoch":"',
            encode(substr(sha256(convert_to(concat(stream_ext.log_writer_origin(), ':', $5), 'UTF8')), 1, 8), 'hex'),
            '","from_seq":', $2, ',"to_seq":', $2, ',"head_seq":', $2,
            ',"server_time":', left(to_json(moment at time zone 'UTC')::text, -1), '+00:00","messages":[', $3,
            '],"poll_ms":', coalesce(polls_ms::text, 'null'), ',"digest":false}');
        -- Most payloads are admitted by every limit that can be set, whatever they consist of.
        if octet_length(payload) <= 3333 and coalesce(current_setting('stream_ext.unit', true), '') = ''
            and to_regclass('realtime.messages') is not null
        then
            if stream_ext.realtime_columns('realtime.messages'::regclass) = 'insert' then
                -- As realtime_hold: the table is locked before the partition is looked for, and not while the relay row is waited for.
                insert into realtime.messages (topic, extension, payload, event, private, inserted_at, updated_at)
                select 'chat:' || $1, 'broadcast', payload::jsonb, 'messages', true,
                    moment at time zone 'UTC', moment at time zone 'UTC'
                where (moment at time zone 'UTC')::date = any (stream_ext.realtime_days('realtime.messages'::regclass));
                is_sent := found;
            end if;
        end if;
        if is_sent or stream_ext.log_send_one($1, $2, $3, $5, polls_ms, moment) then
            update stream.chat_relay as r
            set flushed_seq = $2, flushed_at = moment, window_ms = r.next_window_ms, frames = r.frames + 1
            where r.session_id = $1;
            return true;
        end if;
    end if;
    if is_next then
        perform stream_ext.log_queue($1);
    elsif has_window is not true and stream_ext.realtime_method(moment) is not null then
        perform stream_ext.log_flush_with_others($1, $2, 'chat');
    end if;
    return false;
end
$$;
comment on function stream_ext.log_relay_one(uuid, bigint, text, text, text) is
    'Relays one entry, whose head row is still locked: sends it in a frame of its own when no other entry is unsent, or leaves it to tick; whether it got a frame of its own. urgency is chat or auction.';
