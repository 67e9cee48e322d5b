-- Notices of Agora's notification service, applied once each.
create function stream_private.apply_webhook(notice json)
returns stream.webhook_result
language plpgsql
as 'begin end';
comment on function stream_private.apply_webhook is $$
Stores and applies a notice of Agora's notification service whose signature the caller has verified: once per
noticeId, and per user only if it is newer than those before. Status is applied, duplicate, outdated, ignored,
unknown_channel or test.
@native
@callers service_role
@repeat safe
@errors isolation_level, invalid_argument
$$;
