-- Result types of operations.
create type stream.session as (
    id uuid,
    seller_id uuid,
    auction_id uuid,
    channel_id text,
    state text,
    state_reason text,
    generation integer,
    host_uid integer,
    viewer_count integer,
    peak_viewer_count integer,
    created_at timestamptz,
    started_at timestamptz,
    ended_at timestamptz,
    state_changed_at timestamptz,
    reconnect_deadline timestamptz,
    chat_mode text,
    slow_mode_ms integer,
    pinned_seq bigint,
    metadata jsonb,
    oldest_client text
);
comment on type stream.session is 'A stream session. host_uid is the only Agora uid whose video clients show.';
comment on column stream.session.state is '@enum initializing, active, paused, error, ended';
comment on column stream.session.state_reason is 'Why it is in this state, where somebody said so. @null';
comment on column stream.session.generation is 'Which device of the seller streams; one more at every takeover.';
comment on column stream.session.started_at is 'When it first was active. @null';
comment on column stream.session.ended_at is 'When it ended. @null';
comment on column stream.session.reconnect_deadline is 'Until when a lost host may return; set in state error. @null';
comment on column stream.session.chat_mode is 'Who may write. @enum viewers, verified, hosts, nobody';
comment on column stream.session.slow_mode_ms is 'How long a viewer waits between two messages; 0: not at all.';
comment on column stream.session.pinned_seq is 'The log entry that is kept in view. @null';
comment on column stream.session.metadata is 'Of the application. @json object';
comment on column stream.session.oldest_client is 'The oldest version of the contract whose clients the server serves.';

create type stream.token_privileges as (can_publish boolean, can_subscribe boolean, can_admin boolean);
comment on type stream.token_privileges is 'What an Agora token permits; can_admin is true for the host.';

create type stream.agora_token as (
    token text,
    channel_id text,
    uid integer,
    expires_at timestamptz,
    privileges stream.token_privileges
);
comment on type stream.agora_token is 'An Agora RTC token, version 007; privileges expire with it.';
comment on column stream.agora_token.uid is 'The Agora uid that the token is for.';

create type stream.granted_privilege as (service text, privilege text, expires_at timestamptz);
comment on type stream.granted_privilege is
    'One privilege of an inspected Agora token: of service rtc for instance join, publish_audio, publish_video, publish_data.';

create type stream.token_inspection as (
    version text,
    app_id text,
    channel_id text,
    account text,
    role text,
    privileges stream.granted_privilege[],
    issued_at timestamptz,
    expires_at timestamptz,
    is_expired boolean,
    is_signed boolean,
    signed_by text
);
comment on type stream.token_inspection is
    'What an Agora token says. account is the uid or the name as text; role is publisher or subscriber; signed_by is '
    'primary or secondary. is_signed is null where it cannot be told: version 006 without channel and account.';
comment on column stream.token_inspection.channel_id is 'Not in a token of version 006: the given one, where it fits. @null';
comment on column stream.token_inspection.account is 'Like channel_id. @null';
comment on column stream.token_inspection.role is '@null @enum publisher, subscriber';
comment on column stream.token_inspection.issued_at is 'Version 007 only. @null';
comment on column stream.token_inspection.is_signed is 'Whether one of our certificates signed it. @null';
comment on column stream.token_inspection.signed_by is 'Which certificate. @null @enum primary, secondary';

create type stream.viewer_lease as (
    session_id uuid,
    user_id uuid,
    agora_uid integer,
    join_no integer,
    joined_at timestamptz
);
comment on type stream.viewer_lease is 'A viewer''s place in a stream.';
comment on column stream.viewer_lease.agora_uid is 'The uid with which the viewer joins the channel.';
comment on column stream.viewer_lease.join_no is 'How often this viewer has joined; an older device knows itself by it.';

create type stream.chat_message as (
    id uuid,
    session_id uuid,
    seq bigint,
    user_id uuid,
    username text,
    content text,
    message_type text,
    created_at timestamptz,
    updated_at timestamptz,
    metadata jsonb,
    deleted_at timestamptz
);
comment on type stream.chat_message is 'One entry of a stream''s log.';
comment on column stream.chat_message.seq is 'Its number in the log, from 1 without gaps.';
comment on column stream.chat_message.user_id is 'Null for system messages, and when the user is gone. @null';
comment on column stream.chat_message.username is 'As it was when the message was sent. @null';
comment on column stream.chat_message.content is 'Empty once the message is deleted.';
comment on column stream.chat_message.message_type is '@enum user_message, system_message, auction_update';
comment on column stream.chat_message.metadata is 'What an entry says to programs, by its kind. @json object';
comment on column stream.chat_message.deleted_at is 'When its text was taken away. @null';

create type stream.message_result as (
    item integer,
    status text,
    retry_after_ms bigint,
    message stream.chat_message
);
comment on type stream.message_result is
    'Answer to one message of a batch, by its place from 1: ok and the stored message, or the code of the refusal.';
