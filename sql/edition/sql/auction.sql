-- Auction updates: bids and other news of an auction in the log of its stream, written in the transaction of the bid.
-- Grants and the attached trigger decide who may post, never the signed-in user.

create function stream_ext.auction_parse(update json, out stored jsonb, out content text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    said pg_catalog.text;
begin
    if json_typeof($1) <> 'object' then
        perform stream_ext.refuse_with_hint('invalid_argument', 'update is a JSON object');
    end if;
    if not stream_ext.json_can_be_stored($1::text) then
        perform stream_ext.refuse_with_hint('invalid_argument',
            'update holds an escape that cannot be stored: a zero character, or half of a surrogate pair');
    end if;
    begin
        -- Numbers are written out: 1e1000 has a thousand digits in a frame.
        $2 := $1::jsonb;
    exception when numeric_value_out_of_range or statement_too_complex or program_limit_exceeded then
        $2 := null;
    end;
    if $2 is null then
        perform stream_ext.refuse_with_hint('invalid_argument',
            'a number or the depth of the JSON is beyond what Postgres can store');
    end if;
    if octet_length($2::text) > 8192 then
        perform stream_ext.refuse_with_hint('payload_too_large', 'an auction update has at most 8192 bytes');
    end if;
    if jsonb_typeof($2 -> 'text') = 'string' then
        said := $2 ->> 'text';
        $3 := (select j.content from stream_ext.core_judge_content(said) as j);
    end if;
    $3 := coalesce($3, 'The auction was updated.');
end
$$;
comment on function stream_ext.auction_parse(json) is
    'An update as it is stored, and the sentence that stands for it in the chat; refuses what cannot be stored.';

create function stream_ext.json_can_be_stored(value text) returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    escape pg_catalog.text;
    expects_low pg_catalog.bool := false;
    is_high pg_catalog.bool;
begin
    if strpos($1, e'\\u') = 0 then
        return true;
    end if;
    -- Each escape, or a run of other characters; outside strings a valid text has no backslash.
    for escape in
        select m[1] from regexp_matches($1 collate "C", e'(\\\\u[0-9A-Fa-f]{4}|\\\\.|[^\\\\]+)', 'g') as m
    loop
        if left(escape, 2) <> e'\\u' or length(escape) <> 6 then
            if expects_low then
                return false;
            end if;
            continue;
        end if;
        escape := lower(substr(escape, 3) collate "C");
        if escape = '0000' or (escape collate "C" between 'dc00' and 'dfff') <> expects_low then
            return false;
        end if;
        is_high := escape collate "C" between 'd800' and 'dbff';
        expects_low := is_high;
    end loop;
    return not expects_low;
end
$$;
comment on function stream_ext.json_can_be_stored(text) is
    'Whether every string of a valid JSON text has a value that Postgres can store: without the escape of the zero character, and without half of a surrogate pair.';

create function stream_ext.auction_fit_window(session_id uuid, is_next boolean) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    update stream.chat_relay as r
    set window_ms = least(greatest(r.window_ms, case when $2 then 200 else 50 end), r.auction_window_ms)
    where r.session_id = $1
        and r.window_ms <> least(greatest(r.window_ms, case when $2 then 200 else 50 end), r.auction_window_ms);
end
$$;
comment on function stream_ext.auction_fit_window(uuid, boolean) is
    'Lets the open window end with that of auction updates, for one that waits. It is made longer for an update before which nothing waits, up to 200 ms: five frames a second.';

create function stream_ext.auction_store(session_id uuid, seq bigint, created_at timestamptz, content text, stored jsonb)
returns stream.chat_message
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
    message stream.chat_message;
begin
    insert into stream.chat_messages as m
        (session_id, seq, content, message_type, metadata, created_at, updated_at)
    values ($1, $2, $4, 'auction_update', $5 || '{"kind": "auction_update"}'::jsonb, $3, $3)
    returning m.id, m.session_id, m.seq, m.user_id, m.username, m.content, m.message_type, m.created_at, m.updated_at,
        m.metadata, m.deleted_at
    into message;
    perform stream_ext.log_relay_one($1, $2,
        json_build_object(
            'id', message.id, 'seq', message.seq, 'user_id', message.user_id, 'username', message.username,
            'content', message.content, 'message_type', message.message_type, 'created_at', message.created_at,
            'metadata', message.metadata, 'deleted_at', message.deleted_at)::text,
        'auction', (select c.epoch_salt from stream.config as c where c.id));
    return message;
end
$$;
comment on function stream_ext.auction_store(uuid, bigint, timestamptz, text, jsonb) is 'Writes an update and relays it.';

create function stream_ext.post_auction_update(session_id uuid, update text) returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    parsed pg_catalog.record;
    entry pg_catalog.record;
begin
    perform stream_ext.caller_require_read_committed();
    if $1 is null or $2 is null then
        perform stream_ext.error_null(case when $1 is null then 'session_id' else 'update' end);
    end if;
    select p.stored, p.content into parsed from stream_ext.auction_parse($2::json) as p;
    select n.seq, n.created_at into entry from stream_ext.log_next_seq($1, 1) as n;
    if entry.seq is null then
        perform stream_ext.log_refuse_closed($1);
    end if;
    return stream_ext.auction_store($1, entry.seq, entry.created_at, parsed.content, parsed.stored);
end
$$;
comment on function stream_ext.post_auction_update(uuid, text) is 'Writes an auction update, the text of a JSON object; a stream.chat_message.';

create function stream_ext.auction_log(session_id uuid, content text, stored jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    entry pg_catalog.record;
begin
    select n.seq, n.created_at into entry from stream_ext.log_next_seq($1, 1) as n;
    -- Null: the stream has ended since it was read.
    if entry.seq is not null then
        perform stream_ext.auction_store($1, entry.seq, entry.created_at, $2, $3);
    end if;
end
$$;
comment on function stream_ext.auction_log(uuid, text, jsonb) is 'Logs an update of a stream, unless it has ended.';

create function stream_ext.log_auction_row(columns text[], "row" text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    -- Arguments of a trigger are counted from 0.
    names constant pg_catalog.text[] := array(
        select n.name from unnest($1) with ordinality as n (name, place) where n.name is not null order by n.place);
    -- As json: the values stay the text that Postgres made of them.
    body constant pg_catalog.json := $2::json;
    auction pg_catalog.record;
    session pg_catalog.uuid;
    published pg_catalog.json := body;
    parsed pg_catalog.record;
begin
    if $2 is null then
        perform stream_ext.error_null('row');
    end if;
    -- Any member is read past all others, which Postgres decodes meanwhile.
    if not stream_ext.json_can_be_stored($2) then
        perform stream_ext.refuse_with_hint('invalid_argument',
            'the row holds an escape that cannot be stored: a zero character, or half of a surrogate pair');
    end if;
    if exists (
        select from unnest(names) as n (name) where n.name not in (select k.name from json_object_keys(body) as k (name))
    ) then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the trigger names a column that the table does not have');
    end if;
    if coalesce(cardinality(names), 0) = 0 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the trigger names no column with the auction');
    end if;
    auction := stream_ext.batch_uuid(body -> names[1]);
    if auction.is_bad then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the column with the auction holds no uuid');
    end if;
    select s.id into session
    from stream.stream_sessions as s where s.auction_id = auction.id and s.state <> 'ended';
    if session is null then
        return;
    end if;
    if cardinality(names) > 1 then
        published := concat('{', (
            select string_agg(to_json(n.name) || ':' || (body -> n.name), ',')
            from (select distinct u.name from unnest(names[2:]) as u (name)) as n), '}');
    end if;
    select p.stored, p.content into parsed from stream_ext.auction_parse(published) as p;
    if current_setting('transaction_isolation') not in ('repeatable read', 'serializable') then
        perform stream_ext.auction_log(session, parsed.content, parsed.stored);
        return;
    end if;
    -- Above READ COMMITTED a statement raises 40001 at a head or relay that others have changed since the transaction's snapshot,
    -- which PostgREST up to 14 retries for ever.
    begin
        perform stream_ext.auction_log(session, parsed.content, parsed.stored);
        return;
    exception when serialization_failure then
        null;
    end;
    perform stream_ext.refuse('isolation_level');
end
$$;
comment on function stream_ext.log_auction_row(text[], text) is
    'Logs a row of the application, the text of a JSON object. columns are the arguments of the trigger: the column with the auction, then those to publish, all where there are none. Nothing happens when the auction is not live.';
