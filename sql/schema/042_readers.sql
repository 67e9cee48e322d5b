-- Read marks and chat subscriptions: one row for each user and stream.
create table stream.chat_reads (
    session_id uuid not null,
    user_id uuid not null,
    read int8multirange not null default '{}',
    updated_at timestamptz not null default now(),
    constraint chat_reads_pkey primary key (session_id, user_id),
    constraint chat_reads_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade
);
create index chat_reads_user_id_idx on stream.chat_reads (user_id);
comment on table stream.chat_reads is 'Which entries of a log a user has read.';
comment on column stream.chat_reads.read is 'The numbers read, as ranges: a user who reads everything in order has one.';

create table stream.chat_subscriptions (
    id uuid not null default gen_random_uuid(),
    session_id uuid not null,
    user_id uuid not null,
    channel text not null,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    ended_at timestamptz,
    constraint chat_subscriptions_pkey primary key (id),
    constraint chat_subscriptions_session_id_user_id_key unique (session_id, user_id),
    constraint chat_subscriptions_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade,
    constraint chat_subscriptions_ended_at_check check (is_active = (ended_at is null))
);
create index chat_subscriptions_user_id_idx on stream.chat_subscriptions (user_id);
comment on table stream.chat_subscriptions is 'Who follows the chat of a stream; one row per user and stream.';
comment on column stream.chat_subscriptions.channel is 'The private Realtime topic to join: chat:<session_id>.';

alter table stream.chat_reads enable row level security;
alter table stream.chat_subscriptions enable row level security;
revoke all on table stream.chat_reads, stream.chat_subscriptions from public, anon, authenticated, service_role;
