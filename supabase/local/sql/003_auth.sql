-- Schema auth: users, sessions and refresh tokens, and the functions that policies call.

create schema auth authorization supabase_auth_admin;
grant usage on schema auth to anon, authenticated, service_role, postgres;

set role supabase_auth_admin;

create table auth.users (
    id uuid not null,
    instance_id uuid,
    aud varchar(255),
    role varchar(255),
    email varchar(255),
    encrypted_password varchar(255),
    email_confirmed_at timestamptz,
    invited_at timestamptz,
    confirmation_token varchar(255),
    confirmation_sent_at timestamptz,
    recovery_token varchar(255),
    recovery_sent_at timestamptz,
    email_change_token_new varchar(255),
    email_change varchar(255),
    email_change_sent_at timestamptz,
    email_change_token_current varchar(255) default '',
    email_change_confirm_status smallint default 0,
    phone text,
    phone_confirmed_at timestamptz,
    phone_change text default '',
    phone_change_token varchar(255) default '',
    phone_change_sent_at timestamptz,
    confirmed_at timestamptz generated always as (least(email_confirmed_at, phone_confirmed_at)) stored,
    reauthentication_token varchar(255) default '',
    reauthentication_sent_at timestamptz,
    last_sign_in_at timestamptz,
    raw_app_meta_data jsonb,
    raw_user_meta_data jsonb,
    is_super_admin boolean,
    is_sso_user boolean not null default false,
    is_anonymous boolean not null default false,
    banned_until timestamptz,
    deleted_at timestamptz,
    created_at timestamptz,
    updated_at timestamptz,
    constraint users_pkey primary key (id),
    constraint users_phone_key unique (phone)
);
comment on table auth.users is 'People who can sign in; columns, and what of them has a default, as in Supabase Auth.';
create unique index users_email_partial_key on auth.users (email) where not is_sso_user;
create index users_lower_email_idx on auth.users (lower(email));

create table auth.identities (
    id uuid not null default gen_random_uuid(),
    provider_id text not null,
    user_id uuid not null,
    identity_data jsonb not null,
    provider text not null,
    email text generated always as (lower(identity_data ->> 'email')) stored,
    last_sign_in_at timestamptz,
    created_at timestamptz,
    updated_at timestamptz,
    constraint identities_pkey primary key (id),
    constraint identities_provider_id_provider_key unique (provider_id, provider),
    constraint identities_user_id_fkey foreign key (user_id) references auth.users (id) on delete cascade
);
comment on table auth.identities is 'Written by seeds that follow Supabase; the sign-in routes do not read it.';
create index identities_user_id_idx on auth.identities (user_id);

create table auth.sessions (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint sessions_pkey primary key (id),
    constraint sessions_user_id_fkey foreign key (user_id) references auth.users (id) on delete cascade
);
comment on table auth.sessions is 'One row per sign-in; signing out deletes it.';
create index sessions_user_id_idx on auth.sessions (user_id);

create table auth.refresh_tokens (
    token_sha256 bytea not null,
    session_id uuid not null,
    revoked boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint refresh_tokens_pkey primary key (token_sha256),
    constraint refresh_tokens_session_id_fkey foreign key (session_id) references auth.sessions (id) on delete cascade
);
comment on table auth.refresh_tokens is 'SHA-256 of each refresh token, never the token; each is good for one refresh.';
create index refresh_tokens_session_id_idx on auth.refresh_tokens (session_id);

alter table auth.users enable row level security;
alter table auth.identities enable row level security;
alter table auth.sessions enable row level security;
alter table auth.refresh_tokens enable row level security;

-- postgres carries bypassrls, so a seed may write users and a foreign key may name them.
grant all on auth.users, auth.identities, auth.sessions, auth.refresh_tokens to postgres;

create function auth.jwt()
returns jsonb
language sql
stable
set search_path = ''
as $$
    select nullif(
        coalesce(
            nullif(current_setting('request.jwt.claim', true), ''),
            nullif(current_setting('request.jwt.claims', true), '')
        ),
        ''
    )::jsonb
$$;
comment on function auth.jwt() is 'Claims of the caller''s token, null outside a request.';

create function auth.uid()
returns uuid
language sql
stable
set search_path = ''
as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.sub', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
    )::uuid
$$;
comment on function auth.uid() is 'User id of the caller''s token, null for the bare API keys.';

create function auth.role()
returns text
language sql
stable
set search_path = ''
as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.role', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'
    )
$$;
comment on function auth.role() is 'Database role that the caller''s token names.';

create function auth.email()
returns text
language sql
stable
set search_path = ''
as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.email', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email'
    )
$$;
comment on function auth.email() is 'Address in the caller''s token.';

reset role;
