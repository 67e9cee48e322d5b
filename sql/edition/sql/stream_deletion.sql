-- Deleting an ended stream in parts: dependent rows first, the stream last.
create function stream_ext.stream_dependents() returns text[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    -- Messages oldest first, so that the rest of the log has no gap for readers.
    select '{chat_messages,chat_reads,chat_subscriptions,agora_tokens,chat_restrictions,restriction_rates,blocked_terms,
        message_reports,report_rates,reported_messages,authors_deleted,moderation_log,webhook_cursors,reaction_counts,
        reaction_totals,late_events,stream_viewers}'::text[]
$$;
comment on function stream_ext.stream_dependents() is 'The tables that depend on a stream, in the order in which they are emptied.';

create function stream_ext.stream_delete_dependents(session_id uuid, at_most integer) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    dependent pg_catalog.text;
    rows_left pg_catalog.int4 := $2;
    deleted pg_catalog.int4;
begin
    foreach dependent in array stream_ext.stream_dependents() loop
        exit when rows_left <= 0;
        -- By ctid: by key, Postgres may search a user in the index of all rows of this user.
        execute format(
            'delete from stream.%1$I as d where d.ctid = any (array(
                 select o.ctid from stream.%1$I as o where o.session_id = $1 %2$s limit $2 for update skip locked))',
            dependent, case when dependent = 'chat_messages' then 'order by o.seq' end)
        using $1, rows_left;
        get diagnostics deleted = row_count;
        rows_left := rows_left - deleted;
    end loop;
    return $2 - rows_left;
end
$$;
comment on function stream_ext.stream_delete_dependents(uuid, integer) is
    'Deletes at most so many rows that depend on a stream and are not locked; returns how many.';

create function stream_ext.stream_delete_row(session_id uuid) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    dependent pg_catalog.text;
    has_rows pg_catalog.bool;
    deleted pg_catalog.int4;
begin
    -- The deletion would take dependent rows at once, locked or not.
    foreach dependent in array stream_ext.stream_dependents() loop
        execute format('select exists (select from stream.%I as o where o.session_id = $1)', dependent) into has_rows using $1;
        if has_rows then
            return 0;
        end if;
    end loop;
    delete from stream.stream_sessions as s where s.id = $1;
    get diagnostics deleted = row_count;
    return deleted;
end
$$;
comment on function stream_ext.stream_delete_row(uuid) is 'Deletes a stream on which no row depends any more; returns how many, 0 or 1.';

create function stream_ext.delete_ended_stream(session_id uuid, at_most integer) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    deleted pg_catalog.int4;
begin
    if stream_ext.enter_to_write() is not null then
        perform stream_ext.refuse('forbidden');
    end if;
    if $1 is null or $2 is null then
        perform stream_ext.error_null(case when $1 is null then 'session_id' else 'at_most' end);
    end if;
    perform from stream.stream_sessions as s where s.id = $1 and s.state = 'ended' for update;
    if not found then
        perform stream_ext.refuse('stream_live');
    end if;
    -- The end of the retention is now, so that rows that depend on it may be deleted before it.
    update stream.stream_sessions as s set ended_at = 'epoch'
    where s.id = $1 and s.state = 'ended' and s.ended_at <> 'epoch';
    if not stream_ext.frames_expire($1, $2) then
        return 0;
    end if;
    deleted := stream_ext.stream_delete_dependents($1, $2);
    if deleted > 0 then
        return deleted;
    end if;
    return stream_ext.stream_delete_row($1);
end
$$;
comment on function stream_ext.delete_ended_stream(uuid, integer) is
    'Deletes at most so many rows of an ended stream of a seller who is being erased; returns how many, 0 when the rest is locked.';
