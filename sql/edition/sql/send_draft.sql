-- The items of a batch of messages, and the locks that it takes for one session, all of them before anything is written.

create function stream_ext.send_draft(
    item json, out session_id uuid, out user_id uuid, out content text, out id uuid, out claims text, out is_anonymous boolean,
    out refusal text
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    item_of constant pg_catalog.json := stream_ext.batch_readable($1);
    session pg_catalog.record;
    named pg_catalog.record;
    message pg_catalog.record;
    sender pg_catalog.record;
    judged pg_catalog.record;
begin
    if json_typeof(item_of) <> 'object' or coalesce(json_typeof(item_of -> 'content'), 'null') not in ('string', 'null')
        or stream_ext.batch_is_halved($1, item_of, 'content')
        or stream_ext.batch_repeats(item_of, '{session_id,user_id,content,id,claims}')
    then
        refusal := 'invalid_argument';
        return;
    end if;
    session := stream_ext.batch_uuid(item_of -> 'session_id');
    named := stream_ext.batch_uuid(item_of -> 'user_id');
    message := stream_ext.batch_uuid(item_of -> 'id');
    -- Judged as a single call is, in the same order.
    if session.is_bad or named.is_bad or message.is_bad then
        refusal := 'invalid_argument';
        return;
    end if;
    sender := stream_ext.batch_user(item_of -> 'claims', named.id);
    if sender.refusal is not null or session.id is null or item_of ->> 'content' is null then
        refusal := coalesce(sender.refusal, 'invalid_argument');
        return;
    end if;
    judged := stream_ext.core_judge_content(item_of ->> 'content');
    session_id := session.id;
    user_id := sender.user_id;
    content := judged.content;
    id := message.id;
    claims := (item_of -> 'claims')::text;
    is_anonymous := sender.is_anonymous;
    refusal := judged.refusal;
end
$$;
comment on function stream_ext.send_draft(json) is 'An item of a batch whose form is right, or the code of the refusal.';

create function stream_ext.send_wait_ms() returns integer
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce((
        select least(case when v.said ~ '^[0-9]{1,9}$' then v.said::bigint
            else (extract(epoch from v.said::interval) * 1000)::bigint end, 600000)
        from pg_catalog.pg_db_role_setting as s
        join pg_catalog.pg_database as d on d.oid = s.setdatabase
        cross join unnest(s.setconfig) as o (setting)
        cross join lateral (select substr(o.setting, strpos(o.setting, '=') + 1) as said) as v
        where d.datname = current_database() and s.setrole = 0
            and o.setting ~ '^pg_stream_ext[.]batch_session_wait=[0-9]{1,9} *(ms|s|min|h|d)?$'), 200);
end
$$;
comment on function stream_ext.send_wait_ms() is
    'How long a batch waits for the rows of one session, in milliseconds: from alter database, which no caller changes.';

create function stream_ext.send_nap(ends_at timestamptz) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if clock_timestamp() >= $1 then
        return false;
    end if;
    perform pg_sleep(0.001);
    return true;
end
$$;
comment on function stream_ext.send_nap(timestamptz) is
    'Pauses before a lock is requested again; false at once when the wait is over. Postgres ends a wait for a row only with the lock or with an error.';

create function stream_ext.send_lock(session_id uuid, drafts jsonb, wait_ms integer, out status text, out host_tat timestamptz,
    out may_wait boolean, out waited_ms integer, out arrived_at timestamptz, out users uuid[], out lease_states boolean[],
    out lease_tats timestamptz[], out lease_chats timestamptz[])
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    begun constant pg_catalog.timestamptz := clock_timestamp();
    ends_at constant pg_catalog.timestamptz := begun + $3 * interval '1 millisecond';
    viewer pg_catalog.uuid;
    lease pg_catalog.record;
    is_open pg_catalog.bool;
    relay pg_catalog.record;
begin
    status := 'taken';
    waited_ms := $3;
    users := array(select distinct d.user_id from jsonb_to_recordset($2) as d (user_id uuid) order by d.user_id);
    lease_states := '{}';
    lease_tats := '{}';
    lease_chats := '{}';
    -- One after the other, by ascending user: whoever waits for a row holds none of those behind it, for which others wait that hold
    -- the first. What is locked stays locked, as releasing it would take a subtransaction.
    foreach viewer in array users loop
        loop
            select v.is_active, v.chat_tat, v.last_chat_at into lease
            from stream.stream_viewers as v
            where v.session_id = $1 and v.user_id = viewer for no key update skip locked;
            exit when found or not exists (select from stream.stream_viewers as v where v.session_id = $1 and v.user_id = viewer);
            if not stream_ext.send_nap(ends_at) then
                return;
            end if;
        end loop;
        -- Nulls of whoever has no row. That of whoever joins later is not locked, and may be held by one who waits for this head.
        lease_states := array_append(lease_states, lease.is_active);
        lease_tats := array_append(lease_tats, lease.chat_tat);
        lease_chats := array_append(lease_chats, lease.last_chat_at);
    end loop;
    -- The rate limiters count from here, so waiting for the head row costs nothing.
    arrived_at := clock_timestamp();
    loop
        select h.open, h.host_chat_tat into is_open, $5
        from stream.chat_heads as h where h.session_id = $1 for no key update skip locked;
        exit when is_open is not null or not exists (select from stream.chat_heads as h where h.session_id = $1);
        if not stream_ext.send_nap(ends_at) then
            return;
        end if;
    end loop;
    status := 'closed';
    if is_open then
        -- As the check of the foreign key would: whoever deletes the session locks its viewers' rows first.
        loop
            perform from stream.stream_sessions as s where s.id = $1 for key share skip locked;
            exit when found or not exists (select from stream.stream_sessions as s where s.id = $1);
            if not stream_ext.send_nap(ends_at) then
                status := 'taken';
                return;
            end if;
        end loop;
        loop
            select r.flushed_at, r.window_ms into relay
            from stream.chat_relay as r where r.session_id = $1 for no key update skip locked;
            exit when found or not exists (select from stream.chat_relay as r where r.session_id = $1);
            if not stream_ext.send_nap(ends_at) then
                status := 'taken';
                return;
            end if;
        end loop;
        if found then
            status := 'ready';
            may_wait := stream_ext.log_may_wait(relay.flushed_at, relay.window_ms, clock_timestamp());
        end if;
    end if;
    waited_ms := floor(extract(epoch from clock_timestamp() - begun) * 1000);
end
$$;
comment on function stream_ext.send_lock(uuid, jsonb, integer) is
    'Locks the rows that these messages need, requesting those that are held about once a millisecond: ready, closed (or no such session), or taken. Returns the users in ascending order, and what their leases hold.';
