-- Agora's notices: each one once, and the newest one of every user of a channel.
create table stream.webhook_events (
    notice_id text not null,
    received_at timestamptz not null default now(),
    product_id integer not null,
    event_type integer not null,
    channel_id text,
    session_id uuid,
    uid bigint,
    client_seq bigint,
    happened_at timestamptz,
    reason integer,
    duration_s bigint,
    status text not null,
    effect text,
    constraint webhook_events_pkey primary key (notice_id),
    constraint webhook_events_notice_id_1_to_64 check (length(notice_id) between 1 and 64),
    constraint webhook_events_channel_id_1_to_64 check (length(channel_id) between 1 and 64),
    constraint webhook_events_status_check
        check (status in ('applied', 'outdated', 'ignored', 'unknown_channel', 'test'))
) with (fillfactor = 80);
-- What the sweep takes, and when the newest one came.
create index webhook_events_received_at_idx on stream.webhook_events (received_at);
-- For a user who is forgotten.
create index webhook_events_session_id_uid_idx on stream.webhook_events (session_id, uid) where uid is not null;

comment on table stream.webhook_events is
    'Agora''s notices, each stored once however often it was sent, with what became of it. Kept config.webhook_retention_days.';
comment on column stream.webhook_events.session_id is
    'The stream of the channel; no foreign key, so that a notice may outlive its stream. Null: a channel of nobody here.';
comment on column stream.webhook_events.happened_at is 'When it happened by Agora''s clock, in whole seconds.';
comment on column stream.webhook_events.reason is 'Agora''s number of the reason for a leave.';
comment on column stream.webhook_events.duration_s is 'Seconds that a user who left was in the channel.';
comment on column stream.webhook_events.status is
    'applied, outdated (a newer one had come), ignored, unknown_channel or test (of the console); a repetition is not stored.';
comment on column stream.webhook_events.effect is 'What an applied notice did, or why it was ignored.';

create table stream.webhook_cursors (
    session_id uuid not null,
    uid bigint not null,
    position bigint not null,
    is_present boolean not null,
    happened_at timestamptz not null,
    seen_at timestamptz not null,
    forget_at timestamptz not null,
    constraint webhook_cursors_pkey primary key (session_id, uid),
    constraint webhook_cursors_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade,
    constraint webhook_cursors_uid_check check (uid between 0 and 4294967295)
) with (fillfactor = 70);
create index webhook_cursors_forget_at_idx on stream.webhook_cursors (forget_at);

comment on table stream.webhook_cursors is
    'The newest notice of each user of a channel: older ones that arrive later are not applied. Whoever has left '
    'is kept 60 s for that.';
comment on column stream.webhook_cursors.uid is 'Agora uid; 0 is the channel itself.';
comment on column stream.webhook_cursors.position is
    'clientSeq; of the channel itself twice the second in which it was created or destroyed, plus one if created.';
comment on column stream.webhook_cursors.is_present is 'Whether the user is in the channel, by Agora''s word. A hint.';
comment on column stream.webhook_cursors.forget_at is
    '60 s after the notice of a leave; after that of a join, when no stream can last any longer.';

alter table stream.webhook_events enable row level security;
alter table stream.webhook_cursors enable row level security;
revoke all on table stream.webhook_events, stream.webhook_cursors from public, anon, authenticated, service_role;
