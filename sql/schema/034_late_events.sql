-- Events that could not be broadcast when they happened, because no partition of realtime.messages took them.
create table stream.late_events (
    session_id uuid not null,
    topic text not null,
    subject text not null,
    event text not null,
    payload jsonb not null,
    user_id uuid,
    noted_at timestamptz not null,
    -- A later event about the same subject takes the place of the one before. No foreign key: whoever notes an event holds
    -- locks that come after the stream's row and the user's.
    constraint late_events_pkey primary key (session_id, topic, subject)
) with (fillfactor = 70);
create index late_events_user_id_idx on stream.late_events (user_id) where user_id is not null;
comment on table stream.late_events is
    'Broadcasts of a time without today''s partition of realtime.messages. The regular work sends what is still true once there is one, and the event resync otherwise.';
comment on column stream.late_events.topic is 'Where it is to be broadcast.';
comment on column stream.late_events.subject is
    'What it is about: state, viewer_count, live, mute, ban, token_expiring or resync. Of each topic and subject the newest event is kept.';
comment on column stream.late_events.payload is 'As it would have been broadcast; server_time is set anew when it is sent.';
comment on column stream.late_events.user_id is 'The user to whose own topic it goes; null on topics of streams.';
comment on column stream.late_events.noted_at is 'When it happened.';

alter table stream.late_events enable row level security;
revoke all on table stream.late_events from public, anon, authenticated, service_role;
