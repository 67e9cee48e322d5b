-- Inspecting an Agora token: its content, and which of our certificates signed it. For the service alone. Neither the result nor an
-- error ever contains the token.
create function stream_ext.token_crc32(value text) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    bytes constant pg_catalog.bytea := convert_to($1, 'UTF8');
    crc pg_catalog.int8 := 4294967295;
begin
    for place in 0..length(bytes) - 1 loop
        crc := crc # get_byte(bytes, place);
        for bit in 1..8 loop
            crc := case when crc & 1 = 1 then crc >> 1 # 3988292384 else crc >> 1 end;
        end loop;
    end loop;
    return crc # 4294967295;
end
$$;
comment on function stream_ext.token_crc32(text) is 'CRC-32 as in zlib; of an empty text 0.';

create function stream_ext.token_signer(is_primary boolean, is_secondary boolean) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select case when $1 then 'primary' when $2 then 'secondary' end
$$;
comment on function stream_ext.token_signer(boolean, boolean) is 'Which certificate signed a token; null: none of ours.';

create function stream_ext.token_privilege(privilege jsonb) returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    service constant pg_catalog.int4 := $1 -> 0;
    id constant pg_catalog.int4 := $1 -> 1;
begin
    return jsonb_build_object(
        'service', coalesce((array['rtc', 'rtm', 'streaming', 'fpa', 'chat', 'fcdn', 'apaas'])[service], service::text),
        'privilege', coalesce(
            case service when 1 then (array['join', 'publish_audio', 'publish_video', 'publish_data'])[id]
                when 2 then (array['login'])[id] end,
            id::text),
        'expires_at', $1 -> 2);
end
$$;
comment on function stream_ext.token_privilege(jsonb) is
    'A privilege by names: those of the services that our tokens can have; for others, Agora''s numbers.';

create function stream_ext.token_certificate(is_secondary boolean) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    found_certificate pg_catalog.record;
begin
    select c.certificate, c.code, c.hint into found_certificate from stream_ext.certificate_read($1, false) as c;
    if found_certificate.code is not null then
        perform stream_ext.refuse_with_hint(found_certificate.code, found_certificate.hint);
    end if;
    return found_certificate.certificate;
end
$$;
comment on function stream_ext.token_certificate(boolean) is
    'A certificate that verifies tokens. A configured secondary one that cannot be used is an error: without it, valid tokens would be reported as forged.';

create function stream_ext.token_inspect(
    token text, channel text, user_account text, out of_version text, out of_app text, out of_channel text, out of_account text,
    out granted jsonb, out issued bigint, out expires bigint, out signed boolean, out signer text
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    primary_certificate pg_catalog.text;
    secondary_certificate pg_catalog.text;
    decoded pg_catalog.record;
    message pg_catalog.bytea;
begin
    if stream_ext.enter_to_read() is not null then
        perform stream_ext.refuse('forbidden');
    end if;
    if $1 is null then
        perform stream_ext.error_null('token');
    end if;
    primary_certificate := stream_ext.token_certificate(false);
    secondary_certificate := stream_ext.token_certificate(true);
    if $1 like '007%' then
        select d.* into decoded from stream_ext.token_decode_007($1) as d;
        of_version := '007';
        of_channel := decoded.channel_id;
        of_account := decoded.account;
        issued := decoded.issued_at;
        signer := stream_ext.token_signer(
            decoded.signature = stream_ext.token_sign(primary_certificate, stream_ext.token_u32(decoded.issued_at),
                stream_ext.token_u32(decoded.salt), decoded.signed),
            decoded.signature = stream_ext.token_sign(secondary_certificate, stream_ext.token_u32(decoded.issued_at),
                stream_ext.token_u32(decoded.salt), decoded.signed));
        signed := signer is not null;
    elsif $1 like '006%' then
        select d.* into decoded from stream_ext.token_decode_006($1) as d;
        of_version := '006';
        -- It contains neither channel nor account: the given ones are returned if the signature confirms them.
        if $2 is not null and $3 is not null then
            message := convert_to(decoded.app_id || $2 || $3, 'UTF8') || decoded.message;
            signer := stream_ext.token_signer(
                decoded.signature = extensions.hmac(message, convert_to(primary_certificate, 'UTF8'), 'sha256'),
                decoded.signature = extensions.hmac(message, convert_to(secondary_certificate, 'UTF8'), 'sha256'));
            -- Not covered by the signature, but all that keeps room1, 23 from being room12, 3.
            if stream_ext.token_crc32($2) <> decoded.channel_checksum or stream_ext.token_crc32($3) <> decoded.user_checksum then
                signer := null;
            end if;
            signed := signer is not null;
            of_channel := case when signed then $2 end;
            of_account := case when signed then $3 end;
        end if;
    else
        perform stream_ext.refuse_with_hint('invalid_argument', 'the token is not of the expected version');
    end if;
    of_app := decoded.app_id;
    granted := decoded.privileges;
    expires := decoded.expires_at;
    perform stream_ext.check_clock();
end
$$;
comment on function stream_ext.token_inspect(text, text, text) is 'The body of inspect_token, with other names than its arguments have.';

create function stream_ext.inspect_token(token text, channel_id text, account text)
returns table (
    version text, app_id text, channel_id text, account text, role text, privileges jsonb, issued_at bigint, expires_at bigint,
    is_expired boolean, is_signed boolean, signed_by text
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select t.of_version, t.of_app, t.of_channel, t.of_account,
        (
            select case when bool_or(p.privilege ->> 1 <> '1') then 'publisher' else 'subscriber' end
            from jsonb_array_elements(t.granted) as p (privilege)
            where p.privilege ->> 0 = '1'
            having count(*) > 0
        ),
        (
            select coalesce(jsonb_agg(stream_ext.token_privilege(p.privilege) order by p.place), '[]')
            from jsonb_array_elements(t.granted) with ordinality as p (privilege, place)
        ),
        t.issued, t.expires, t.expires <= stream_ext.clock_s(), t.signed, t.signer
    from stream_ext.token_inspect($1, $2, $3) as t
$$;
comment on function stream_ext.inspect_token(text, text, text) is 'What an Agora token says, and which of our certificates signed it.';
