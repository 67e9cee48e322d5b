-- Reading the log: pages of its history, missed messages, and the state from one snapshot. Each is one statement.

create function stream_ext.get_message_history(
    session_id uuid, page_size integer, skip integer, before_seq bigint, after_seq bigint, row_type anyelement
)
returns setof anyelement
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_read();
    may_view pg_catalog.bool;
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    perform stream_private.check_page_size($2);
    if $3 is null then
        perform stream_ext.error_null('skip');
    end if;
    if $3 < 0 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'skip is 0 or more');
    end if;
    if $4 is not null and $5 is not null then
        perform stream_ext.refuse_with_hint('invalid_argument', 'before_seq or after_seq, not both');
    end if;
    if coalesce($4, $5) not between 0 and 4611686018427387903 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'before_seq and after_seq are numbers of the log');
    end if;
    select stream_private.can_view(caller, s.id, s.seller_id) into may_view
    from stream.stream_sessions as s where s.id = $1;
    if may_view is null then
        perform stream_ext.refuse('session_not_found');
    end if;
    if not may_view then
        perform stream_ext.refuse('cannot_view');
    end if;
    -- Dense numbers turn an offset into a range: no page costs more than its own rows.
    return query
    select m.id, m.session_id, m.seq, m.user_id, m.username, m.content, m.message_type, m.created_at, m.updated_at,
        m.metadata, m.deleted_at
    from (
        select
            case when $5 is not null then $5 + $3
                else least(coalesce($4 - 1, h.last_seq), h.last_seq) - $3 - $2 end as above,
            case when $5 is not null then $5 + $3 + $2
                else least(coalesce($4 - 1, h.last_seq), h.last_seq) - $3 end as upto
        from stream.chat_heads as h where h.session_id = $1
    ) as b
    join stream.chat_messages as m on m.session_id = $1 and m.seq > b.above and m.seq <= b.upto
    order by m.seq;
end
$$;
comment on function stream_ext.get_message_history(uuid, integer, integer, bigint, bigint, anyelement) is
    'A page of the log in ascending seq. Returns the type of row_type, stream.chat_message.';

create function stream_ext.sync_messages(session_id uuid, last_message_id uuid, row_type anyelement)
returns setof anyelement
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_read();
    bounds pg_catalog.record;
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    select stream_private.can_view(caller, s.id, s.seller_id) as may_view,
        case when $2 is null then greatest(h.last_seq - 50, 0)
            else (select k.seq from stream.chat_messages as k where k.session_id = $1 and k.id = $2) end as above
    into bounds
    from stream.stream_sessions as s
    join stream.chat_heads as h on h.session_id = s.id
    where s.id = $1;
    if bounds.may_view is null then
        perform stream_ext.refuse('session_not_found');
    end if;
    if not bounds.may_view then
        perform stream_ext.refuse('cannot_view');
    end if;
    if bounds.above is null then
        perform stream_ext.refuse('message_not_found');
    end if;
    return query
    select m.id, m.session_id, m.seq, m.user_id, m.username, m.content, m.message_type, m.created_at, m.updated_at,
        m.metadata, m.deleted_at
    from stream.chat_messages as m
    where m.session_id = $1 and m.seq > bounds.above and m.seq <= bounds.above + 1000
    order by m.seq;
end
$$;
comment on function stream_ext.sync_messages(uuid, uuid, anyelement) is
    'The messages after one that the client holds, at most 1,000; without one the newest 50. Returns the type of row_type, stream.chat_message.';

