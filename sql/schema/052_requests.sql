-- Results by request id: the same call with the same id again returns what the first one did.
create table stream.requests (
    id bigint generated always as identity,
    caller uuid not null,
    request_id uuid not null,
    operation text not null,
    arguments_hash stream.sha256_hex not null,
    result jsonb,
    about uuid,
    created_at timestamptz not null default now(),
    constraint requests_pkey primary key (id),
    -- Comes before every other lock: a second call with the same id waits here for the first, and holds nothing.
    constraint requests_caller_request_id_key unique (caller, request_id)
) with (fillfactor = 70);
create index requests_created_at_idx on stream.requests (created_at);
create index requests_about_idx on stream.requests (about) where about is not null;
comment on table stream.requests is
    'First results of calls that named a request id, kept for config.request_retention_hours.';
comment on column stream.requests.caller is 'The user who called; the nil uuid for the service.';
comment on column stream.requests.arguments_hash is 'SHA-256 of the arguments, of which nothing else is kept.';
comment on column stream.requests.result is 'What the call returned; null while it runs.';
comment on column stream.requests.about is 'The user whom the result names, so that it goes when they are forgotten.';
-- Results hold reasons: no sample of them in the planner's statistics, where a forgotten one would stay.
alter table stream.requests alter column result set statistics 0;
alter table stream.requests enable row level security;
revoke all on table stream.requests from public, anon, authenticated, service_role;
