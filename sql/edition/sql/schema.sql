-- Schema stream_ext of the edition without native code. Its functions stand in the repeatable migration, belong to the owner of
-- the tables and may be executed by nobody else.
create schema if not exists stream_ext;
comment on schema stream_ext is
    'The functions that the bodies of stream_private call, in SQL: the edition for servers that load no native extension. Never expose this schema.';
revoke all on schema stream_ext from public, anon, authenticated, service_role;
-- HMAC, for Agora tokens. Supabase has it in every project.
create extension if not exists pgcrypto with schema extensions;
