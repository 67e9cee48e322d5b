-- The log of a stream: its head (the lock and the next number), how far frames were written, and the entries.
-- Heads and relays have no CHECK, which would be read from its text again with every message; what they count is
-- checked where it ends up, in chat_messages.
create table stream.chat_heads (
    session_id uuid not null,
    last_seq bigint not null default 0,
    last_at timestamptz not null default '-infinity',
    open boolean not null default true,
    host_chat_tat timestamptz not null default '-infinity',
    auction_updates bigint not null default 0,
    constraint chat_heads_pkey primary key (session_id),
    constraint chat_heads_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade
) with (fillfactor = 50);
comment on table stream.chat_heads is
    'One row per session: whoever updates it holds the log until commit, so commit order equals seq order. Only its key is indexed, so updates stay HOT.';
comment on column stream.chat_heads.host_chat_tat is
    'Rate limiter of the seller''s messages: the theoretical arrival time of GCRA. A viewer''s is in stream_viewers.';
comment on column stream.chat_heads.auction_updates is
    'Those of the entries that are updates of the auction, for whose frames the governor plans a window of their own.';
comment on column stream.chat_heads.open is 'False once the stream has ended: nothing is logged after that.';

create table stream.chat_relay (
    session_id uuid not null,
    flushed_seq bigint not null default 0,
    flushed_at timestamptz not null default '-infinity',
    window_ms integer not null default 50,
    next_window_ms integer not null default 50,
    poll_ms integer,
    auction_window_ms integer not null default 0,
    viewers_window_ms integer not null default 0,
    viewers_sent_count integer,
    viewers_sent_at timestamptz not null default '-infinity',
    frames bigint not null default 0,
    urgent_frames bigint not null default 0,
    constraint chat_relay_pkey primary key (session_id),
    constraint chat_relay_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade
) with (fillfactor = 50);
comment on table stream.chat_relay is 'How far the log of each session was written to Realtime as frames, and how long its next broadcasts wait.';
comment on column stream.chat_relay.window_ms is
    'The window that the last frame opened, in milliseconds: entries within it wait for its end.';
comment on column stream.chat_relay.next_window_ms is 'The window that the next frame opens; above 50 under pressure on the quota.';
comment on column stream.chat_relay.poll_ms is 'How often clients may call sync meanwhile, as frames say; null while the window is short.';
comment on column stream.chat_relay.auction_window_ms is
    'How long after the last frame an auction update waits, in milliseconds: at least 200 under pressure on the quota; 0: not at all.';
comment on column stream.chat_relay.viewers_window_ms is
    'The window of broadcasts to viewers:<session_id>, in milliseconds; 0: each count is sent.';
comment on column stream.chat_relay.viewers_sent_count is 'The viewer count that was broadcast last while counts have a window.';
comment on column stream.chat_relay.viewers_sent_at is 'When it was broadcast.';
comment on column stream.chat_relay.frames is 'Frames that were written.';
comment on column stream.chat_relay.urgent_frames is 'Those of them that did not wait for a window: state changes and moderation.';

create table stream.chat_tails (
    xid xid8 not null default pg_current_xact_id(),
    id bigint generated always as identity,
    session_id uuid not null,
    -- The transaction first: the ticker reads by snapshots.
    constraint chat_tails_pkey primary key (xid, id)
);
comment on table stream.chat_tails is
    'Queue of sessions whose newest entries no frame carries yet: written with the first such entry, taken by tick. Writers only add rows, so they never wait for each other.';
comment on column stream.chat_tails.xid is 'The transaction that wrote the row; it is taken once that has committed.';

create table stream.chat_tail_reads (
    id bigint generated always as identity,
    read_upto pg_snapshot,
    read_by xid8 not null default pg_current_xact_id(),
    epoch text,
    unsent uuid[] not null default '{}',
    looked_at timestamptz not null default '-infinity',
    look_after uuid,
    constraint chat_tail_reads_pkey primary key (id)
);
comment on table stream.chat_tail_reads is
    'How far tick has read chat_tails: the row with the highest id. Each read adds a row and deletes the one before, so that the newest is found first however many old versions a held snapshot keeps.';
