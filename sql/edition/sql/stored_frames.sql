-- Deleting the stored frames of deleted messages from realtime.messages, which keeps them for three days and replays them.
-- A frame lies at or behind the created_at of its messages and not behind chat_relay.flushed_at, in the order of its numbers:
-- from a message's time on, the first frame of its log that reaches its number carries it. A frame that is not found that way
-- was dated otherwise and is searched among all frames of the log. Frames are deleted whole: clients get the rest from sync.

create function stream_ext.frames_shape() returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    messages constant pg_catalog.oid := to_regclass('realtime.messages');
begin
    if messages is null then
        return 'missing';
    end if;
    return case when (
        select count(*) from pg_catalog.pg_attribute as a
        join (values
            ('id', 'uuid'::regtype), ('topic', 'text'::regtype), ('extension', 'text'::regtype),
            ('payload', 'jsonb'::regtype), ('event', 'text'::regtype),
            ('private', 'boolean'::regtype), ('inserted_at', 'timestamp'::regtype)
        ) as k (name, type) on k.name = a.attname and k.type = a.atttypid
        where a.attrelid = messages and not a.attisdropped
    ) = 7 then 'known' else 'other' end;
end
$$;
comment on function stream_ext.frames_shape() is 'Whether realtime.messages is missing, has the known columns, or others.';

create function stream_ext.frames_oldest_kept() returns timestamptz
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select m.inserted_at at time zone 'UTC' from realtime.messages as m
        where m.extension = 'broadcast' and m.private is true
        order by m.inserted_at limit 1);
end
$$;
comment on function stream_ext.frames_oldest_kept() is 'The oldest broadcast in Realtime''s table, of any sender.';

create function stream_ext.frames_record(session_id uuid, ranges int8multirange) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if isempty($2) then
        return;
    end if;
    insert into stream.chat_deleted_frames as d (session_id, seqs) values ($1, $2)
    on conflict on constraint chat_deleted_frames_pkey do update set seqs = d.seqs + excluded.seqs;
end
$$;
comment on function stream_ext.frames_record(uuid, int8multirange) is
    'Records what deleted frames carried, so that a message whose frame was deleted with another''s is not searched again.';

