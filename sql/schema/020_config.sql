-- Settings: one typed row; a wrong value is refused by its CHECK.
create table stream.config (
    id boolean not null default true,
    agora_app_id text,
    agora_certificate_secret text not null default 'agora_app_certificate',
    agora_secondary_certificate_secret text,
    token_ttl_s integer not null default 3600,
    token_rate_per_minute integer not null default 30,
    starts_per_minute integer not null default 10,
    state_moves_per_minute integer not null default 10,
    restrictions_per_minute integer not null default 10,
    reports_per_minute integer not null default 10,
    request_retention_hours integer not null default 24,
    host_timeout_s integer not null default 20,
    reconnect_window_s integer not null default 60,
    initializing_timeout_s integer not null default 300,
    paused_timeout_s integer not null default 3600,
    max_duration_s integer not null default 43200,
    heartbeat_interval_s integer not null default 15,
    lease_s integer not null default 45,
    background_grace_s integer not null default 60,
    retention_days integer default 90,
    webhook_retention_days integer not null default 7,
    sweep_batch_size integer not null default 500,
    chat_interval_ms integer not null default 1000,
    chat_burst integer not null default 10,
    host_chat_interval_ms integer not null default 200,
    host_chat_burst integer not null default 20,
    reaction_kinds text[] not null default '{like,love,laugh,wow,fire,clap}',
    reaction_interval_ms integer not null default 500,
    reaction_burst integer not null default 10,
    anonymous_users_may_chat boolean not null default false,
    epoch_salt text not null default '',
    realtime_messages_per_s integer not null default 0,
    realtime_share_percent integer not null default 80,
    realtime_payload_bytes integer not null default 250000,
    canary_user_id uuid,
    constraint config_pkey primary key (id),
    constraint config_id_single_row check (id),
    constraint config_agora_app_id_is_32_hex check (agora_app_id ~ '^[0-9a-fA-F]{32}$'),
    constraint config_agora_certificate_secret_1_to_255 check (length(agora_certificate_secret) between 1 and 255),
    constraint config_agora_secondary_certificate_secret_1_to_255
        check (length(agora_secondary_certificate_secret) between 1 and 255),
    -- A refused value is answered with the constraint's name, which says the range.
    constraint config_token_ttl_s_60_to_86400 check (token_ttl_s between 60 and 86400),
    constraint config_token_rate_per_minute_1_to_1000000 check (token_rate_per_minute between 1 and 1000000),
    constraint config_starts_per_minute_1_to_1000000 check (starts_per_minute between 1 and 1000000),
    constraint config_state_moves_per_minute_1_to_1000000 check (state_moves_per_minute between 1 and 1000000),
    constraint config_restrictions_per_minute_1_to_1000000 check (restrictions_per_minute between 1 and 1000000),
    constraint config_reports_per_minute_1_to_1000000 check (reports_per_minute between 1 and 1000000),
    constraint config_request_retention_hours_1_to_168 check (request_retention_hours between 1 and 168),
    constraint config_host_timeout_s_5_to_300 check (host_timeout_s between 5 and 300),
    constraint config_reconnect_window_s_0_to_1800 check (reconnect_window_s between 0 and 1800),
    constraint config_initializing_timeout_s_30_to_3600 check (initializing_timeout_s between 30 and 3600),
    constraint config_paused_timeout_s_60_to_86400 check (paused_timeout_s between 60 and 86400),
    constraint config_max_duration_s_60_to_604800 check (max_duration_s between 60 and 604800),
    constraint config_heartbeat_interval_s_5_to_60 check (heartbeat_interval_s between 5 and 60),
    constraint config_lease_s_15_to_600 check (lease_s between 15 and 600),
    constraint config_lease_s_over_2_heartbeats check (lease_s > 2 * heartbeat_interval_s),
    constraint config_background_grace_s_0_to_3600 check (background_grace_s between 0 and 3600),
    constraint config_retention_days_1_to_3650 check (retention_days between 1 and 3650),
    constraint config_chat_interval_ms_1_to_60000 check (chat_interval_ms between 1 and 60000),
    constraint config_chat_burst_1_to_1000 check (chat_burst between 1 and 1000),
    constraint config_host_chat_interval_ms_1_to_60000 check (host_chat_interval_ms between 1 and 60000),
    constraint config_host_chat_burst_1_to_1000 check (host_chat_burst between 1 and 1000),
    -- Names that Postgres writes without quotes; so none of them is null, and the array has one dimension.
    constraint config_reaction_kinds_are_32_lower_snake_names
        check (reaction_kinds::text ~ '^[{]([a-z][a-z0-9_]{0,31}(,[a-z][a-z0-9_]{0,31}){0,31})?[}]$'),
    constraint config_reaction_interval_ms_1_to_60000 check (reaction_interval_ms between 1 and 60000),
    constraint config_reaction_burst_1_to_1000 check (reaction_burst between 1 and 1000),
    constraint config_webhook_retention_days_1_to_365 check (webhook_retention_days between 1 and 365),
    constraint config_sweep_batch_size_1_to_10000 check (sweep_batch_size between 1 and 10000),
    constraint config_realtime_messages_per_s_0_to_1000000 check (realtime_messages_per_s between 0 and 1000000),
    constraint config_realtime_share_percent_1_to_100 check (realtime_share_percent between 1 and 100),
    constraint config_realtime_payload_bytes_10000_to_100000000
        check (realtime_payload_bytes between 10000 and 100000000)
);
comment on table stream.config is 'Settings, exactly one row (id = true). Change them with: update stream.config set ... where id.';
comment on column stream.config.agora_app_id is 'Agora App ID: 32 hexadecimal digits. Not a secret. Null: token functions answer not_configured.';
comment on column stream.config.agora_certificate_secret is
    'Name of the Supabase Vault secret that holds the Agora primary certificate; never the certificate itself.';