comment on column stream.message_result.status is '@enum ok, invalid_argument, not_self, session_not_found, stream_ended, banned, '
    'not_viewer, cannot_chat, anonymous_user, muted, chat_closed, slow_mode, rate_limited, content_empty, content_too_long, '
    'content_invalid, content_blocked, message_id_conflict, unauthenticated, token_invalid, lock_timeout, deadlock, '
    'statement_timeout, permission_denied, invalid_text, invalid_escape, invalid_syntax, out_of_range, read_only, '
    'too_many_connections, disk_full, out_of_memory, resource_limit, storage_failed, server_stopping, server_crashed, '
    'server_starting, internal';
comment on column stream.message_result.retry_after_ms is 'When to send it again, where that is known. @null';
comment on column stream.message_result.message is 'The stored message, when status is ok. @null';

create type stream.log_entry as (
    id uuid,
    seq bigint,
    user_id uuid,
    username text,
    content text,
    message_type text,
    created_at timestamptz,
    metadata jsonb,
    deleted_at timestamptz
);
comment on type stream.log_entry is 'An entry of a log whose stream is known: a chat_message without what says which.';
comment on column stream.log_entry.seq is 'Its number in the log, from 1 without gaps.';
comment on column stream.log_entry.user_id is 'Null for system messages, and when the user is gone. @null';
comment on column stream.log_entry.username is 'As it was when the message was sent. @null';
comment on column stream.log_entry.content is 'Empty once the message is deleted.';
comment on column stream.log_entry.message_type is '@enum user_message, system_message, auction_update';
comment on column stream.log_entry.metadata is 'What an entry says to programs, by its kind. @json object';
comment on column stream.log_entry.deleted_at is 'When its text was taken away. @null';

create type stream.sync_result as (
    session_id uuid,
    state text,
    role text,
    generation integer,
    host_uid integer,
    viewer_count integer,
    epoch text,
    head_seq bigint,
    oldest_seq bigint,
    recovered boolean,
    has_more boolean,
    messages json,
    read json,
    unread_count bigint,
    cooldown_ms integer,
    chat_mode text,
    slow_mode_ms integer,
    pinned_seq bigint,
    pinned json,
    restrictions json,
    poll_ms integer,
    server_time timestamptz,
    version text,
    oldest_client text
);
comment on type stream.sync_result is
    'State and missed messages from one snapshot. recovered = false: the messages are the newest page, drop what is '
    'older. viewer_count: the last count, as viewers:<id> told it. read: what the caller has read of the kept log, as [first, last] pairs of seq; unread_count: the rest. '
    'cooldown_ms: until the caller may write. pinned: the message of pinned_seq. restrictions: of the caller, '
    '[{kind, until, reason}]. The service is nobody: it has read nothing, and unread_count is null. version: of all the '
    'rest but server_time, oldest_client and what is left of cooldown_ms; equal ones of the same caller and cursor mean an equal result.';
comment on column stream.sync_result.state is '@enum initializing, active, paused, error, ended';
comment on column stream.sync_result.chat_mode is 'Who may write. @enum viewers, verified, hosts, nobody';
comment on column stream.sync_result.role is 'Of the caller. @enum seller, viewer, guest, service';
comment on column stream.sync_result.recovered is 'Whether the messages continue what the caller holds.';
comment on column stream.sync_result.has_more is 'Whether there are others behind the messages.';
comment on column stream.sync_result.messages is 'In ascending seq. @json stream.log_entry[]';
comment on column stream.sync_result.read is 'Ranges of seq, first and last included. @json pairs';
comment on column stream.sync_result.unread_count is 'Null for the service. @null';
comment on column stream.sync_result.cooldown_ms is 'Until the caller may write; 0: now.';
comment on column stream.sync_result.pinned_seq is 'The log entry that is kept in view. @null';
comment on column stream.sync_result.pinned is 'The entry of pinned_seq. @null @json stream.log_entry';
comment on column stream.sync_result.restrictions is 'Of the caller, in force. @json stream.own_restriction[]';
comment on column stream.sync_result.poll_ms is 'How often to call sync while frames come rarely, as frames say; the newest of them counts. @null';
comment on column stream.sync_result.version is 'epoch, head_seq, state, viewer_count and a digest of everything else. Compare it whole.';
comment on column stream.sync_result.oldest_client is 'The oldest version of the contract whose clients the server serves.';

create type stream.chat_subscription as (
    id uuid,
    session_id uuid,
    user_id uuid,
    channel text,
    is_active boolean
);
comment on type stream.chat_subscription is
    'That a user follows the chat of a stream; channel is the private Realtime topic to join.';

create type stream.viewer as (
    user_id uuid,
    agora_uid integer,
    joined_at timestamptz,
    last_seen_at timestamptz,
    foreground boolean,
    watch_ms bigint
);
comment on type stream.viewer is 'A viewer who holds a lease; watch_ms counts the present lease too.';

