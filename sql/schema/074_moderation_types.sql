-- Result types of moderation and reports.
create type stream.restriction as (
    user_id uuid,
    kind text,
    until timestamptz,
    actor uuid,
    reason text,
    created_at timestamptz
);
comment on type stream.restriction is 'A mute or ban in force; until is null when it lasts until lifted, actor when the service set it.';
comment on column stream.restriction.kind is '@enum mute, ban';
comment on column stream.restriction.until is 'Null: until it is lifted. @null';
comment on column stream.restriction.actor is 'Null: the service. @null';
comment on column stream.restriction.reason is '@null';

create type stream.blocked_term as (session_id uuid, term text, actor uuid, created_at timestamptz);
comment on type stream.blocked_term is 'A term that no message may contain; session_id is null for all streams.';
comment on column stream.blocked_term.session_id is 'Null: of all streams. @null';
comment on column stream.blocked_term.actor is 'Null: the service. @null';

create type stream.moderation_entry as (
    id bigint,
    session_id uuid,
    seq bigint,
    action text,
    actor uuid,
    user_id uuid,
    target_seq bigint,
    reason text,
    until timestamptz,
    term text,
    created_at timestamptz
);
comment on type stream.moderation_entry is
    'One decision of a moderator. seq is the log entry that announced it, null where nothing is announced.';
comment on column stream.moderation_entry.session_id is 'Null: about all streams. @null';
comment on column stream.moderation_entry.seq is '@null';
comment on column stream.moderation_entry.action is '@enum user_muted, user_banned, mute_lifted, ban_lifted, message_deleted, '
    'user_messages_deleted, messages_deleted, message_pinned, message_unpinned, slow_mode, chat_mode, term_blocked, '
    'term_unblocked, report_resolved';
comment on column stream.moderation_entry.actor is 'Null: the service. @null';
comment on column stream.moderation_entry.user_id is 'Whom it was about. @null';
comment on column stream.moderation_entry.target_seq is 'The message that it was about. @null';
comment on column stream.moderation_entry.reason is '@null';
comment on column stream.moderation_entry.until is '@null';
comment on column stream.moderation_entry.term is '@null';

create type stream.own_restriction as (kind text, until timestamptz, reason text);
comment on type stream.own_restriction is 'A mute or ban in force, as the one hears of it whom it is about.';
comment on column stream.own_restriction.kind is '@enum mute, ban';
comment on column stream.own_restriction.until is 'Null: until it is lifted. @null';
comment on column stream.own_restriction.reason is '@null';

create type stream.message_report as (
    session_id uuid,
    message_id uuid,
    seq bigint,
    user_id uuid,
    reason text,
    created_at timestamptz
);
comment on type stream.message_report is 'That a user reported a message.';
comment on column stream.message_report.user_id is 'Who reported it.';
comment on column stream.message_report.reason is 'At most 200 characters. @null';

create type stream.reported_message as (
    session_id uuid,
    message_id uuid,
    seq bigint,
    user_id uuid,
    username text,
    report_count integer,
    first_reported_at timestamptz,
    last_reported_at timestamptz,
    reports stream.message_report[]
);
comment on type stream.reported_message is 'A message whose reports no moderator has resolved yet.';
comment on column stream.reported_message.user_id is 'Who wrote it; null for users deleted since. @null';
comment on column stream.reported_message.username is 'The author''s name when it was sent. @null';
comment on column stream.reported_message.report_count is 'How often it was reported, also by users who are gone since.';
comment on column stream.reported_message.reports is 'Who reported it, when and why: the newest 20, the newest first.';
