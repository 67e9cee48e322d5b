-- Agora tokens: for the host, for viewers, anew, and what a given one says.
create function stream_private.generate_seller_token(seller_id uuid, channel_id text, generation integer)
returns stream.agora_token
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_ext.generate_token($1, $2, 'host', 'request', $3);
end
$$;

create function stream.generate_seller_token(
    seller_id uuid default null,
    channel_id text default null,
    generation integer default null
)
returns stream.agora_token
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.generate_seller_token($1, $2, $3);
end
$$;
comment on function stream.generate_seller_token(uuid, text, integer) is
    'A publisher token for the seller of the stream on this channel. seller_id null: the caller. A stale generation is '
    'refused, so that an old device cannot evict the new one; null: any.';

revoke all on function stream_private.generate_seller_token(uuid, text, integer),
    stream.generate_seller_token(uuid, text, integer)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.generate_seller_token(uuid, text, integer),
    stream.generate_seller_token(uuid, text, integer)
    to authenticated, service_role;

create function stream_private.generate_buyer_token(buyer_id uuid, channel_id text)
returns stream.agora_token
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_ext.generate_token($1, $2, 'viewer', 'request', null);
end
$$;

create function stream.generate_buyer_token(buyer_id uuid default null, channel_id text default null)
returns stream.agora_token
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.generate_buyer_token($1, $2);
end
$$;
comment on function stream.generate_buyer_token(uuid, text) is
    'A subscriber token for a viewer who has joined the stream on this channel. buyer_id null: the caller.';

revoke all on function stream_private.generate_buyer_token(uuid, text), stream.generate_buyer_token(uuid, text)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.generate_buyer_token(uuid, text), stream.generate_buyer_token(uuid, text)
    to authenticated, service_role;

create function stream_private.refresh_token(user_id uuid, channel_id text, generation integer)
returns stream.agora_token
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_ext.generate_token($1, $2, null, 'refresh', $3);
end
$$;

create function stream.refresh_token(
    user_id uuid default null,
    channel_id text default null,
    generation integer default null
)
returns stream.agora_token
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.refresh_token($1, $2, $3);
end
$$;
comment on function stream.refresh_token(uuid, text, integer) is
    'A fresh token for the seller or a viewer of the stream on this channel, as the rows say; the older ones are retired '
    '(Agora accepts them until they expire). user_id null: the caller. A stale generation of the seller is refused; null: '
    'any. A viewer has none, and it is not looked at.';

revoke all on function stream_private.refresh_token(uuid, text, integer), stream.refresh_token(uuid, text, integer)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.refresh_token(uuid, text, integer), stream.refresh_token(uuid, text, integer)
    to authenticated, service_role;

create function stream_private.inspect_token(token text, channel_id text, account text)
returns stream.token_inspection
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    result stream.token_inspection;
begin
    select t.version, t.app_id, t.channel_id, t.account, t.role,
        array(
            select row(p.service, p.privilege, to_timestamp(p.expires_at))::stream.granted_privilege
            from jsonb_to_recordset(t.privileges) as p (service text, privilege text, expires_at bigint)
        ),
        to_timestamp(t.issued_at), to_timestamp(t.expires_at), t.is_expired, t.is_signed, t.signed_by
    into result
    from stream_ext.inspect_token($1, $2, $3) as t;
    return result;
end
$$;

create function stream.inspect_token(token text, channel_id text default null, account text default null)
returns stream.token_inspection
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.inspect_token($1, $2, $3);
end
$$;
comment on function stream.inspect_token(text, text, text) is
    'What an Agora token of version 007 or 006 says, and which certificate signed it. channel_id and account are needed to '
    'check a token of version 006, which holds only their checksums. Service only; the answer never holds the token.';

revoke all on function stream_private.inspect_token(text, text, text), stream.inspect_token(text, text, text)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.inspect_token(text, text, text), stream.inspect_token(text, text, text)
    to service_role;
