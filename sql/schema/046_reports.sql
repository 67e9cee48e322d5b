-- Reports of viewers about messages, and the messages that wait for a moderator because of them.
create table stream.message_reports (
    session_id uuid not null,
    seq bigint not null,
    user_id uuid not null,
    reason text,
    created_at timestamptz not null default clock_timestamp(),
    constraint message_reports_pkey primary key (session_id, seq, user_id),
    constraint message_reports_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade,
    constraint message_reports_reason_check check (length(reason) between 1 and 200)
);
-- The newest of one message, and those of one user for erasure and export.
create index message_reports_session_id_seq_created_at_idx on stream.message_reports (session_id, seq, created_at);
create index message_reports_user_id_idx on stream.message_reports (user_id);
comment on table stream.message_reports is
    'What viewers reported: one row per user and message, with the number of the message and none of its text.';
comment on column stream.message_reports.user_id is 'Who reported.';

create table stream.reported_messages (
    session_id uuid not null,
    seq bigint not null,
    report_count integer not null default 1,
    first_reported_at timestamptz not null default clock_timestamp(),
    last_reported_at timestamptz not null default clock_timestamp(),
    resolved_at timestamptz,
    resolved_by uuid,
    constraint reported_messages_pkey primary key (session_id, seq),
    constraint reported_messages_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade,
    constraint reported_messages_report_count_check check (report_count >= 1)
);
create index reported_messages_session_id_seq_open_idx on stream.reported_messages (session_id, seq)
    where resolved_at is null;
create index reported_messages_resolved_by_idx on stream.reported_messages (resolved_by) where resolved_by is not null;
comment on table stream.reported_messages is
    'Messages that were reported. Last in the order of locks, but for the rows of a user who is forgotten.';
comment on column stream.reported_messages.report_count is
    'Reports so far; those of users who were forgotten or deleted since still count.';
comment on column stream.reported_messages.resolved_at is
    'When a moderator resolved the reports or the message was deleted; a later report opens them again.';
comment on column stream.reported_messages.resolved_by is
    'The moderator; null for the service, the nil uuid for one who was forgotten.';

create table stream.report_rates (
    session_id uuid not null,
    user_id uuid not null,
    tat timestamptz not null,
    constraint report_rates_pkey primary key (session_id, user_id),
    constraint report_rates_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade
);
create index report_rates_user_id_idx on stream.report_rates (user_id);
comment on table stream.report_rates is 'How often each viewer has reported in a stream lately.';
comment on column stream.report_rates.tat is
    'Theoretical arrival time of the next report (GCRA): config.reports_per_minute lies before it.';

-- No sample of them in the planner's statistics, where a forgotten one would stay.
alter table stream.message_reports alter column reason set statistics 0;
alter table stream.message_reports enable row level security;
alter table stream.reported_messages enable row level security;
alter table stream.report_rates enable row level security;
revoke all on table stream.message_reports, stream.reported_messages, stream.report_rates
    from public, anon, authenticated, service_role;