comment on column stream.chat_tail_reads.read_upto is
    'Every row of chat_tails that this snapshot sees was taken; null: none was.';
comment on column stream.chat_tail_reads.read_by is
    'The transaction that wrote the row: its own rows of chat_tails are read the next time.';
comment on column stream.chat_tail_reads.epoch is
    'The run of the database that read_upto belongs to; in another one, as after a restore, everything is read again.';
comment on column stream.chat_tail_reads.unsent is
    'Sessions that were taken from chat_tails and not sent yet, as somebody holds them or they failed.';
comment on column stream.chat_tail_reads.looked_at is
    'When tick last began to compare the heads and relays of all live sessions.';
comment on column stream.chat_tail_reads.look_after is
    'The auction up to which that comparison has come; null: it is complete.';
insert into stream.chat_tail_reads default values;

create table stream.chat_messages (
    id uuid not null default gen_random_uuid(),
    session_id uuid not null,
    seq bigint not null,
    user_id uuid,
    username text,
    content text not null,
    message_type text not null default 'user_message',
    created_at timestamptz not null,
    updated_at timestamptz not null,
    metadata jsonb not null default '{}',
    deleted_at timestamptz,
    constraint chat_messages_pkey primary key (session_id, seq),
    constraint chat_messages_session_id_id_key unique (session_id, id),
    constraint chat_messages_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade,
    constraint chat_messages_seq_check check (seq >= 1),
    -- A deleted message keeps its number and loses its text.
    constraint chat_messages_content_check check (
        length(content) between 1 and 2000 or deleted_at is not null and content = ''),
    constraint chat_messages_message_type_check
        check (message_type in ('user_message', 'system_message', 'auction_update')),
    constraint chat_messages_metadata_check check (jsonb_typeof(metadata) = 'object')
);
-- No sample of the texts in the planner's statistics, where a deleted one would stay until the next analyze.
alter table stream.chat_messages
    alter column username set statistics 0,
    alter column content set statistics 0,
    alter column metadata set statistics 0;
-- For the deletion of a user, and for the messages of one user in one stream.
create index chat_messages_user_id_session_id_idx on stream.chat_messages (user_id, session_id)
    where user_id is not null;

comment on table stream.chat_messages is 'The gap-free log of every stream: chat, system messages and auction updates.';
comment on column stream.chat_messages.id is 'Made by the client, so that a retry is recognised; unique in its session.';
comment on column stream.chat_messages.seq is 'Dense number from 1 in each session, in commit order.';
comment on column stream.chat_messages.user_id is 'The sender; null for system rows and for users deleted since.';
comment on column stream.chat_messages.username is 'The sender''s name when it was sent, from hook_username.';
comment on column stream.chat_messages.deleted_at is 'When a moderator deleted the text; the row stays as a tombstone.';
comment on column stream.chat_messages.created_at is 'Strictly increasing with seq.';

create table stream.chat_deleted_frames (
    session_id uuid not null,
    seqs int8multirange not null,
    constraint chat_deleted_frames_pkey primary key (session_id),
    constraint chat_deleted_frames_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade
);
comment on table stream.chat_deleted_frames is
    'Numbers of the log whose frame was deleted from realtime.messages, because it carried a message that was deleted.';

alter table stream.chat_heads enable row level security;
alter table stream.chat_relay enable row level security;
alter table stream.chat_tails enable row level security;
alter table stream.chat_tail_reads enable row level security;
alter table stream.chat_messages enable row level security;
alter table stream.chat_deleted_frames enable row level security;
revoke all on table stream.chat_heads, stream.chat_relay, stream.chat_tails, stream.chat_tail_reads,
    stream.chat_messages, stream.chat_deleted_frames
    from public, anon, authenticated, service_role;
