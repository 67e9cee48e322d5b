-- Erasing a user from the log of one stream: text, name and id of what they wrote, their id in entries about them, and the stored
-- frames that carry any of it. Rows and numbers stay. While the log is open, one entry says which numbers lost their text; all
-- viewers read it, so it does not name the user.

create function stream_ext.erasure_of_entries(
    session_id uuid, user_id uuid, at_most integer, out seqs bigint[], out seqs_with_text bigint[]
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- Messages that a moderator deleted are erased too: they still have the name.
    with theirs as (
        select m.session_id, m.seq, m.deleted_at is null as had_text from stream.chat_messages as m
        where m.user_id = $2 and m.session_id = $1
        order by m.ctid limit $3
        for no key update
    ), erased as (
        update stream.chat_messages as m
        set user_id = null, username = null, content = '', metadata = '{}',
            deleted_at = coalesce(m.deleted_at, t.time), updated_at = t.time
        from theirs as d, (select clock_timestamp() as time) as t
        where m.session_id = d.session_id and m.seq = d.seq
        returning m.seq, d.had_text
    )
    select array_agg(e.seq order by e.seq), array_agg(e.seq order by e.seq) filter (where e.had_text)
    into $4, $5 from erased as e;
    $4 := coalesce($4, '{}');
    $5 := coalesce($5, '{}');
end
$$;
comment on function stream_ext.erasure_of_entries(uuid, uuid, integer) is 'Erases messages that have the user''s id.';

create function stream_ext.erasure_of_deleted(
    session_id uuid, user_id uuid, at_most integer, out seqs bigint[], out seqs_with_text bigint[]
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    with theirs as (
        select m.session_id, m.seq, m.deleted_at is null as had_text
        from stream.authors_deleted as a
        cross join unnest(a.seqs) as r (seqs)
        join stream.chat_messages as m
            on m.session_id = a.session_id and m.seq >= lower(r.seqs) and m.seq < upper(r.seqs)
        where a.user_id = $2 and a.session_id = $1
            and m.user_id is null and (m.username is not null or m.content <> '')
        order by m.ctid limit $3
        for no key update of m
    ), erased as (
        update stream.chat_messages as m
        set username = null, content = '', metadata = '{}',
            deleted_at = coalesce(m.deleted_at, t.time), updated_at = t.time
        from theirs as d, (select clock_timestamp() as time) as t
        where m.session_id = d.session_id and m.seq = d.seq
        returning m.seq, d.had_text
    )
    select array_agg(e.seq order by e.seq), array_agg(e.seq order by e.seq) filter (where e.had_text)
    into $4, $5 from erased as e;
    $4 := coalesce($4, '{}');
    $5 := coalesce($5, '{}');
end
$$;
comment on function stream_ext.erasure_of_deleted(uuid, uuid, integer) is
    'Erases messages of a user whom the application has deleted, so that the rows no longer have their id.';

create function stream_ext.erasure_of_decisions(
    session_id uuid, user_id uuid, at_most integer, out seqs bigint[], out times timestamptz[]
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- The nil uuid stands for an erased user.
    with decisions as (
        select l.id, l.seq, l.created_at from stream.moderation_log as l
        where l.user_id = $2 and l.session_id = $1
        order by l.id limit $3
    ), erased as (
        update stream.moderation_log as l
        set user_id = '00000000-0000-0000-0000-000000000000', reason = null
        from decisions as d where l.id = d.id
    ), named as (
        update stream.chat_messages as m
        set metadata = m.metadata || '{"user_id": "00000000-0000-0000-0000-000000000000"}',
            updated_at = clock_timestamp()
        from decisions as d
        where m.session_id = $1 and m.seq = d.seq and m.metadata ->> 'user_id' = $2::text
        returning m.seq
    )
    select array_agg(n.seq) filter (where n.seq is not null), array_agg(d.created_at)
    into $4, $5
    from decisions as d left join named as n on n.seq = d.seq;
    $4 := coalesce($4, '{}');
    $5 := coalesce($5, '{}');
end
$$;
comment on function stream_ext.erasure_of_decisions(uuid, uuid, integer) is
    'Erases a user from decisions about them and from the entries that announced these; returns the entries, and when each decision was made.';

create function stream_ext.erase_from_log(session_id uuid, user_id uuid, at_most integer) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    standing pg_catalog.record;
    pinned pg_catalog.int8;
    viewers pg_catalog.int8;
    is_open pg_catalog.bool;
    most pg_catalog.int4;
    room pg_catalog.int4;
    part pg_catalog.record;
    decisions pg_catalog.record;
    carried pg_catalog.int8[];
    without_text pg_catalog.int8[];
begin
    if stream_ext.enter_to_write() is not null then
        perform stream_ext.refuse('forbidden');
    end if;
    if $1 is null or $2 is null or $3 is null then
        perform stream_ext.error_null(case when $1 is null then 'session_id' when $2 is null then 'user_id' else 'at_most' end);
    end if;
    perform stream_ext.moderation_take_turn($1);
    standing := stream_ext.moderation_standing($1, null);
    perform stream_ext.application_hold_user($2);
    select m.seq into pinned from stream.chat_messages as m
    where m.session_id = $1 and m.seq = standing.pinned_seq and m.user_id = $2;
    if pinned is not null then
        perform stream_ext.moderation_close_gate($1);
    end if;
    -- Ends the lease, if there is one; the row's trigger adds the row of viewer_changes.
    delete from stream.stream_viewers as v where v.session_id = $1 and v.user_id = $2;
    get diagnostics viewers = row_count;
    is_open := stream_ext.log_hold_head($1);
    -- The chat waits meanwhile.
    most := case when is_open then least($3, 100) else $3 end;
    room := most;
    part := stream_ext.erasure_of_entries($1, $2, room);
    carried := part.seqs;
    without_text := part.seqs_with_text;
    room := room - cardinality(part.seqs);
    part := stream_ext.erasure_of_deleted($1, $2, room);
    carried := carried || part.seqs;
    without_text := without_text || part.seqs_with_text;
    room := room - cardinality(part.seqs);
    if room > 0 then
        delete from stream.authors_deleted as a where a.user_id = $2 and a.session_id = $1;
    end if;
    decisions := stream_ext.erasure_of_decisions($1, $2, room);
    carried := array(select distinct g.seq from unnest(carried || decisions.seqs) as g (seq) order by g.seq);
    without_text := array(select g.seq from unnest(without_text) as g (seq) order by g.seq);
    if cardinality(carried) > 0 then
        perform stream_ext.frames_delete($1, carried);
    end if;
    perform stream_ext.frames_delete_notifications($2, decisions.times);
    if cardinality(without_text) > 0 then
        perform stream_ext.moderation_announce($1, null, is_open, 'messages_deleted', 'Messages were deleted.',
            jsonb_build_object('kind', 'messages_deleted', 'seqs', (
                select jsonb_agg(jsonb_build_array(lower(r.range), upper(r.range) - 1) order by r.range)
                from unnest((select range_agg(int8range(g.seq, g.seq, '[]')) from unnest(without_text) as g (seq))) as r (range))),
            null, without_text[cardinality(without_text)]);
    end if;
    if pinned = any (without_text) then
        perform stream_ext.moderation_unpin($1, null, is_open, pinned);
    end if;
    perform stream_ext.moderation_close_reports($1, without_text, null);
    return viewers + (most - room) + cardinality(decisions.times);
end
$$;
comment on function stream_ext.erase_from_log(uuid, uuid, integer) is
    'Erases at most so many entries, for the service alone. Returns how many rows it changed; 0 when nothing of the user is left in the log.';