create function stream_ext.frames_delete_by_time(session_id uuid, seqs bigint[], until timestamptz) returns bigint[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    topic_of constant pg_catalog.text := 'chat:' || $1;
    recorded pg_catalog.int8multirange := '{}';
    deleted pg_catalog.int8multirange := '{}';
    frame pg_catalog.record;
    entry pg_catalog.record;
    missing pg_catalog.int8[] := '{}';
begin
    if coalesce(cardinality($2), 0) = 0 then
        return '{}';
    end if;
    select d.seqs into recorded from stream.chat_deleted_frames as d where d.session_id = $1;
    recorded := coalesce(recorded, '{}');
    for entry in
        select m.seq, m.created_at from stream.chat_messages as m
        where m.session_id = $1 and m.seq = any ($2) order by m.seq
    loop
        continue when recorded @> entry.seq or deleted @> entry.seq;
        -- One index range, from the time of the message to its frame. Numbers are compared as JSON, which never raises, whatever
        -- an application has sent to the topic.
        with carrier as (
            select m.id, m.inserted_at, m.payload ->> 'from_seq' as from_seq, m.payload ->> 'to_seq' as to_seq
            from realtime.messages as m
            where m.extension = 'broadcast' and m.private is true and m.topic = topic_of and m.event = 'messages'
                and jsonb_typeof(m.payload -> 'from_seq') = 'number' and jsonb_typeof(m.payload -> 'to_seq') = 'number'
                and m.inserted_at >= entry.created_at at time zone 'UTC' and m.inserted_at <= $3 at time zone 'UTC'
                and m.payload -> 'to_seq' >= to_jsonb(entry.seq)
            order by m.inserted_at limit 1
        )
        delete from realtime.messages as m using carrier as c
        where m.id = c.id and m.inserted_at = c.inserted_at and c.from_seq::bigint <= entry.seq
        returning c.from_seq::bigint as first, c.to_seq::bigint as last into frame;
        if frame.first is null then
            missing := missing || entry.seq;
        else
            deleted := deleted + int8multirange(int8range(frame.first, frame.last, '[]'));
        end if;
    end loop;
    perform stream_ext.frames_record($1, deleted);
    return missing;
end
$$;
comment on function stream_ext.frames_delete_by_time(uuid, bigint[], timestamptz) is
    'Deletes the frames of sent messages, each by one short range of the index, and returns those of which none was found, now or before. until: no frame is dated later, unless the clock was set back.';

create function stream_ext.frames_delete_anywhere(session_id uuid, seqs bigint[]) returns bigint[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    deleted pg_catalog.int8multirange;
begin
    if coalesce(cardinality($2), 0) = 0 then
        return '{}';
    end if;
    with gone as (
        delete from realtime.messages as m
        where m.extension = 'broadcast' and m.private is true and m.topic = 'chat:' || $1 and m.event = 'messages'
            and jsonb_typeof(m.payload -> 'from_seq') = 'number' and jsonb_typeof(m.payload -> 'to_seq') = 'number'
            and exists (
                select from unnest($2) as g (seq)
                where to_jsonb(g.seq) between m.payload -> 'from_seq' and m.payload -> 'to_seq')
        returning (m.payload ->> 'from_seq')::bigint as first, (m.payload ->> 'to_seq')::bigint as last
    )
    select coalesce(range_agg(int8range(g.first, g.last, '[]')), '{}') into deleted from gone as g;
    perform stream_ext.frames_record($1, deleted);
    return array(select g.seq from unnest($2) as g (seq) where not deleted @> g.seq order by g.seq);
end
$$;
comment on function stream_ext.frames_delete_anywhere(uuid, bigint[]) is
    'Deletes every kept frame of the log that carries one of these messages, and returns those of which none was found.';

create function stream_ext.frames_delete_held(session_id uuid, seqs bigint[], flushed bigint, until timestamptz) returns bigint[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    shape constant pg_catalog.text := stream_ext.frames_shape();
    missing pg_catalog.int8[];
    oldest pg_catalog.timestamptz;
begin
    if shape = 'missing' then
        return '{}';
    end if;
    if shape = 'other' then
        delete from realtime.messages as r
        where exists (
            select from stream.chat_messages as m
            where m.session_id = $1 and m.seq = any ($2) and strpos(to_jsonb(r)::text, m.id::text) > 0);
        return '{}';
    end if;
    missing := stream_ext.frames_delete_by_time($1, array(select g.seq from unnest($2) as g (seq) where g.seq <= $3), $4);
    if cardinality(missing) > 0 then
        oldest := stream_ext.frames_oldest_kept();
        -- Those from before everything that is kept are left out, and those of a day whose partition is gone. A time ahead of the
        -- clock means that the clock was set back, and the frame is dated earlier.
        missing := array(
            select m.seq from stream.chat_messages as m
            where m.session_id = $1 and m.seq = any (missing) and m.created_at > oldest
                and (m.created_at > clock_timestamp() or stream_ext.realtime_target(m.created_at) is not null)
            order by m.seq);
    end if;
    return stream_ext.frames_delete_anywhere($1, missing);
end
$$;
comment on function stream_ext.frames_delete_held(uuid, bigint[], bigint, timestamptz) is
    'Deletes the frames of these messages and returns the messages whose frame must exist and was not found. The relay row is locked.';

create function stream_ext.frames_delete_committed(session_id uuid, seqs bigint[]) returns bigint[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    flushed pg_catalog.record;
begin
    if coalesce(cardinality($2), 0) = 0 or stream_ext.frames_shape() <> 'known' then
        return coalesce($2, '{}');
    end if;
    select r.flushed_seq as seq, greatest(r.flushed_at, h.last_at) as until into flushed
    from stream.chat_relay as r join stream.chat_heads as h on h.session_id = r.session_id where r.session_id = $1;
    return stream_ext.frames_delete_by_time(
            $1, array(select g.seq from unnest($2) as g (seq) where g.seq <= flushed.seq), flushed.until)
        || array(select g.seq from unnest($2) as g (seq) where g.seq > flushed.seq);
end
$$;
comment on function stream_ext.frames_delete_committed(uuid, bigint[]) is
    'Deletes the committed frames of these messages and returns the messages of which none was found. Nothing is locked, so that the chat goes on meanwhile: frames_delete must follow.';

create function stream_ext.frames_delete(session_id uuid, seqs bigint[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    flushed pg_catalog.record;
    missing pg_catalog.int8[];
begin
    select r.flushed_seq as seq, greatest(r.flushed_at, h.last_at) as until into flushed
    from stream.chat_relay as r join stream.chat_heads as h on h.session_id = r.session_id
    where r.session_id = $1 for no key update of r;
    missing := stream_ext.frames_delete_held($1, $2, flushed.seq, flushed.until);
    -- Realtime's own function can drop a frame silently.
    if cardinality(missing) > 0 and stream_ext.realtime_method(clock_timestamp()) is distinct from 'send' then
        perform stream_ext.error_internal(format('no stored frame carries entry %s of the log, although it was sent; '
            'realtime.messages may hold a copy that was not found', missing[1]));
    end if;
end
$$;
comment on function stream_ext.frames_delete(uuid, bigint[]) is
    'Deletes every frame of these messages, whose rows are already changed, and locks the session''s relay row: a frame that is written later carries them as changed. Comes after the head row. Refuses when a frame is missing that must exist.';

create function stream_ext.frames_delete_notifications(about uuid, times timestamptz[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    shape pg_catalog.text;
    topic_of constant pg_catalog.text := 'user:' || $1;
    decided pg_catalog.timestamptz;
begin
    if coalesce(cardinality($2), 0) = 0 then
        return;
    end if;
    shape := stream_ext.frames_shape();
    if shape = 'other' then
        delete from realtime.messages as m where to_jsonb(m) ->> 'topic' = topic_of;
    elsif shape = 'known' then
        foreach decided in array $2 loop
            -- They follow soon after the decision.
            delete from realtime.messages as m
            where m.extension = 'broadcast' and m.private is true and m.topic = topic_of
                and m.inserted_at >= decided at time zone 'UTC'
                and m.inserted_at <= (decided + interval '10 minutes') at time zone 'UTC';
        end loop;
    end if;
end
$$;
comment on function stream_ext.frames_delete_notifications(uuid, timestamptz[]) is
    'Deletes the notifications about decisions of these times from a user''s own topic.';

create function stream_ext.frames_expire(session_id uuid, at_most integer) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    flushed pg_catalog.record;
    oldest pg_catalog.timestamptz;
begin
    select r.flushed_seq as seq, greatest(r.flushed_at, h.last_at) as until into flushed
    from stream.chat_relay as r join stream.chat_heads as h on h.session_id = r.session_id
    where r.session_id = $1 for no key update of r skip locked;
    if flushed.seq is null then
        return false;
    end if;
    -- Realtime keeps three days, so most streams that expire have no frame left.
    if stream_ext.frames_shape() = 'known' then
        oldest := stream_ext.frames_oldest_kept();
        if oldest is null or oldest > flushed.until then
            return true;
        end if;
    end if;
    -- Realtime may have deleted the missing ones.
    perform stream_ext.frames_delete_held($1, array(
        select m.seq from stream.chat_messages as m where m.session_id = $1 order by m.seq limit $2), flushed.seq, flushed.until);
    return true;
end
$$;
comment on function stream_ext.frames_expire(uuid, integer) is
    'Deletes the frames of the oldest entries of a log, which are about to be deleted. Returns false, and deletes nothing, while another transaction holds the relay row.';