create type stream.heartbeat_result as (
    status text,
    session_id uuid,
    state text,
    generation integer,
    host_uid integer,
    epoch text,
    head_seq bigint,
    viewer_count integer,
    reconnect_deadline timestamptz,
    server_time timestamptz,
    next_in_ms integer,
    poll_ms integer,
    token stream.agora_token,
    oldest_client text
);
comment on type stream.heartbeat_result is
    'status is ok, also where the row was held and nothing was written, or superseded when another device has joined since. token is set when the caller''s is past 75 % of its life.';
comment on column stream.heartbeat_result.state is '@enum initializing, active, paused, error, ended';
comment on column stream.heartbeat_result.status is '@enum ok, superseded';
comment on column stream.heartbeat_result.next_in_ms is 'When to send the next heartbeat.';
comment on column stream.heartbeat_result.poll_ms is 'How often to call sync while frames come rarely, as frames say; the newest of them counts. @null';
comment on column stream.heartbeat_result.reconnect_deadline is 'Until when a lost host may return; set in state error. @null';
comment on column stream.heartbeat_result.token is 'A fresh one, when it is time. @null';
comment on column stream.heartbeat_result.oldest_client is 'The oldest version of the contract whose clients the server serves.';

create type stream.join_result as (
    lease stream.viewer_lease,
    token stream.agora_token,
    retry_after_ms bigint,
    sync stream.sync_result,
    contract_version text,
    oldest_client text
);
comment on type stream.join_result is
    'All that a viewer needs to show a stream. token is null when the caller has asked for too many and none of them can be '
    'handed out again; retry_after_ms then says when there is one, and is null otherwise.';
comment on column stream.join_result.token is 'Null where the caller asked for too many. @null';
comment on column stream.join_result.retry_after_ms is 'When there is a token, where there is none. @null';
comment on column stream.join_result.contract_version is 'Of the server; see contract/operations.json.';
comment on column stream.join_result.oldest_client is 'The oldest version whose clients the server serves.';

create type stream.batched_heartbeat as (item integer, status text, heartbeat stream.heartbeat_result);
comment on type stream.batched_heartbeat is
    'Answer to one heartbeat of a batch, by its place from 1: ok and what heartbeat answers, or the code of the refusal.';
comment on column stream.batched_heartbeat.status is '@enum ok, invalid_argument, not_self, session_not_found, stream_ended, '
    'banned, not_viewer, stale_host, unauthenticated, token_invalid, lock_timeout, deadlock, statement_timeout, '
    'permission_denied, invalid_text, invalid_escape, invalid_syntax, out_of_range, read_only, too_many_connections, '
    'disk_full, out_of_memory, resource_limit, storage_failed, server_stopping, server_crashed, server_starting, internal';
comment on column stream.batched_heartbeat.heartbeat is 'With a fresh token, when it is time: of this user alone. Null where status is not ok. @null';

create type stream.webhook_result as (status text, effect text);
comment on type stream.webhook_result is
    'status is applied, duplicate, outdated, ignored, unknown_channel or test; effect is what an applied notice did, '
    'or why it was ignored.';
comment on column stream.webhook_result.status is '@enum applied, duplicate, outdated, ignored, unknown_channel, test';
comment on column stream.webhook_result.effect is '@null';

create type stream.sweep_rule as (rule text, rows integer, oldest_age interval);
comment on type stream.sweep_rule is 'What one rule of a sweep did: rows handled, and for how long the oldest was due.';
comment on column stream.sweep_rule.oldest_age is 'Null where nothing was due. @null';

create type stream.check_result as (check_name text, status text, detail text);
comment on type stream.check_result is 'One check of doctor(): status is ok, warning or failure.';
comment on column stream.check_result.status is '@enum ok, warning, failure';

create type stream.metric as (name text, labels jsonb, value double precision);
comment on type stream.metric is 'One figure of the view stream.metrics, named and labelled as Prometheus does.';
comment on column stream.metric.labels is 'Texts by name. @json object';

create type stream.canary_status as (
    user_id uuid,
    canary_no bigint,
    sent_at timestamptz,
    has_partition boolean,
    is_published boolean,
    is_followed boolean,
    server_time timestamptz
);
comment on type stream.canary_status is 'What the database knows of its canary: what was sent, and whether Realtime can read it.';
comment on column stream.canary_status.user_id is 'To whom it is sent. Null: none is. @null';
comment on column stream.canary_status.canary_no is 'Number of the last one.';
comment on column stream.canary_status.sent_at is 'Null: none was ever sent. @null';
comment on column stream.canary_status.has_partition is 'Whether realtime.messages takes rows of today.';
comment on column stream.canary_status.is_published is 'Whether a publication contains realtime.messages.';
comment on column stream.canary_status.is_followed is 'Whether Realtime reads the database by a slot.';
