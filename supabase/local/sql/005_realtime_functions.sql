-- realtime.send and its relatives: what SQL calls to reach subscribers, and the topic for policies.

set role supabase_realtime_admin;

create function realtime.topic()
returns text
language sql
stable
set search_path = ''
as $$
    select nullif(current_setting('realtime.topic', true), '')
$$;
comment on function realtime.topic() is 'Topic whose access is being decided, for policies on realtime.messages.';

-- A failure becomes a warning and the message is lost, exactly as on Supabase: a caller that must
-- know inserts into realtime.messages itself.
create function realtime.send(payload jsonb, event text, topic text, private boolean default true)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
    message_id constant uuid := gen_random_uuid();
    message jsonb := payload;
begin
    if jsonb_typeof(payload) <> 'object' then
        raise exception 'the payload must be a JSON object';
    end if;
    if not payload ? 'id' then
        message := payload || jsonb_build_object('id', message_id);
    end if;
    perform set_config('realtime.topic', topic, true);
    insert into realtime.messages (id, payload, event, topic, private, extension)
    values (message_id, message, event, topic, private, 'broadcast');
exception
    when others then
        raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
end
$$;
comment on function realtime.send(jsonb, text, text, boolean) is 'Sends a JSON object to a topic when the transaction commits; warns and loses it on any failure.';

create function realtime.send_binary(payload bytea, event text, topic text, private boolean default true)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    perform set_config('realtime.topic', topic, true);
    insert into realtime.messages (binary_payload, event, topic, private, extension)
    values (payload, event, topic, private, 'broadcast');
exception
    when others then
        raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
end
$$;
comment on function realtime.send_binary(bytea, text, text, boolean) is 'Like realtime.send, for bytes.';

create function realtime.broadcast_changes(
    topic_name text,
    event_name text,
    operation text,
    table_name text,
    table_schema text,
    new record,
    old record,
    level text default 'ROW'
)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
    if level <> 'ROW' then
        raise exception 'Failed to process the row: level % is not ROW', level;
    end if;
    if operation not in ('INSERT', 'UPDATE', 'DELETE') then
        raise exception 'Failed to process the row: unknown operation %', operation;
    end if;
    perform realtime.send(
        jsonb_build_object(
            'old_record', case when operation = 'INSERT' then null else to_jsonb(old) end,
            'record', case when operation = 'DELETE' then null else to_jsonb(new) end,
            'operation', operation,
            'table', table_name,
            'schema', table_schema
        ),
        event_name,
        topic_name,
        true
    );
end
$$;
comment on function realtime.broadcast_changes(text, text, text, text, text, record, record, text) is 'For row triggers: sends the changed row to a private topic.';

reset role;
