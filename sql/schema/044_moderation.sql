-- Moderators' decisions: mutes and bans, blocked terms, and the record of all of them.
create table stream.chat_restrictions (
    session_id uuid not null,
    user_id uuid not null,
    kind text not null,
    until timestamptz,
    actor uuid,
    reason text,
    created_at timestamptz not null default now(),
    constraint chat_restrictions_pkey primary key (session_id, user_id, kind),
    constraint chat_restrictions_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade,
    constraint chat_restrictions_kind_check check (kind in ('mute', 'ban')),
    constraint chat_restrictions_reason_check check (length(reason) <= 200)
);
create index chat_restrictions_until_idx on stream.chat_restrictions (until) where until is not null;
create index chat_restrictions_user_id_idx on stream.chat_restrictions (user_id);
create index chat_restrictions_actor_idx on stream.chat_restrictions (actor) where actor is not null;
comment on table stream.chat_restrictions is 'Who is muted in, or banned from, a stream.';
comment on column stream.chat_restrictions.until is 'When it ends by itself; null lasts until lifted.';
alter table stream.chat_restrictions enable row level security;
revoke all on table stream.chat_restrictions from public, anon, authenticated, service_role;

create table stream.restriction_rates (
    session_id uuid not null,
    actor uuid not null,
    tat timestamptz not null,
    constraint restriction_rates_pkey primary key (session_id, actor),
    constraint restriction_rates_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade
);
create index restriction_rates_actor_idx on stream.restriction_rates (actor);
comment on table stream.restriction_rates is 'How often each moderator has muted, banned and lifted in a stream lately.';
comment on column stream.restriction_rates.tat is
    'Theoretical arrival time of the next one (GCRA): config.restrictions_per_minute lies before it.';
alter table stream.restriction_rates enable row level security;
revoke all on table stream.restriction_rates from public, anon, authenticated, service_role;

create table stream.blocked_terms (
    id uuid not null default gen_random_uuid(),
    session_id uuid,
    term text not null,
    pattern text not null,
    actor uuid,
    created_at timestamptz not null default now(),
    constraint blocked_terms_pkey primary key (id),
    constraint blocked_terms_session_id_pattern_key unique nulls not distinct (session_id, pattern),
    constraint blocked_terms_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade,
    constraint blocked_terms_term_check check (length(term) between 1 and 100),
    constraint blocked_terms_pattern_check check (length(pattern) >= 1)
);
create index blocked_terms_actor_idx on stream.blocked_terms (actor) where actor is not null;
comment on table stream.blocked_terms is 'Words that no message may contain: in one stream, or in all (session_id null).';
comment on column stream.blocked_terms.pattern is
    'What is searched for in a message''s normalised text: the term without case, accents and zero-width characters.';

create table stream.moderation_log (
    id bigint generated always as identity,
    session_id uuid,
    seq bigint,
    action text not null,
    actor uuid,
    user_id uuid,
    target_seq bigint,
    reason text,
    until timestamptz,
    term text,
    created_at timestamptz not null default now(),
    constraint moderation_log_pkey primary key (id),
    constraint moderation_log_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade,
    constraint moderation_log_action_check check (length(action) between 1 and 50),
    constraint moderation_log_reason_check check (length(reason) <= 200),
    constraint moderation_log_term_check check (length(term) between 1 and 100)
);
create index moderation_log_session_id_id_idx on stream.moderation_log (session_id, id);
create index moderation_log_user_id_idx on stream.moderation_log (user_id) where user_id is not null;
create index moderation_log_actor_idx on stream.moderation_log (actor) where actor is not null;
comment on table stream.moderation_log is
    'Append-only: what moderators did, without any message text. It goes with its session; whoever is forgotten leaves the nil uuid.';
comment on column stream.moderation_log.session_id is 'The stream; null where it is about all of them.';
comment on column stream.moderation_log.seq is 'The log entry that announced it; null where nothing is announced.';
comment on column stream.moderation_log.actor is 'Who did it; null for the service.';
comment on column stream.moderation_log.user_id is 'Whom it is about, if anybody.';
comment on column stream.moderation_log.term is 'The term that was blocked or unblocked.';

-- No sample of reasons in the planner's statistics, where a forgotten one would stay.
alter table stream.chat_restrictions alter column reason set statistics 0;
alter table stream.moderation_log alter column reason set statistics 0;
alter table stream.blocked_terms enable row level security;
alter table stream.moderation_log enable row level security;
revoke all on table stream.blocked_terms, stream.moderation_log from public, anon, authenticated, service_role;

create table stream.moderation_turns (
    session_id uuid not null,
    constraint moderation_turns_pkey primary key (session_id)
);
comment on table stream.moderation_turns is
    'Locked by whoever moderates a session, one call at a time; added by its first moderator. The nil uuid stands for the terms of all streams. No foreign key: whoever deletes a session must not wait here.';
alter table stream.moderation_turns enable row level security;
revoke all on table stream.moderation_turns from public, anon, authenticated, service_role;
