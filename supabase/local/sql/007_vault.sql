-- Schema vault: Supabase Vault's names and rights, WITHOUT its encryption.
-- Secrets lie in the table as they were given. For development and tests only.

create schema vault;
grant usage on schema vault to postgres with grant option;
grant usage on schema vault to service_role;

create table vault.secrets (
    id uuid not null default gen_random_uuid(),
    name text,
    description text not null default '',
    secret text not null,
    key_id uuid,
    nonce bytea,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint secrets_pkey primary key (id)
);
comment on table vault.secrets is 'Stand-in for Supabase Vault that does NOT encrypt: column secret holds the clear text. Never for production.';
create unique index secrets_name_key on vault.secrets (name) where name is not null;
alter table vault.secrets enable row level security;

create view vault.decrypted_secrets as
select
    s.id,
    s.name,
    s.description,
    s.secret,
    s.secret as decrypted_secret,
    s.key_id,
    s.nonce,
    s.created_at,
    s.updated_at
from vault.secrets as s;
comment on view vault.decrypted_secrets is 'Secrets in clear text. In this stand-in nothing was encrypted.';

create function vault.create_secret(
    new_secret text,
    new_name text default null,
    new_description text default '',
    new_key_id uuid default null
)
returns uuid
language sql
volatile
security definer
-- Not empty: a type of the caller's session would come before Postgres's own.
set search_path = pg_catalog, pg_temp
as $$
    insert into vault.secrets (secret, name, description, key_id)
    values (new_secret, new_name, coalesce(new_description, ''), new_key_id)
    returning id
$$;
comment on function vault.create_secret(text, text, text, uuid) is 'Stores a secret, unencrypted in this stand-in, and returns its id.';

create function vault.update_secret(
    secret_id uuid,
    new_secret text default null,
    new_name text default null,
    new_description text default null,
    new_key_id uuid default null
)
returns void
language sql
volatile
security definer
-- Not empty: a type of the caller's session would come before Postgres's own.
set search_path = pg_catalog, pg_temp
as $$
    update vault.secrets as s
    set secret = coalesce(new_secret, s.secret),
        name = coalesce(new_name, s.name),
        description = coalesce(new_description, s.description),
        key_id = coalesce(new_key_id, s.key_id),
        updated_at = now()
    where s.id = secret_id
$$;
comment on function vault.update_secret(uuid, text, text, text, uuid) is 'Changes the given parts of a secret.';

revoke all on all functions in schema vault from public;
grant execute on all functions in schema vault to postgres with grant option;
grant execute on all functions in schema vault to service_role;
grant select, delete on vault.secrets, vault.decrypted_secrets to postgres with grant option;
grant select, delete on vault.secrets, vault.decrypted_secrets to service_role;
