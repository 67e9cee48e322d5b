-- Streams that the regular work has failed at.
create table stream.troubles (
    session_id uuid,
    rule text not null,
    sqlstate text not null,
    since timestamptz not null,
    attempts integer not null,
    next_attempt_at timestamptz not null,
    -- No foreign key: it would wait for whoever holds the stream's row, and that may be the trouble.
    constraint troubles_session_id_rule_key unique nulls not distinct (session_id, rule),
    constraint troubles_attempts_check check (attempts >= 1)
);
comment on table stream.troubles is
    'What the regular work has failed at, one row for each stream and rule: left out until next_attempt_at, and gone once it passes. See stream.doctor().';
comment on column stream.troubles.session_id is 'The stream; null: the rule fails whatever the stream.';
comment on column stream.troubles.rule is 'The part of the regular work, as in docs/operations.md.';
comment on column stream.troubles.sqlstate is 'Of the last failure: 57014 took too long, 55P03 waited too long for a lock.';
comment on column stream.troubles.since is 'When it failed first.';
comment on column stream.troubles.attempts is 'How often it has failed.';
comment on column stream.troubles.next_attempt_at is
    'When it is tried again: 1 s after the first failure, twice as long after each further one, at most 5 minutes; 8 s where the rule fails whatever the stream.';

alter table stream.troubles enable row level security;
revoke all on table stream.troubles from public, anon, authenticated, service_role;
