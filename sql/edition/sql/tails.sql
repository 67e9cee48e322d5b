-- The rule tails: sends the unsent entries of the sessions in the relay queue (chat_tails, chat_tail_reads) whose window has passed.
-- The queue is read by snapshots, as PgQ does: rows of transactions that began after the snapshot that was read last, and of those
-- that were open then, prepared ones too. So deleted rows are never scanned again, however long an old snapshot keeps them.

create function stream_ext.tails_due(unsent uuid[]) returns uuid[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    moment constant pg_catalog.timestamptz := clock_timestamp();
begin
    return array(
        select u.id from unnest($1) as u (id)
        left join lateral (
            select o.flushed_at, o.window_ms from stream.chat_relay as o where o.session_id = u.id limit 1
        ) as r on true
        where stream_ext.log_window_ends_at(r.flushed_at, r.window_ms, moment) is null
        order by u.id);
end
$$;
comment on function stream_ext.tails_due(uuid[]) is 'Those of the sessions that do not wait for the end of a long window.';

create function stream_ext.tails_state(
    out id bigint, out epoch text, out unsent uuid[], out looked_at timestamptz, out look_after uuid, out epoch_now text,
    out is_known boolean, out xmax xid8, out xip xid8[], out was_read boolean, out is_look_due boolean
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    select r.id, r.epoch, r.unsent, r.looked_at, r.look_after, n.epoch as epoch_now,
        r.epoch is not distinct from n.epoch as is_known,
        case when r.epoch is not distinct from n.epoch and r.read_upto is not null
            then pg_snapshot_xmax(r.read_upto) else '0'::xid8 end as xmax,
        case when r.epoch is not distinct from n.epoch and r.read_upto is not null
            then array(select pg_snapshot_xip(r.read_upto)) || r.read_by else '{}'::xid8[] end as xip,
        r.read_upto is not null as was_read,
        -- A time ahead of the clock is from before the clock was set back.
        r.look_after is not null or not (r.looked_at > clock_timestamp() - interval '1 minute' and r.looked_at <= clock_timestamp())
            as is_look_due
    into $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
    from stream.chat_tail_reads as r
    cross join (select stream_ext.log_epoch() as epoch) as n
    order by r.id desc limit 1;
end
$$;
comment on function stream_ext.tails_state() is
    'The newest row of chat_tail_reads. Transaction ids of another cluster mean nothing here: with another epoch everything is read.';

create function stream_ext.tails_are_empty(xmax xid8, xip xid8[]) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return not exists (select from stream.chat_tails as t where t.xid >= $1)
        and not exists (select from stream.chat_tails as t where t.xid = any ($2));
end
$$;
comment on function stream_ext.tails_are_empty(xid8, xid8[]) is 'Whether nothing was queued since a snapshot.';

create function stream_ext.tails_are_due() returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    state pg_catalog.record;
begin
    if stream_ext.realtime_method(clock_timestamp()) is null then
        return false;
    end if;
    -- Where somebody keeps the tables locked the rule will run into it, and fails alone.
    begin
        lock table only stream.chat_tails, only stream.chat_tail_reads in access share mode nowait;
    exception when lock_not_available or undefined_table then
        return true;
    end;
    state := stream_ext.tails_state();
    if state.id is null or not state.is_known or not state.was_read or state.is_look_due then
        return true;
    end if;
    return cardinality(stream_ext.tails_due(state.unsent)) > 0 or not stream_ext.tails_are_empty(state.xmax, state.xip);
end
$$;
comment on function stream_ext.tails_are_due() is
    'Whether there are entries to send, or sessions to compare, and a partition to write to. Writes and locks nothing.';

create function stream_ext.regular_take_tails(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    state pg_catalog.record;
    taken pg_catalog.record;
    compared pg_catalog.record;
    unsent pg_catalog.uuid[];
    context pg_catalog.jsonb;
    is_empty pg_catalog.bool;
    is_held pg_catalog.bool;
    looks pg_catalog.bool;
begin
    if stream_ext.realtime_method(clock_timestamp()) is null then
        -- Until there is a partition, the queue has at most one row a stream.
        return;
    end if;
    state := stream_ext.tails_state();
    if state.id is null then
        insert into stream.chat_tail_reads default values;
        return;
    end if;
    unsent := state.unsent;
    looks := not state.is_known or state.is_look_due;
    is_empty := stream_ext.tails_are_empty(state.xmax, state.xip);
    if is_empty and not looks and cardinality(stream_ext.tails_due(unsent)) = 0 then
        return;
    end if;
    perform from stream.chat_tail_reads as r where r.id = state.id for update skip locked;
    is_held := not found;
    perform set_config('stream_ext.queue_is_held', case when is_held then 'yes' else '' end, false);
    if is_held then
        return;
    end if;
    context := jsonb_build_object('id', state.id, 'epoch', state.epoch, 'looked_at', state.looked_at,
        'look_after', state.look_after, 'is_changed', false);
    if not is_empty or looks then
        -- No join with what is to be deleted: its plan could read the whole index.
        with stop as (
            select t.xid from stream.chat_tails as t where t.xid >= state.xmax
            order by t.xid, t.id offset 5000 limit 1
        ), late as (
            delete from stream.chat_tails as d where d.xid = any (state.xip)
            returning d.session_id
        ), ahead as (
            delete from stream.chat_tails as d
            where d.xid >= state.xmax and d.xid <= coalesce((select s.xid from stop as s), '18446744073709551615')
            returning d.session_id
        )
        select not exists (select from stop) as is_all,
            array(select l.session_id from late as l union select a.session_id from ahead as a) as sessions,
            pg_current_snapshot() as snapshot
        into taken;
        unsent := unsent || taken.sessions;
        if looks then
            -- Rows of the queue can be lost: compares the next heads and relays, continuing where the last call ended.
            select count(*) as compared,
                array_agg(c.id) filter (where c.is_unsent) as unsent,
                (array_agg(c.auction_id order by c.auction_id desc))[1] as last_auction
            into compared
            from (
                select s.auction_id, s.id, coalesce(
                    (select h.last_seq from stream.chat_heads as h where h.session_id = s.id)
                    > (select r.flushed_seq from stream.chat_relay as r where r.session_id = s.id), false) as is_unsent
                from stream.stream_sessions as s
                where s.state <> 'ended'
                    and s.auction_id >= case when state.is_known
                        then coalesce(state.look_after, '00000000-0000-0000-0000-000000000000')
                        else '00000000-0000-0000-0000-000000000000' end
                order by s.auction_id limit 1000
            ) as c;
            unsent := unsent || coalesce(compared.unsent, '{}');
            if state.look_after is null or not state.is_known then
                context := context || jsonb_build_object('looked_at', clock_timestamp());
            end if;
            context := context || jsonb_build_object(
                'look_after', case when compared.compared = 1000 then compared.last_auction end);
        end if;
        context := context || jsonb_build_object('is_changed', true, 'read_upto', case when taken.is_all then taken.snapshot end,
            'epoch', case when state.is_known or taken.is_all then state.epoch_now end);
    end if;
    unsent := array(select distinct u.id from unnest(unsent) as u (id));
    keys := context || jsonb_build_object('unsent', to_jsonb(unsent));
    return next;
    -- Sessions that are held or fail stay unsent.
    return query
    select d.id, '{}'::jsonb, false
    from unnest(stream_ext.tails_due(unsent)) as d (id)
    where d.id <> all ($3)
    order by d.id;
end
$$;
comment on function stream_ext.regular_take_tails(integer, integer, uuid[], jsonb) is
    'Takes what was queued since the last read, and returns the sessions with unsent entries. It locks no row of a stream, so no stream can make it fail or wait.';

create function stream_ext.regular_do_tails(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    relay pg_catalog.record;
begin
    select r.flushed_at, r.window_ms into relay
    from stream.chat_relay as r where r.session_id = $1 for no key update skip locked;
    if not found then
        -- It is missing when the session was deleted, which has nothing to send.
        return case when exists (select from stream.chat_relay as r where r.session_id = $1) then '{"passed": true}' else '{}' end;
    end if;
    -- A frame was written since the window was looked at.
    if stream_ext.log_window_ends_at(relay.flushed_at, relay.window_ms, clock_timestamp()) is not null then
        return '{"passed": true}';
    end if;
    -- Without a partition it stays unsent.
    if not stream_ext.log_flush($1, 'chat') then
        return '{"passed": true}';
    end if;
    return '{}';
end
$$;
comment on function stream_ext.regular_do_tails(uuid, jsonb, jsonb) is 'Sends the unsent entries of a session that nobody holds.';

create function stream_ext.regular_end_tails(context jsonb, handled jsonb, again jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    if not ($1 ->> 'is_changed')::boolean and jsonb_array_length($2) = 0 then
        return '{}';
    end if;
    -- With another snapshot, or with that of the row before.
    with last as (
        delete from stream.chat_tail_reads as d where d.id = ($1 ->> 'id')::bigint returning d.read_upto
    )
    insert into stream.chat_tail_reads (read_upto, epoch, unsent, looked_at, look_after)
    select coalesce(($1 ->> 'read_upto')::pg_snapshot, l.read_upto), $1 ->> 'epoch',
        array(
            select u.id::uuid from jsonb_array_elements_text($1 -> 'unsent') as u (id)
            where not $2 ? u.id order by u.id::uuid),
        ($1 ->> 'looked_at')::timestamptz, ($1 ->> 'look_after')::uuid
    from last as l;
    return '{}';
end
$$;
comment on function stream_ext.regular_end_tails(jsonb, jsonb, jsonb) is 'Writes how far the queue was read, without the sessions that were sent.';
