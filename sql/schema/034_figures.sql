-- What the regular work counts for stream.metrics, and the canary that it sends through Realtime.
create table stream.figures (
    id boolean not null default true,
    sampled_at timestamptz not null default '-infinity',
    ended_upto timestamptz not null default now(),
    ended_messages bigint not null default 0,
    ended_frames bigint not null default 0,
    messages bigint not null default 0,
    frames bigint not null default 0,
    messages_per_s double precision not null default 0,
    frames_per_s double precision not null default 0,
    constraint figures_pkey primary key (id),
    constraint figures_id_single_row check (id)
) with (fillfactor = 50);
comment on table stream.figures is
    'What was written in all, and how fast, as the regular work last saw it: one row, every five seconds.';
comment on column stream.figures.ended_upto is
    'Streams that ended until then are counted in ended_messages and ended_frames, and not looked at again.';
comment on column stream.figures.ended_messages is 'Entries of the logs of these streams.';
comment on column stream.figures.ended_frames is 'Frames of these streams.';
comment on column stream.figures.messages is 'Entries of all logs since the installation, deleted streams among them.';
comment on column stream.figures.frames is 'Frames that carried them.';
comment on column stream.figures.messages_per_s is 'Entries a second between the last two samples.';
comment on column stream.figures.frames_per_s is 'Frames a second between them.';
insert into stream.figures (id) values (true);

create table stream.rule_figures (
    rule text not null,
    ran_at timestamptz,
    swept_rows bigint not null default 0,
    oldest_age interval,
    constraint rule_figures_pkey primary key (rule)
) with (fillfactor = 50);
comment on table stream.rule_figures is 'What the rules of the regular work did: one row for each, written when it did something and every five seconds.';
comment on column stream.rule_figures.ran_at is 'When a round last ended in which the rule ran and did not fail; null for the verdicts of session_timeouts.';
comment on column stream.rule_figures.swept_rows is 'Rows that it has handled in all.';
comment on column stream.rule_figures.oldest_age is 'For how long the oldest of them was due, in the last round; null: none was.';

create table stream.canary (
    id boolean not null default true,
    canary_no bigint not null default 0,
    sent_at timestamptz not null default '-infinity',
    received_no bigint,
    received_at timestamptz,
    lag_ms integer,
    state text,
    reported_at timestamptz,
    failed_state text,
    failed_at timestamptz,
    constraint canary_pkey primary key (id),
    constraint canary_id_single_row check (id)
) with (fillfactor = 50);
comment on table stream.canary is
    'The event that the regular work sends to config.canary_user_id every ten seconds, and what edge_api, which subscribes as that user, says became of it: one row.';
comment on column stream.canary.canary_no is 'Number of the last one that was sent.';
comment on column stream.canary.received_no is 'Number of the newest one that came back, at received_at, lag_ms after it was written.';
comment on column stream.canary.state is 'The last report about the way through Realtime, at reported_at.';
comment on column stream.canary.failed_state is 'The last report of a failure, at failed_at.';
insert into stream.canary (id) values (true);

-- Refusals roll back whatever they write; a sequence counts on.
-- Unlogged: a refusal spends no transaction id and waits for no disk. Counters of a process begin anew too.
create unlogged sequence stream.tokens_refused_rate;
create unlogged sequence stream.tokens_refused_rights;
create unlogged sequence stream.tokens_refused_setup;
comment on sequence stream.tokens_refused_rate is 'Requests for a token that were beyond the rate of their user. Begins anew after a crash.';
comment on sequence stream.tokens_refused_rights is 'Requests for a token of somebody who may have none. Begins anew after a crash.';
comment on sequence stream.tokens_refused_setup is
    'Requests for a token that failed by the configuration: certificate, Vault, clock. Begins anew after a crash.';

-- sync runs in read-only transactions, on a standby too, where not even a sequence can count. What Postgres counts there is how often
-- an index is read: each recovery looks for a row by one of these two. A dump and VACUUM read no index.
create table stream.recoveries (
    complete integer,
    incomplete integer,
    constraint recoveries_pkey primary key (complete),
    constraint recoveries_incomplete_key unique (incomplete)
);
comment on table stream.recoveries is
    'Never holds a row: Postgres counts how often its indexes are read, which is how often sync told a reader what was missed.';
comment on column stream.recoveries.complete is 'Looked for by each answer of sync that continued what its reader held, and brought something.';
comment on column stream.recoveries.incomplete is 'Looked for by each answer of sync that did not continue what its reader held.';

alter table stream.figures enable row level security;
alter table stream.rule_figures enable row level security;
alter table stream.canary enable row level security;
alter table stream.recoveries enable row level security;
revoke all on table stream.figures, stream.rule_figures, stream.canary, stream.recoveries from public, anon, authenticated, service_role;
