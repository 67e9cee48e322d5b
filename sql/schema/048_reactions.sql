-- Reactions: those that no broadcast carries yet, the totals of live streams, and the seller's rate. None has a row of its own.
create table stream.reaction_counts (
    session_id uuid not null,
    -- By bytes: native code finds rows by it without asking for a collation.
    kind text collate pg_catalog."C" not null,
    id uuid not null,
    added bigint not null,
    constraint reaction_counts_pkey primary key (session_id, kind, id),
    constraint reaction_counts_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade
) with (fillfactor = 50);
comment on table stream.reaction_counts is
    'Reactions that no broadcast carries yet. Of each stream and kind as many rows as there were reactions at the same moment: '
    'one adds to the first row that nobody holds, or makes one, so none waits for another. tick takes them.';

create table stream.reaction_totals (
    session_id uuid not null,
    kind text collate pg_catalog."C" not null,
    total bigint not null,
    sent_at timestamptz not null,
    constraint reaction_totals_pkey primary key (session_id, kind),
    constraint reaction_totals_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade
) with (fillfactor = 50);
comment on table stream.reaction_totals is
    'How many reactions of each kind a live stream has had, as they were broadcast; they go when it has ended. Only tickers write it.';
comment on column stream.reaction_totals.sent_at is 'When a broadcast last changed the total.';

create table stream.reaction_rates (
    session_id uuid not null,
    tat timestamptz not null,
    constraint reaction_rates_pkey primary key (session_id),
    constraint reaction_rates_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade
) with (fillfactor = 50);
comment on table stream.reaction_rates is 'How often the seller of a stream has reacted lately; a viewer''s is in stream_viewers.';
comment on column stream.reaction_rates.tat is
    'Theoretical arrival time of the next reaction (GCRA): config.reaction_burst lies before it.';

alter table stream.reaction_counts enable row level security;
alter table stream.reaction_totals enable row level security;
alter table stream.reaction_rates enable row level security;
revoke all on table stream.reaction_counts, stream.reaction_totals, stream.reaction_rates
    from public, anon, authenticated, service_role;
