-- Settings: one typed row; a wrong value is refused by its CHECK.
create table stream.config (
    id boolean not null default true,
    agora_app_id text,
    agora_certificate_secret text not null default 'agora_app_certificate',
    token_ttl_s integer not null default 3600,
    anonymous_users_may_chat boolean not null default false,
    epoch_salt text not null default '',
    constraint config_pkey primary key (id),
    constraint config_id_single_row check (id),
    constraint config_agora_app_id_is_32_hex check (agora_app_id ~ '^[0-9a-fA-F]{32}$'),
    constraint config_agora_certificate_secret_1_to_255 check (length(agora_certificate_secret) between 1 and 255),
    constraint config_token_ttl_s_60_to_86400 check (token_ttl_s between 60 and 86400)
);
comment on table stream.config is 'Settings, exactly one row (id = true). Change them with: update stream.config set ... where id.';
comment on column stream.config.agora_app_id is 'Agora App ID: 32 hexadecimal digits. Not a secret. Null: token functions answer not_configured.';
comment on column stream.config.agora_certificate_secret is
    'Name of the Supabase Vault secret that holds the Agora primary certificate; never the certificate itself.';
comment on column stream.config.token_ttl_s is 'Life of an Agora token in seconds, 60 to 86400 (Agora''s own limit is 24 h).';
comment on column stream.config.anonymous_users_may_chat is 'Whether anonymous sign-ins (claim is_anonymous) may send chat messages.';
comment on column stream.config.epoch_salt is 'Part of the epoch: changing it makes every client resynchronise.';

alter table stream.config enable row level security;
revoke all on table stream.config from public, anon, authenticated, service_role;
insert into stream.config (id) values (true);
