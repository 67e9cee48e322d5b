-- What broadcasts cost of Realtime's quota, and the plan of the windows in which they wait.
-- Both tables without a log can be lost in a crash: then the next plan begins anew.
create unlogged table stream.realtime_sends (
    id bigint generated always as identity,
    kind text not null,
    session_id uuid,
    constraint realtime_sends_pkey primary key (id)
);
comment on table stream.realtime_sends is
    'Broadcasts other than frames since the last plan. Writers only add rows, so they never wait for each other.';
comment on column stream.realtime_sends.kind is 'The column of realtime_spending that it counts in.';
comment on column stream.realtime_sends.session_id is 'The stream whose channels receive it; null: one channel does.';

create unlogged table stream.governor (
    id boolean not null default true,
    planned_at timestamptz not null default '-infinity',
    limit_per_s integer not null default 0,
    reason text not null default 'unlimited',
    expected_per_s bigint not null default 0,
    is_over boolean not null default false,
    is_crowded boolean not null default false,
    sessions uuid[] not null default '{}',
    known bigint[] not null default '{}',
    constraint governor_pkey primary key (id),
    constraint governor_id_single_row check (id)
);
alter table stream.governor alter column sessions set storage external, alter column known set storage external;
comment on table stream.governor is 'The last plan of the windows, one row; stream.chat_relay has the windows themselves.';
comment on column stream.governor.reason is
    'Why frames wait as long as they do: unlimited (no limit is set), room (all fits), share (the demand fits the share), limit (the worst case fits the limit).';
comment on column stream.governor.expected_per_s is 'Messages a second that live streams are expected to cost under this plan.';
comment on column stream.governor.is_over is 'Whether the limit was exceeded in the last minute: by state changes and restrictions, which never wait, alone or beside what had been sent before them.';
comment on column stream.governor.is_crowded is 'Whether one frame a minute for each live stream would exceed the share.';
comment on column stream.governor.sessions is 'The live streams at the last plan, and those that have ended since a few plans.';
comment on column stream.governor.known is 'What was known of each of them, some numbers for each.';

create table stream.realtime_spending (
    id bigint generated always as identity,
    span_s integer not null default 5,
    at timestamptz not null,
    frames bigint not null default 0,
    viewer_counts bigint not null default 0,
    states bigint not null default 0,
    users bigint not null default 0,
    reactions bigint not null default 0,
    canary bigint not null default 0,
    others bigint not null default 0,
    urgent bigint not null default 0,
    constraint realtime_spending_pkey primary key (id),
    constraint realtime_spending_span_s_check check (span_s in (5, 3600))
);
create index realtime_spending_span_s_at_idx on stream.realtime_spending (span_s, at);
comment on table stream.realtime_spending is
    'Messages of Realtime''s quota that broadcasts have cost, in all rows of a span together: for spans of 5 s in the last two hours, hour by hour for 32 days.';
comment on column stream.realtime_spending.span_s is 'Seconds from at: 5 or 3600.';
comment on column stream.realtime_spending.at is 'The begin of the span.';
comment on column stream.realtime_spending.frames is 'By frames of chat:<session_id>.';
comment on column stream.realtime_spending.viewer_counts is 'By viewer counts of viewers:<session_id>.';
comment on column stream.realtime_spending.states is 'By events of stream:<session_id> and live. Who has joined live is not known, so an event there counts two.';
comment on column stream.realtime_spending.users is 'By events of user:<user_id>.';
comment on column stream.realtime_spending.reactions is 'By reactions of viewers:<session_id>.';
comment on column stream.realtime_spending.canary is 'By events of canary:<user_id>.';
comment on column stream.realtime_spending.urgent is 'Of all these, what never waits: states, users, and frames of state changes and moderation.';

alter table stream.realtime_sends enable row level security;
alter table stream.governor enable row level security;
alter table stream.realtime_spending enable row level security;
revoke all on table stream.realtime_sends, stream.governor, stream.realtime_spending
    from public, anon, authenticated, service_role;
