-- Minting Agora tokens of version 007, and storing their hashes.
create function stream_ext.token_u32(value bigint) returns bytea
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return substr(int8send(
        (($1 & 255) << 24) | (($1 >> 8 & 255) << 16) | (($1 >> 16 & 255) << 8) | ($1 >> 24 & 255)), 5);
end
$$;
comment on function stream_ext.token_u32(bigint) is 'Four bytes, the lowest first.';

create function stream_ext.token_sign(certificate text, issued_at bytea, salt bytea, signed bytea) returns bytea
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- The public values are the keys of the first two, and the secret is the first message: unusual, and what Agora's servers
    -- compute.
    return extensions.hmac($4, extensions.hmac(extensions.hmac(convert_to($1, 'UTF8'), $2, 'sha256'), $3, 'sha256'), 'sha256');
end
$$;
comment on function stream_ext.token_sign(text, bytea, bytea, bytea) is 'The signature of a token: three HMAC-SHA256 in a row.';

create function stream_ext.token_mint(
    app_id text, certificate text, channel text, uid integer, is_host boolean, issued_at bigint, life_s bigint, salt bigint
)
returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    issued constant pg_catalog.bytea := stream_ext.token_u32($6);
    life constant pg_catalog.bytea := stream_ext.token_u32($7);
    salted constant pg_catalog.bytea := stream_ext.token_u32($8);
    user_text constant pg_catalog.bytea := convert_to($4::text, 'UTF8');
    -- Texts stand behind their length; one service, RTC; its privileges by ascending id, each as long as the token.
    signed constant pg_catalog.bytea := e'\\x2000'::bytea || convert_to($1, 'UTF8') || issued || life || salted || e'\\x01000100'::bytea
        || case when $5
            then e'\\x04000100'::bytea || life || e'\\x0200'::bytea || life || e'\\x0300'::bytea || life || e'\\x0400'::bytea || life
            else e'\\x01000100'::bytea || life end
        || set_byte(e'\\x0000'::bytea, 0, length($3)) || convert_to($3, 'UTF8')
        || set_byte(e'\\x0000'::bytea, 0, length(user_text)) || user_text;
    content constant pg_catalog.bytea := e'\\x2000'::bytea || stream_ext.token_sign($2, issued, salted, signed) || signed;
    bytes constant pg_catalog.int4 := length(content);
    -- Both sums of Adler-32, the one of the sums above the other.
    first_weight constant pg_catalog.int8 := bytes * 4294967296 + 1;
    sums pg_catalog.int8 := 0;
begin
    -- In a loop here: a function with generate_series takes three times as long.
    for place in 0..bytes - 1 loop
        sums := sums + get_byte(content, place) * (first_weight - place * 4294967296);
    end loop;
    -- A zlib stream of one stored block, in Base64 without its line ends.
    return '007' || replace(encode(
        e'\\x789c01'::bytea
        || set_byte(set_byte(set_byte(set_byte(e'\\x00000000'::bytea,
            0, bytes & 255), 1, bytes >> 8), 2, 255 - (bytes & 255)), 3, 255 - (bytes >> 8))
        || content
        || substr(int8send(((((sums >> 32) + bytes) % 65521) << 16) | (((sums & 4294967295) + 1) % 65521)), 5),
        'base64'), e'\n', '');
end
$$;
comment on function stream_ext.token_mint(text, text, text, integer, boolean, bigint, bigint, bigint) is
    'Mints a token for one channel and one user. The same content, App ID and certificate give the same token.';

create function stream_ext.token_life_s(created_at timestamptz, issued_at bigint, max_duration_s integer, token_ttl_s integer)
returns integer
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- At least a minute, for the last one of the stream's longest duration, and after that while the sweep is late.
    return least(greatest(floor(extract(epoch from $1))::bigint + $3 - $2, 60), $4);
end
$$;
comment on function stream_ext.token_life_s(timestamptz, bigint, integer, integer) is 'Seconds that a token may live: as long as its stream can.';

create function stream_ext.token_issue(
    session_id uuid, user_id uuid, app_id text, certificate text, number integer, is_host boolean, issued_at bigint, life_s integer,
    out token text, out expires_at timestamptz
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    channel constant pg_catalog.text := $1::text;
    salt constant pg_catalog.int8 := ('x' || left(gen_random_uuid()::text, 8))::bit(32)::bigint % 99999999 + 1;
    issued constant pg_catalog.timestamptz := to_timestamp($7);
begin
    token := stream_ext.token_mint($3, $4, channel, $5, $6, $7, $8, salt);
    expires_at := to_timestamp($7 + $8);
    insert into stream.agora_tokens as t (
        user_id, session_id, token_hash, channel_id, uid, salt, privileges, created_at, expires_at, is_active, check_at)
    values (
        $2, $1, encode(sha256(convert_to(token, 'UTF8')), 'hex'), channel, $5, salt,
        case when $6 then '{"can_publish": true, "can_subscribe": true, "can_admin": true}'::jsonb
            else '{"can_publish": false, "can_subscribe": true, "can_admin": false}'::jsonb end,
        -- At 85 % of its life the sweep announces that it ends soon.
        issued, expires_at, true, expires_at - $8 * interval '150 milliseconds');
end
$$;
comment on function stream_ext.token_issue(uuid, uuid, text, text, integer, boolean, bigint, integer) is
    'Mints a new token and stores its row: its hash, and the fields from which the same token can be minted again.';