comment on column stream.config.agora_secondary_certificate_secret is
    'Name of the Vault secret that holds the Agora secondary certificate while certificates are rotated; inspect_token '
    'accepts its tokens. Null: there is none.';
comment on column stream.config.token_ttl_s is
    'Life of an Agora token in seconds, 60 to 86400 (Agora''s own limit is 24 h). It is shortened to what is left of its '
    'stream''s longest duration, but never below 60 s, also when the sweep that ends the stream is late.';
comment on column stream.config.token_rate_per_minute is
    'Tokens that one user may ask for in one stream within a minute, 1 to 1000000; as many at once. Joins count and are not '
    'refused: beyond the rate join_stream answers the newest token again, or none with retry_after_ms. Renewals by '
    'heartbeat and calls of the service do not count.';
comment on column stream.config.starts_per_minute is
    'Streams that one seller may start or take over within a minute, 1 to 1000000; as many at once. Calls of the service do not '
    'count and are not refused.';
comment on column stream.config.state_moves_per_minute is
    'Moves between states that the seller of one stream may make within a minute, 1 to 1000000; as many at once. Ending, '
    'going live or back from initializing, what repeats the present state, and calls of the service do not count and are not refused.';
comment on column stream.config.restrictions_per_minute is
    'Mutes, bans and lifts that one moderator may make in one stream within a minute, 1 to 1000000; as many at once. What '
    'changes nothing and calls of the service do not count and are not refused.';
comment on column stream.config.reports_per_minute is
    'Reports about messages that one viewer may make in one stream within a minute, 1 to 1000000; as many at once. The same '
    'report again does not count.';
comment on column stream.config.request_retention_hours is
    'Hours for which a request id returns its first result, 1 to 168.';
comment on column stream.config.host_timeout_s is
    'Seconds without a host heartbeat until the host counts as lost, 5 to 300; judged only after a first heartbeat.';
comment on column stream.config.reconnect_window_s is
    'Seconds that a lost host has to return, 0 to 1800; start_stream can set another window for one stream.';
comment on column stream.config.initializing_timeout_s is
    'Seconds until a stream that never became active is ended, 30 to 3600.';
comment on column stream.config.paused_timeout_s is 'Seconds until a paused stream is ended, 60 to 86400.';
comment on column stream.config.max_duration_s is
    'Seconds from the start until any stream is ended, 60 to 604800 (a week).';
comment on column stream.config.heartbeat_interval_s is 'Seconds between two heartbeats of a client, 5 to 60.';
comment on column stream.config.lease_s is
    'Seconds that a viewer counts after the last heartbeat, 15 to 600; more than two heartbeats.';
comment on column stream.config.background_grace_s is
    'Seconds that a viewer whose app is in the background still counts while it goes on sending heartbeats, 0 to 3600; '
    'never longer than lease_s without them.';
comment on column stream.config.retention_days is
    'Days that an ended stream and its log are kept, 1 to 3650; null keeps them for ever.';
comment on column stream.config.webhook_retention_days is
    'Days that Agora''s notices are kept, 1 to 365; one that comes again later is applied again.';
comment on column stream.config.sweep_batch_size is 'Rows that one sweep handles for each rule, 1 to 10000.';
comment on column stream.config.chat_interval_ms is
    'Milliseconds in which a viewer regains one message, 1 to 60000: the steady rate.';
comment on column stream.config.chat_burst is 'Messages that a viewer who was silent may send at once, 1 to 1000.';
comment on column stream.config.host_chat_interval_ms is 'The same as chat_interval_ms for the seller, 1 to 60000.';
comment on column stream.config.host_chat_burst is 'The same as chat_burst for the seller, 1 to 1000.';
comment on column stream.config.reaction_kinds is
    'The reactions there are: at most 32 names of 1 to 32 lower-case letters, digits and underscores, beginning with a letter. '
    'Without any, nobody reacts.';
comment on column stream.config.reaction_interval_ms is
    'Milliseconds in which a user regains one reaction, 1 to 60000: the steady rate.';
comment on column stream.config.reaction_burst is 'Reactions that a user may send at once after a silence, 1 to 1000.';
comment on column stream.config.anonymous_users_may_chat is
    'Whether anonymous sign-ins (claim is_anonymous) may send chat messages and reactions.';
comment on column stream.config.epoch_salt is 'Part of the epoch: changing it makes every client resynchronise.';
comment on column stream.config.realtime_messages_per_s is
    'Messages a second that the Realtime plan admits, 0 to 1000000 (100 on Free, 500 on Pro, 2500 on Team); 0: no limit. Realtime '
    'counts one for each broadcast and one for each channel that receives it. Frames and viewer counts wait so that the limit holds.';
comment on column stream.config.realtime_share_percent is
    'Percent of realtime_messages_per_s that are planned with, 1 to 100; the rest is for bursts and for what else the project broadcasts.';
comment on column stream.config.realtime_payload_bytes is
    'Bytes of a broadcast that Realtime admits, 10000 to 100000000 (256 KB on Free, 3000 KB above). A frame that is larger carries '
    'numbers and no messages.';
comment on column stream.config.canary_user_id is
    'The user as whom edge_api watches the way through Realtime; a canary is sent to them every ten seconds. Null: none is.';

alter table stream.config enable row level security;
revoke all on table stream.config from public, anon, authenticated, service_role;
insert into stream.config (id) values (true);
