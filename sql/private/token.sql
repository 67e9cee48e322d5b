-- Agora tokens: minted for the host and for viewers, renewed, and inspected.
create function stream_private.generate_seller_token(
    seller_id uuid default null,
    channel_id text default null,
    generation integer default null
)
returns stream.agora_token
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return stream_ext.generate_token($1, $2, 'host', 'request', $3);
end
$$;
comment on function stream_private.generate_seller_token is $$
A publisher token for the seller of the stream on this channel. seller_id null: the caller. A stale generation is
refused, so that an old device cannot evict the new one; null: any.
@callers authenticated, service_role
@repeat safe
@errors isolation_level, invalid_argument, not_self, channel_not_found, not_stream_owner, stream_ended, stale_host,
    rate_limited, not_configured, certificate_missing, certificate_malformed, certificate_unsafe, vault_unreadable,
    clock_wrong
$$;

create function stream_private.generate_buyer_token(buyer_id uuid default null, channel_id text default null)
returns stream.agora_token
language plpgsql security definer
-- Its rows are found by key without a statement, so it need not set and reset what it never plans with. The one statement
-- that is left reads the certificate from the Vault.
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_ext.generate_token($1, $2, 'viewer', 'request', null);
end
$$;
comment on function stream_private.generate_buyer_token is $$
A subscriber token for a viewer who has joined the stream on this channel. buyer_id null: the caller.
@callers authenticated, service_role
@repeat safe
@errors isolation_level, invalid_argument, not_self, channel_not_found, stream_ended, banned, not_viewer,
    rate_limited, not_configured, certificate_missing, certificate_malformed, certificate_unsafe, vault_unreadable,
    clock_wrong
$$;

create function stream_private.refresh_token(
    user_id uuid default null,
    channel_id text default null,
    generation integer default null
)
returns stream.agora_token
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return stream_ext.generate_token($1, $2, null, 'refresh', $3);
end
$$;
comment on function stream_private.refresh_token is $$
A fresh token for the seller or a viewer of the stream on this channel, as the rows say; the older ones are retired
(Agora accepts them until they expire). user_id null: the caller. A stale generation of the seller is refused; null:
any. A viewer has none, and it is not looked at.
@callers authenticated, service_role
@repeat safe
@errors isolation_level, invalid_argument, not_self, channel_not_found, stream_ended, banned, not_viewer, stale_host,
    rate_limited, not_configured, certificate_missing, certificate_malformed, certificate_unsafe, vault_unreadable,
    clock_wrong
$$;

create function stream_private.inspect_token(token text, channel_id text default null, account text default null)
returns stream.token_inspection
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
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
comment on function stream_private.inspect_token is $$
What an Agora token of version 007 or 006 says, and which certificate signed it. channel_id and account are needed to
check a token of version 006, which holds only their checksums. Service only; the answer never holds the token.
@callers service_role
@errors invalid_argument, not_configured, certificate_missing, certificate_malformed, certificate_unsafe,
    vault_unreadable, clock_wrong
$$;
