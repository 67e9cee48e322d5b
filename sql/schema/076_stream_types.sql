-- Result types of lists and summaries of streams.
create type stream.live_stream as (
    session_id uuid,
    auction_id uuid,
    seller_id uuid,
    title text,
    state text,
    viewer_count integer,
    peak_viewer_count integer,
    created_at timestamptz,
    started_at timestamptz
);
comment on type stream.live_stream is 'A stream that has not ended, as lists show it.';
comment on column stream.live_stream.state is '@enum initializing, active, paused, error, ended';
comment on column stream.live_stream.title is 'What hook_title calls the auction, at most 200 characters. @null';
comment on column stream.live_stream.viewer_count is 'The last count, as viewers:<session_id> told it.';
comment on column stream.live_stream.started_at is 'When it first became active. @null';

create type stream.live_page as (streams stream.live_stream[], next_after uuid);
comment on type stream.live_page is 'A page of the streams that are on, the newest first.';
comment on column stream.live_page.next_after is 'The argument after of the next page; null when nothing is left. @null';

create type stream.stream_summary as (
    session_id uuid,
    auction_id uuid,
    title text,
    state text,
    end_reason text,
    created_at timestamptz,
    started_at timestamptz,
    ended_at timestamptz,
    duration_ms bigint,
    peak_viewer_count integer,
    unique_viewers bigint,
    watch_ms bigint,
    message_count bigint,
    deleted_message_count bigint
);
comment on type stream.stream_summary is
    'The figures of one stream, so far while it goes on. Viewers who were deleted or forgotten before it ended are not among them.';
comment on column stream.stream_summary.state is '@enum initializing, active, paused, error, ended';
comment on column stream.stream_summary.title is 'What hook_title calls the auction, at most 200 characters. @null';
comment on column stream.stream_summary.end_reason is
    'Why it ended, where that was said: by whoever ended it, or the rule of the sweep. @null';
comment on column stream.stream_summary.started_at is 'When it first became active. @null';
comment on column stream.stream_summary.ended_at is 'When it ended; null while it goes on. @null';
comment on column stream.stream_summary.duration_ms is
    'Milliseconds from when it first became active to its end, or to now; 0 if it never became active.';
comment on column stream.stream_summary.watch_ms is 'Milliseconds that all viewers together watched.';
comment on column stream.stream_summary.message_count is 'Messages of users, the deleted ones among them.';
comment on column stream.stream_summary.deleted_message_count is 'Those that were deleted, by the end of the stream.';
