-- Parsing a notice of Agora, as something that anybody might have written: every field has bounds. Refusals name fields and never
-- repeat a value.
create function stream_ext.webhook_refuse(field text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform stream_ext.refuse_with_hint('invalid_argument', $1 || ' is missing or malformed');
end
$$;
comment on function stream_ext.webhook_refuse(text) is 'Refuses a notice for one of its fields.';

create function stream_ext.webhook_integer(fields json, field text, most bigint, is_needed boolean) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    value constant pg_catalog.text := ($1 -> $2)::text;
begin
    if value is null or value = 'null' then
        if $4 then
            perform stream_ext.webhook_refuse($2);
        end if;
        return null;
    end if;
    -- No fraction and no exponent: json keeps how a number was written.
    if value !~ '^(0|[1-9][0-9]{0,18})$' collate "C" or value::numeric > $3 then
        perform stream_ext.webhook_refuse($2);
    end if;
    return value;
end
$$;
comment on function stream_ext.webhook_integer(json, text, bigint, boolean) is 'A field that is a number from 0 on; null where it may be left out.';

create function stream_ext.webhook_text(fields json, field text, most_bytes integer) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    value pg_catalog.text;
begin
    if json_typeof($1 -> $2) is distinct from 'string' then
        perform stream_ext.webhook_refuse($2);
    end if;
    value := $1 ->> $2;
    if octet_length(value) > $3 or value !~ '^[ -~]+$' collate "C" then
        perform stream_ext.webhook_refuse($2);
    end if;
    return value;
end
$$;
comment on function stream_ext.webhook_text(json, text, integer) is 'A field of printable ASCII.';

create function stream_ext.webhook_parse(
    notice text, out notice_id text, out product_id integer, out event_type integer, out kind text, out channel text, out ts bigint,
    out uid bigint, out client_seq bigint, out reason integer, out duration_s bigint, out platform integer, out client_type integer
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    zero constant pg_catalog.text := e'((?:^|[^\\\\])(?:\\\\\\\\)*)\\\\u0000';
    -- The zero character, which Postgres reads nowhere, becomes another that no field may have. Twice: what stands next to the last
    -- one is not looked at again.
    readable constant pg_catalog.text :=
        regexp_replace(regexp_replace($1, zero, e'\\1\\\\u0001', 'g'), zero, e'\\1\\\\u0001', 'g');
    fields pg_catalog.json;
    payload pg_catalog.json;
begin
    if octet_length($1) > 16384 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'a notice has at most 16384 bytes');
    end if;
    if not stream_ext.caller_is_claims(readable) then
        perform stream_ext.refuse_with_hint('invalid_argument', 'a notice is a JSON object');
    end if;
    fields := readable;
    product_id := stream_ext.webhook_integer(fields, 'productId', 2147483647, true);
    event_type := stream_ext.webhook_integer(fields, 'eventType', 2147483647, true);
    notice_id := stream_ext.webhook_text(fields, 'noticeId', 64);
    perform stream_ext.webhook_integer(fields, 'notifyMs', 9223372036854775807, false);
    kind := 'unknown';
    -- Of Agora's products the channels are those of RTC.
    if product_id <> 1 or event_type not in (101, 102, 103, 104, 105, 106, 107, 108, 111, 112) then
        return;
    end if;
    payload := fields -> 'payload';
    if json_typeof(payload) is distinct from 'object' then
        perform stream_ext.webhook_refuse('payload');
    end if;
    channel := stream_ext.webhook_text(payload, 'channelName', 64);
    -- The test of Agora's console: its other fields are not worth a refusal, which would keep the configuration from being saved.
    if channel = 'test_webhook' then
        kind := 'test';
        channel := null;
        return;
    end if;
    -- The end of the year 9999.
    ts := stream_ext.webhook_integer(payload, 'ts', 253402300799, true);
    if event_type <= 102 then
        kind := 'channel';
        return;
    end if;
    uid := stream_ext.webhook_integer(payload, 'uid', 4294967295, true);
    reason := stream_ext.webhook_integer(payload, 'reason', 2147483647, false);
    client_seq := stream_ext.webhook_integer(payload, 'clientSeq', 9223372036854775807, true);
    duration_s := stream_ext.webhook_integer(payload, 'duration', 9223372036854775807, false);
    platform := stream_ext.webhook_integer(payload, 'platform', 2147483647, false);
    client_type := stream_ext.webhook_integer(payload, 'clientType', 2147483647, false);
    kind := case
        when event_type in (103, 107, 111) then 'sends'
        when event_type in (105, 112) then 'watches'
        else 'left' end;
end
$$;
comment on function stream_ext.webhook_parse(text) is
    'A notice: kind is unknown, test, channel, or what a user does: sends, watches or left. Fields that are not known are left out.';

create function stream_ext.webhook_ignored(kind text, reason integer, platform integer, client_type integer) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    -- Recorders and whatever else Agora runs on servers (Linux, but for the applet) are no viewer and no host.
    select case
        when $3 = 6 and $4 <> 8 then 'recorder'
        when $1 = 'left' and $2 = 5 then 'replaced'
        when $1 = 'left' and $2 = 999 then 'flapping'
        end
$$;
comment on function stream_ext.webhook_ignored(text, integer, integer, integer) is
    'Why a change is kept without acting on it; null: it is acted on.';

create function stream_ext.webhook_verdict(kind text, reason integer, has_heartbeat boolean) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    -- Only an intent or an act, not a broken connection, counts more than a fresh heartbeat: 12 is a bad token, 1 and 3 are on
    -- purpose and thrown out.
    select case
        when $1 = 'sends' then 'present'
        when $1 = 'left' and $2 = 12 then 'host_token'
        when $1 = 'watches' or $2 in (1, 3) or not $3 then 'host_lost'
        else 'waiting'
        end
$$;
comment on function stream_ext.webhook_verdict(text, integer, boolean) is
    'Whether the host is there: present, waiting for the heartbeats to stop too, or the loss.';

create function stream_ext.webhook_step(
    state text, state_reason text, state_before_error text, may_return boolean, verdict text
)
returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    loss constant pg_catalog.text := case when $1 = 'error' and $2 in ('host_lost', 'host_token') then $2 end;
    is_back_to_active constant pg_catalog.bool := $3 is not distinct from 'active' and $4;
begin
    -- Only a stream that has gone live is moved: before that the app is still setting up, and a paused host may well leave.
    return case
        when $1 = 'active' and $5 = 'present' then 'see'
        when $1 = 'active' and $5 = 'waiting' then 'wait'
        when $1 = 'active' then 'lose'
        -- Waiting too: whoever leaves again had been back.
        when loss is not null and $5 in ('present', 'waiting') and is_back_to_active then 'return'
        when loss is not null and $5 in ('host_lost', 'host_token') and $5 <> loss and is_back_to_active then 'restate'
        else 'note'
        end;
end
$$;
comment on function stream_ext.webhook_step(text, text, text, boolean, text) is 'What follows from a verdict about the host.';
