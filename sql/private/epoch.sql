-- The epoch: which run of the database the numbers of the logs belong to.
create function stream_private.new_epoch()
returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
set timezone = 'UTC'
as $$
declare
    session pg_catalog.uuid;
    hint pg_catalog.text;
    hinted pg_catalog.int4 := 0;
begin
    perform stream_ext.enter_to_write();
    -- Never one that was there before: a dump holds that of its time.
    update stream.config as c set epoch_salt = gen_random_uuid()::text where c.id;
    for session in select s.id from stream.stream_sessions as s where s.state <> 'ended' order by s.id loop
        hint := to_json(row(session, 'new_epoch', clock_timestamp())::stream.resync_event)::text;
        perform stream_ext.emit('stream:' || session, 'resync', hint);
        -- The epoch is that of the log, which some follow by its topic alone.
        perform stream_ext.emit('chat:' || session, 'resync', hint);
        hinted := hinted + 1;
    end loop;
    return hinted;
end
$$;
comment on function stream_private.new_epoch is $$
Begins another epoch, so that every client resynchronises: a step after restoring a backup. Each stream that has not ended
gets the event resync on stream:<id> and chat:<id>; whoever misses it is told by the next frame, heartbeat or sync. Returns how many streams got it. Service only.
@callers service_role
@repeat safe
@errors isolation_level
$$;
