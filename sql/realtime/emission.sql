-- The trigger that emits state changes and viewer counts to Supabase Realtime, in the writing transaction, once per statement.
-- Payloads are the composites of schema/072_event_types.sql. Log entries are sent by the functions that write them (pg_stream_ext: relay).
create function stream_private.emit_live(session_id uuid, auction_id uuid, state text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
    perform stream_ext.emit('live', 'live', to_jsonb(row($1, $2, $3, clock_timestamp())::stream.live_event)::text);
end
$$;
comment on function stream_private.emit_live(uuid, uuid, text) is
    'Broadcasts to the topic live. Every signed-in user may join that, so it says nothing but which stream and auction.';

create function stream_private.emit_session_changes() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
-- The times in an event that everybody reads do not depend on who caused it.
set timezone = 'UTC'
as $$
declare
    changed pg_catalog.record;
begin
    for changed in
        select n.id, n.state, o.state as previous_state, n.state_reason, n.state_seq, n.generation,
            n.viewer_count, n.peak_viewer_count, n.reconnect_deadline,
            (n.state, n.generation) is distinct from (o.state, o.generation) as state_changed,
            n.auction_id,
            n.started_at is not null and (o.started_at is null or n.state = 'ended' and o.state <> 'ended') as list_changed,
            n.viewer_count is distinct from o.viewer_count as count_changed
        from new_rows as n
        join old_rows as o on o.id = n.id
        where (n.state, n.generation, n.viewer_count) is distinct from (o.state, o.generation, o.viewer_count)
        order by n.id
    loop
        if changed.state_changed then
            perform stream_ext.emit('stream:' || changed.id, 'state', to_json(row(
                changed.id, changed.state_seq, changed.state, changed.previous_state, changed.state_reason,
                changed.generation, changed.generation, changed.reconnect_deadline, clock_timestamp()
            )::stream.state_event)::text);
        end if;
        if changed.list_changed then
            perform stream_private.emit_live(changed.id, changed.auction_id, changed.state);
        end if;
        -- Where counts have a window the regular work broadcasts them, at its end.
        if changed.count_changed and (changed.state = 'ended' or not exists (
            select from stream.chat_relay as r where r.session_id = changed.id and r.viewers_window_ms > 0
        )) then
            perform stream_ext.emit('viewers:' || changed.id, 'viewer_count', to_json(row(
                changed.id, changed.viewer_count, changed.peak_viewer_count, clock_timestamp()
            )::stream.viewer_count_event)::text);
        end if;
    end loop;
    return null;
end
$$;
comment on function stream_private.emit_session_changes() is
    'Broadcasts state changes to stream:<id>, viewer counts to viewers:<id> unless they have a window, and first activations and the ends after them to live.';

create trigger stream_sessions_emit_changes
after update on stream.stream_sessions
referencing old table as old_rows new table as new_rows
for each statement execute function stream_private.emit_session_changes();
