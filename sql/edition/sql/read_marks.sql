-- Read marks: the entries of a log that a user has read, as ranges of numbers, so that counting the unread ones reads no message.

create function stream_ext.read_count(session_id uuid, user_id uuid) returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    unread pg_catalog.record;
begin
    select b.can_view, (
            select b.last_seq + 1 - b.oldest_seq - coalesce(sum(upper(k.range) - lower(k.range)), 0)::bigint
            from unnest(r.read * int8multirange(int8range(b.oldest_seq, b.last_seq + 1))) as k (range)
        ) as count
    into unread
    from (
        select s.id, h.last_seq, stream_private.can_view($2, s.id, s.seller_id) as can_view,
            coalesce(
                (select min(m.seq) from stream.chat_messages as m where m.session_id = s.id),
                h.last_seq + 1) as oldest_seq
        from stream.stream_sessions as s
        join stream.chat_heads as h on h.session_id = s.id
        where s.id = $1
    ) as b
    left join stream.chat_reads as r on r.session_id = b.id and r.user_id = $2;
    if unread.can_view is null then
        perform stream_ext.refuse('session_not_found');
    end if;
    if not unread.can_view then
        perform stream_ext.refuse('cannot_view');
    end if;
    return unread.count;
end
$$;
comment on function stream_ext.read_count(uuid, uuid) is 'The number of unread entries, for a user who may view the session.';

create function stream_ext.read_bounded(read int8multirange) returns int8multirange
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- A client that skips every second message must not grow a row, and with it every sync, without bound.
    return $1 + int8multirange(int8range(lower($1), coalesce(
        (select lower(o.range) from unnest($1) as o (range) order by o.range desc offset 255 limit 1),
        lower($1))));
end
$$;
comment on function stream_ext.read_bounded(int8multirange) is 'A multirange without the gaps below its 256 newest ranges.';

create function stream_ext.read_mark(session_id uuid, user_id uuid, marked int8multirange) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if $3 is null or isempty($3) then
        return;
    end if;
    insert into stream.chat_reads as r (session_id, user_id, read)
    values ($1, $2, stream_ext.read_bounded($3))
    on conflict on constraint chat_reads_pkey do update
    set read = stream_ext.read_bounded(r.read + excluded.read), updated_at = now()
    where not r.read @> excluded.read;
end
$$;
comment on function stream_ext.read_mark(uuid, uuid, int8multirange) is 'Adds numbers to what a user has read.';

create function stream_ext.mark_messages_as_read(session_id uuid, user_id uuid, message_ids uuid[]) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    reader constant pg_catalog.uuid := stream_ext.act_for($2);
begin
    if $1 is null or $3 is null then
        perform stream_ext.error_null(case when $1 is null then 'session_id' else 'message_ids' end);
    end if;
    if cardinality($3) > (select l.most from stream_private.limits as l where l.name = 'batch_items') then
        perform stream_ext.refuse_with_hint('invalid_argument', format('message_ids has at most %s elements',
            (select l.most from stream_private.limits as l where l.name = 'batch_items')));
    end if;
    perform stream_ext.read_count($1, reader);
    perform stream_ext.read_mark($1, reader, (
        select range_agg(int8range(m.seq, m.seq, '[]'))
        from stream.chat_messages as m where m.session_id = $1 and m.id = any ($3)));
    return stream_ext.read_count($1, reader);
end
$$;
comment on function stream_ext.mark_messages_as_read(uuid, uuid, uuid[]) is 'Marks messages; returns how many entries are unread afterwards.';

create function stream_ext.mark_read_up_to(session_id uuid, user_id uuid, seq bigint) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    reader constant pg_catalog.uuid := stream_ext.act_for($2);
begin
    if $1 is null or $3 is null then
        perform stream_ext.error_null(case when $1 is null then 'session_id' else 'seq' end);
    end if;
    if $3 < 0 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'seq is a number of the log');
    end if;
    perform stream_ext.read_count($1, reader);
    perform stream_ext.read_mark($1, reader, (
        select int8multirange(int8range(1, least($3, h.last_seq), '[]'))
        from stream.chat_heads as h where h.session_id = $1 and least($3, h.last_seq) >= 1));
    return stream_ext.read_count($1, reader);
end
$$;
comment on function stream_ext.mark_read_up_to(uuid, uuid, bigint) is 'Marks everything up to a number; returns how many entries are unread afterwards.';

create function stream_ext.unread_count(session_id uuid, user_id uuid) returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    reader constant pg_catalog.uuid := stream_ext.caller_resolve(stream_ext.enter_to_read(), $2);
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    return stream_ext.read_count($1, reader);
end
$$;
comment on function stream_ext.unread_count(uuid, uuid) is 'How many entries of the kept log a user has not read.';
