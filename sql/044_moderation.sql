-- What moderators decide: who may not write, which words are not welcome, and who decided what.
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

-- By the owner of the tables too; who owns them can still take the trigger away, and that shows in the catalogue.
create function stream_private.refuse_changing_moderation_log() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- When its session is deleted, the session's row is gone before the rows that refer to it; one whose time has
    -- passed goes in batches, its row last.
    if tg_op = 'DELETE' and old.session_id is not null
        and not exists (
            select from stream.stream_sessions as s
            cross join stream.config as c
            where s.id = old.session_id and s.ended_at is distinct from 'epoch'
                and (s.ended_at < now() - c.retention_days * interval '1 day') is not true
        ) then
        return old;
    end if;
    -- A user who is forgotten leaves the nil uuid, and takes the reason along.
    if tg_op = 'UPDATE'
        and to_jsonb(new) - '{actor,user_id,reason}'::text[] = to_jsonb(old) - '{actor,user_id,reason}'::text[]
        and (new.actor is not distinct from old.actor or new.actor = '00000000-0000-0000-0000-000000000000')
        and (new.user_id is not distinct from old.user_id or new.user_id = '00000000-0000-0000-0000-000000000000')
        and (new.reason is not distinct from old.reason or new.reason is null)
        and (new.actor, new.user_id) is distinct from (old.actor, old.user_id) then
        return new;
    end if;
    raise insufficient_privilege using message = 'stream.moderation_log is append-only';
end
$$;
comment on function stream_private.refuse_changing_moderation_log() is
    'Rows of the moderation log go with their session, or when its time has passed, and change only to forget a user.';

create trigger moderation_log_refuse_changing
before update or delete on stream.moderation_log
for each row execute function stream_private.refuse_changing_moderation_log();

create trigger moderation_log_refuse_truncating
before truncate on stream.moderation_log
for each statement execute function stream_private.refuse_changing_moderation_log();

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

create function stream_private.delete_turn_of_deleted_session() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    delete from stream.moderation_turns as t where t.session_id in (
        select n.session_id from stream.moderation_turns as n
        where n.session_id = old.id for update skip locked);
    return null;
end
$$;
comment on function stream_private.delete_turn_of_deleted_session() is
    'Does not wait: the row of a session that is deleted while somebody moderates it stays behind.';

create trigger stream_sessions_delete_turn
after delete on stream.stream_sessions
for each row execute function stream_private.delete_turn_of_deleted_session();