create function stream_ext.sync(of_session uuid, after_seq bigint, of_epoch text)
returns table (
    session_id uuid, state text, role text, generation integer, host_uid integer, viewer_count integer, epoch text,
    head_seq bigint, oldest_seq bigint, recovered boolean, has_more boolean, messages text, read text, unread_count bigint,
    cooldown_ms integer, chat_mode text, slow_mode_ms integer, pinned_seq bigint, pinned text, restrictions text,
    poll_ms integer, server_time timestamptz, version text
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_read();
    found_row pg_catalog.record;
    waits pg_catalog.int8;
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    if $2 not between 0 and 4611686018427387903 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'after_seq is a number of the log');
    end if;
    -- A client resumes when it names a number of this epoch that the log has reached; anything else gets the newest page.
    with config as (
        select * from stream.config limit 1
    ), session as (
        select s.id, s.state, s.generation, s.viewer_count, s.chat_mode, s.slow_mode_ms, s.pinned_seq, h.last_seq,
            h.host_chat_tat, case when s.state <> 'ended' then y.poll_ms end as poll_ms, stream_ext.log_epoch() as epoch,
            stream_private.can_view(caller, s.id, s.seller_id) as can_view,
            case when caller is null then 'service'
                when s.seller_id = caller then 'seller'
                when exists (
                    select from stream.stream_viewers as v
                    where v.session_id = s.id and v.user_id = caller and v.is_active
                ) then 'viewer'
                else 'guest' end as role,
            coalesce(
                (select min(m.seq) from stream.chat_messages as m where m.session_id = s.id),
                h.last_seq + 1) as oldest_seq
        from stream.stream_sessions as s
        join stream.chat_heads as h on h.session_id = s.id
        left join stream.chat_relay as y on y.session_id = s.id
        where s.id = $1
    ), cursor as (
        select *, $2 is null or $2 = 0 and $3 is null as is_fresh,
            coalesce($2 <= n.last_seq and ($3 is null or $3 = n.epoch), false) as resumes
        from session as n
    ), bounds as (
        select *, case when n.resumes then $2 else greatest(n.last_seq - 50, 0) end as above
        from cursor as n
    )
    select b.can_view, b.state, b.role, b.generation, b.viewer_count, b.epoch, b.last_seq, b.oldest_seq,
        b.resumes or b.is_fresh as recovered,
        b.last_seq > b.above + 1000 as has_more,
        coalesce(
            (select json_agg(json_build_object(
                    'id', m.id, 'seq', m.seq, 'user_id', m.user_id, 'username', m.username,
                    'content', m.content, 'message_type', m.message_type, 'created_at', m.created_at,
                    'metadata', m.metadata, 'deleted_at', m.deleted_at) order by m.seq)
             from stream.chat_messages as m
             where b.can_view and m.session_id = b.id and m.seq > b.above and m.seq <= b.above + 1000),
            '[]'::json)::text as messages,
        coalesce(
            (select json_agg(json_build_array(lower(k.range), upper(k.range) - 1) order by k.range)
             from unnest(r.read * int8multirange(int8range(b.oldest_seq, b.last_seq + 1))) as k (range)),
            '[]'::json)::text as read,
        case when caller is not null then (
            select b.last_seq + 1 - b.oldest_seq - coalesce(sum(upper(k.range) - lower(k.range)), 0)::bigint
            from unnest(r.read * int8multirange(int8range(b.oldest_seq, b.last_seq + 1))) as k (range)
        ) end as unread_count,
        b.chat_mode, b.slow_mode_ms, b.pinned_seq,
        (select json_build_object(
                'id', m.id, 'seq', m.seq, 'user_id', m.user_id, 'username', m.username,
                'content', m.content, 'message_type', m.message_type, 'created_at', m.created_at,
                'metadata', m.metadata, 'deleted_at', m.deleted_at)::text
         from stream.chat_messages as m
         where b.can_view and m.session_id = b.id and m.seq = b.pinned_seq) as pinned,
        coalesce(
            (select json_agg(json_build_object('kind', x.kind, 'until', x.until, 'reason', x.reason) order by x.kind)
             from stream_private.restrictions as x
             where x.session_id = b.id and x.user_id = caller and x.is_in_force),
            '[]'::json)::text as restrictions,
        b.poll_ms, t.now,
        case when b.role = 'seller' then b.host_chat_tat else v.chat_tat end as tat,
        case when b.role = 'seller' then c.host_chat_interval_ms else c.chat_interval_ms end as interval_ms,
        case when b.role = 'seller' then c.host_chat_burst else c.chat_burst end as burst,
        -- The seller and moderators are spared slow mode; the application is asked only where there is something to wait for.
        case when b.role <> 'seller' and v.last_chat_at + b.slow_mode_ms * interval '1 millisecond' > t.now
                and not coalesce(stream.hook_can_moderate(v.user_id, b.id), false)
            then floor(extract(epoch from t.now - v.last_chat_at) * 1000)::bigint end as silent_ms,
        v.last_chat_at
    into found_row
    from bounds as b
    cross join config as c
    cross join (select clock_timestamp() as now) as t
    left join stream.stream_viewers as v on v.session_id = b.id and v.user_id = caller
    left join stream.chat_reads as r on r.session_id = b.id and r.user_id = caller;
    if found_row.can_view is null then
        perform stream_ext.refuse('session_not_found');
    end if;
    if not found_row.can_view then
        perform stream_ext.refuse('cannot_view');
    end if;
    -- A recovery, unless its reader held nothing or has missed nothing. Postgres counts the reads of these indexes; the wrapper lets
    -- no plan read the table instead.
    if $2 > 0 or $2 = 0 and $3 is not null then
        if not found_row.recovered then
            perform from stream.recoveries as r where r.incomplete = 0;
        elsif found_row.messages <> '[]' then
            perform from stream.recoveries as r where r.complete = 0;
        end if;
    end if;
    -- A hint: the send decides, by the same limits.
    waits := greatest(
        coalesce((stream_ext.rate_spend(
            found_row.interval_ms * 1000::bigint, found_row.interval_ms * 1000::bigint * (found_row.burst - 1),
            stream_ext.rate_ahead_us(found_row.tat, found_row.now))).wait_ms, 0),
        case when found_row.silent_ms >= 0 then found_row.slow_mode_ms - found_row.silent_ms end, 0);
    return query select
        $1, found_row.state, found_row.role, found_row.generation, found_row.generation, found_row.viewer_count,
        found_row.epoch, found_row.last_seq, found_row.oldest_seq, found_row.recovered, found_row.has_more,
        found_row.messages, found_row.read, found_row.unread_count, least(waits, 2147483647)::integer, found_row.chat_mode,
        found_row.slow_mode_ms, found_row.pinned_seq, found_row.pinned, found_row.restrictions, found_row.poll_ms,
        found_row.now,
        concat_ws('.', found_row.epoch, found_row.last_seq, found_row.state, found_row.viewer_count,
            -- Of times it covers when the cooldown ends, not how long that is from now.
            encode(substr(sha256(convert_to(concat('["', found_row.role, '",', found_row.generation, ',', found_row.oldest_seq,
                ',', found_row.recovered::text, ',', found_row.has_more::text, ',', to_json(found_row.messages), ',', to_json(found_row.read),
                ',', coalesce(found_row.unread_count::text, 'null'), ',"', found_row.chat_mode, '",',
                coalesce(found_row.pinned_seq::text, 'null'), ',', coalesce(to_json(found_row.pinned)::text, 'null'), ',',
                to_json(found_row.restrictions), ',[', coalesce(stream_ext.json_microseconds(found_row.tat)::text, 'null'), ',[',
                found_row.interval_ms, ',', found_row.burst, ',', found_row.slow_mode_ms, '],',
                (found_row.silent_ms is not null)::text, '],',
                coalesce(stream_ext.json_microseconds(found_row.last_chat_at)::text, 'null'), ',',
                coalesce(found_row.poll_ms::text, 'null'), ']'), 'UTF8')), 1, 8), 'hex'));
end
$$;
comment on function stream_ext.sync(uuid, bigint, text) is
    'State, counts, what the caller has read and may write, and the messages after after_seq, from one snapshot. Equal versions of the same session, for the same caller and cursor, mean an equal result.';

create function stream_ext.json_microseconds(at timestamptz) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return case
        when $1 is null then null
        when $1 = 'infinity' then 9223372036854775807
        when $1 = '-infinity' then -9223372036854775807 - 1
        else (extract(epoch from $1 - '2000-01-01 00:00:00+00'::timestamptz) * 1000000)::bigint end;
end
$$;
comment on function stream_ext.json_microseconds(timestamptz) is 'A time in microseconds since 2000, as Postgres stores it.';
