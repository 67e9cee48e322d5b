-- Agora tokens that were handed out: their hash, never the token.
create domain stream.sha256_hex as text constraint sha256_hex_check check (value ~ '^[0-9a-f]{64}$');
comment on domain stream.sha256_hex is 'A SHA-256 digest, lower-case hexadecimal.';
create domain stream.agora_uid as integer constraint agora_uid_check check (value >= 1);
comment on domain stream.agora_uid is 'Agora uid of a host or a viewer.';
create domain stream.agora_salt as integer constraint agora_salt_check check (value between 1 and 99999999);
comment on domain stream.agora_salt is 'Random part of an Agora token, in the range of Agora''s own libraries.';

create table stream.agora_tokens (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    session_id uuid not null,
    token_hash stream.sha256_hex not null,
    channel_id text not null,
    uid stream.agora_uid not null,
    salt stream.agora_salt not null,
    privileges jsonb not null,
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    is_active boolean not null default true,
    check_at timestamptz not null,
    constraint agora_tokens_pkey primary key (id),
    constraint agora_tokens_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade,
    constraint agora_tokens_expires_at_check check (expires_at > created_at)
);
-- A refresh finds the rows that it retires without passing those that are retired already, and a join beyond the rate
-- the newest one without reading the others.
create index agora_tokens_session_id_user_id_is_active_created_at_idx
    on stream.agora_tokens (session_id, user_id, is_active, created_at);
-- The sweep looks at a token twice, near its end and at it, by one index. With the end, so that those which have ended and
-- those which have not are told apart there.
create index agora_tokens_check_at_expires_at_active_idx on stream.agora_tokens (check_at, expires_at) where is_active;
create index agora_tokens_user_id_idx on stream.agora_tokens (user_id);

comment on table stream.agora_tokens is
    'Agora tokens handed out, for audit, and what join_stream mints one from again: its times, uid and salt. Without the '
    'certificate nobody can.';
comment on column stream.agora_tokens.created_at is 'The time of issue in the token: whole seconds, from which its life counts.';
comment on column stream.agora_tokens.salt is 'The random number in the token, which the certificate signs; no secret.';
comment on column stream.agora_tokens.is_active is
    'False once the token has expired, the stream has ended or refresh_token has replaced it. Agora itself cannot revoke a token.';
comment on column stream.agora_tokens.check_at is
    'When the sweep looks at the token next: at 85 % of its life, to announce that it ends soon, then at its end.';
comment on column stream.agora_tokens.token_hash is 'SHA-256 of the token text, lower-case hexadecimal.';

alter table stream.agora_tokens enable row level security;
revoke all on table stream.agora_tokens from public, anon, authenticated, service_role;
