-- Webhooks: what Agora's notification service tells.
create function stream_private.apply_webhook(notice json)
returns stream.webhook_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    result stream.webhook_result;
begin
    select a.status, a.effect into result.status, result.effect from stream_ext.apply_webhook($1::text) as a;
    return result;
end
$$;

create function stream.apply_webhook(notice json)
returns stream.webhook_result
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.apply_webhook($1);
end
$$;
comment on function stream.apply_webhook(json) is
    'Stores and applies a notice of Agora''s notification service whose signature the caller has verified: once per '
    'noticeId, and per user only if it is newer than those before. Status is applied, duplicate, outdated, ignored, '
    'unknown_channel or test.';

revoke all on function stream_private.apply_webhook(json), stream.apply_webhook(json)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.apply_webhook(json), stream.apply_webhook(json)
    to service_role;
