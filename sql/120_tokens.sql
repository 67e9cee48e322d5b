-- Agora tokens for the host and for viewers.
create function stream_private.generate_seller_token(seller_id uuid, channel_id text)
returns stream.agora_token
language plpgsql security definer
set search_path = ''
as $$
declare
    result stream.agora_token;
begin
    select t.token, t.channel_id, t.uid, t.expires_at,
        row(t.can_publish, t.can_subscribe, t.can_admin)::stream.token_privileges
    into result
    from stream_ext.generate_token($1, $2, true) as t;
    return result;
end
$$;

create function stream.generate_seller_token(seller_id uuid, channel_id text)
returns stream.agora_token
language plpgsql
set search_path = ''
as $$
begin
    return stream_private.generate_seller_token($1, $2);
end
$$;
comment on function stream.generate_seller_token(uuid, text) is
    'A publisher token for the seller of the stream on this channel. seller_id null: the caller.';

revoke all on function stream_private.generate_seller_token(uuid, text), stream.generate_seller_token(uuid, text)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.generate_seller_token(uuid, text), stream.generate_seller_token(uuid, text)
    to authenticated, service_role;

create function stream_private.generate_buyer_token(buyer_id uuid, channel_id text)
returns stream.agora_token
language plpgsql security definer
set search_path = ''
as $$
declare
    result stream.agora_token;
begin
    select t.token, t.channel_id, t.uid, t.expires_at,
        row(t.can_publish, t.can_subscribe, t.can_admin)::stream.token_privileges
    into result
    from stream_ext.generate_token($1, $2, false) as t;
    return result;
end
$$;

create function stream.generate_buyer_token(buyer_id uuid, channel_id text)
returns stream.agora_token
language plpgsql
set search_path = ''
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
