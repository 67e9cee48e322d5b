-- Decoding tokens of versions 007 and 006.
create function stream_ext.token_decode_007(
    token text, out app_id text, out issued_at bigint, out expires_at bigint, out salt bigint, out channel_id text, out account text,
    out privileges jsonb, out signature bytea, out signed bytea
)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    inflated pg_catalog.record;
    at pg_catalog.int4;
    service pg_catalog.int4;
    life pg_catalog.int8;
begin
    if octet_length($1) > 6000 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the token is larger than any real one');
    end if;
    select i.content, i.problem into inflated from stream_ext.inflate(stream_ext.token_base64(substr($1, 4))) as i;
    if inflated.problem is not null then
        perform stream_ext.refuse_with_hint('invalid_argument', inflated.problem);
    end if;
    signature := stream_ext.token_read_bytes(inflated.content, 0);
    if length(signature) <> 32 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the signature of the token does not have 32 bytes');
    end if;
    signed := substr(inflated.content, 35);
    app_id := stream_ext.token_app_id(stream_ext.token_read_bytes(signed, 0));
    issued_at := stream_ext.token_read(signed, 34, 4);
    expires_at := issued_at + stream_ext.token_read(signed, 38, 4);
    salt := stream_ext.token_read(signed, 42, 4);
    privileges := '[]';
    at := 48;
    for number in 1..stream_ext.token_read(signed, 46, 2) loop
        service := stream_ext.token_read(signed, at, 2);
        -- A service of unknown layout ends the reading with success: services are sorted by type, and new types come last.
        if service not in (1, 2, 3, 4, 5, 6, 7, 9, 10) then
            return;
        end if;
        at := at + 4;
        for privilege in 1..stream_ext.token_read(signed, at - 2, 2) loop
            life := stream_ext.token_read(signed, at + 2, 4);
            privileges := privileges || jsonb_build_array(jsonb_build_array(
                service, stream_ext.token_read(signed, at, 2), case when life = 0 then expires_at else issued_at + life end));
            at := at + 6;
        end loop;
        if service in (1, 3, 6, 7) then
            channel_id := coalesce(channel_id, stream_ext.token_read_text(stream_ext.token_read_bytes(signed, at)));
            at := at + 2 + length(stream_ext.token_read_bytes(signed, at));
        end if;
        if service in (1, 2, 3, 5, 6, 7) then
            account := coalesce(account, stream_ext.token_read_text(stream_ext.token_read_bytes(signed, at)));
            at := at + 2 + length(stream_ext.token_read_bytes(signed, at));
        end if;
        if service = 7 then
            perform stream_ext.token_read(signed, at, 2);
            at := at + 2;
        end if;
    end loop;
    if at < length(signed) then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the token has bytes behind its end');
    end if;
end
$$;
comment on function stream_ext.token_decode_007(text) is
    'The content of a token of version 007: nothing of it is proven. privileges are lists of service, privilege and end.';

create function stream_ext.token_decode_006(
    token text, out app_id text, out expires_at bigint, out channel_checksum bigint, out user_checksum bigint,
    out privileges jsonb, out signature bytea, out message bytea
)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    content pg_catalog.bytea;
    at pg_catalog.int4 := 10;
    id pg_catalog.int4;
    ends_at pg_catalog.int8;
begin
    if octet_length($1) > 1027 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the token is larger than any real one');
    end if;
    if octet_length($1) < 35 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the token ends in the middle of a field');
    end if;
    app_id := stream_ext.token_app_id(convert_to(substr($1, 4, 32), 'UTF8'));
    content := stream_ext.token_base64(substr($1, 36));
    signature := stream_ext.token_read_bytes(content, 0);
    if length(signature) <> 32 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the signature of the token does not have 32 bytes');
    end if;
    channel_checksum := stream_ext.token_read(content, 34, 4);
    user_checksum := stream_ext.token_read(content, 38, 4);
    message := stream_ext.token_read_bytes(content, 42);
    if length(content) > 44 + length(message) then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the token has bytes behind its end');
    end if;
    perform stream_ext.token_read(message, 0, 4);
    expires_at := stream_ext.token_read(message, 4, 4);
    privileges := '[]';
    for privilege in 1..stream_ext.token_read(message, 8, 2) loop
        id := stream_ext.token_read(message, at, 2);
        ends_at := stream_ext.token_read(message, at + 2, 4);
        -- RTM's only privilege, which stands beside those of RTC here.
        privileges := privileges || jsonb_build_array(jsonb_build_array(
            case when id = 1000 then 2 else 1 end, case when id = 1000 then 1 else id end,
            case when ends_at = 0 then expires_at else ends_at end));
        at := at + 6;
    end loop;
    if at < length(message) then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the token has bytes behind its end');
    end if;
end
$$;
comment on function stream_ext.token_decode_006(text) is
    'The content of a token of version 006, which holds channel and user only as checksums: nothing of it is proven.';

