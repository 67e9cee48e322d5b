//! The list of all metrics.

use metrics::Unit;

use super::metric::{Kind, Metric};

/// From a heartbeat on a warm connection to the longest deadline.
const LATENCIES: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// Powers of two, up to what the database takes in one batch.
const SIZES: &[f64] = &[
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1000.0,
];
const NO_BUCKETS: &[f64] = &[];

macro_rules! declare {
    ($(
        $(#[doc = $help:literal])+
        $constant:ident = $kind:ident $name:literal $unit:ident [$($label:literal),*] $buckets:ident;
    )+) => {
        $(
            $(#[doc = $help])+
            pub const $constant: &str = $name;
        )+

        /// All metrics, in the order of their declaration.
        pub const METRICS: &[Metric] = &[$(
            Metric {
                name: $name,
                kind: Kind::$kind,
                unit: Unit::$unit,
                labels: &[$($label),*],
                buckets: $buckets,
                help: concat!($($help),+),
            },
        )+];
    };
}

declare! {
    /// Time from a request's head to its answer's, by route, method and class of status (2xx to 5xx).
    REQUEST_DURATION = Histogram "edge_request_duration_seconds" Seconds ["route", "method", "status"] LATENCIES;
    /// Requests that are being answered.
    REQUESTS_IN_FLIGHT = Gauge "edge_requests_in_flight" Count [] NO_BUCKETS;
    /// Refused requests by code of the catalogue.
    REFUSALS = Counter "edge_refusals_total" Count ["code"] NO_BUCKETS;
    /// Lines of the log that were given up because standard error took none.
    LOG_LINES_DROPPED = Counter "edge_log_lines_dropped_total" Count [] NO_BUCKETS;

    /// Time of a call of the database, by operation and outcome (ok, refused, unavailable, unexpected, abandoned).
    UPSTREAM_DURATION = Histogram "edge_upstream_duration_seconds" Seconds ["operation", "outcome"] LATENCIES;
    /// Connections to the database that may be open.
    POOL_SIZE = Gauge "edge_pool_size" Count [] NO_BUCKETS;
    /// Connections to the database that a call has now.
    POOL_IN_USE = Gauge "edge_pool_in_use" Count [] NO_BUCKETS;
    /// Calls that wait for a connection to the database.
    POOL_WAITING = Gauge "edge_pool_waiting" Count [] NO_BUCKETS;
    /// Time that a call waited for a connection to the database.
    POOL_WAIT = Histogram "edge_pool_wait_seconds" Seconds [] LATENCIES;
    /// Connections to the database that were made.
    POOL_CONNECTS = Counter "edge_pool_connects_total" Count [] NO_BUCKETS;
    /// Calls whose caller has gone and that the database still works on.
    ABANDONED_CALLS = Gauge "edge_abandoned_calls" Count [] NO_BUCKETS;
    /// State of a circuit breaker: 0 closed, 1 half open, 2 open.
    BREAKER_STATE = Gauge "edge_breaker_state" Count ["dependency"] NO_BUCKETS;
    /// Openings of a circuit breaker.
    BREAKER_OPENED = Counter "edge_breaker_opened_total" Count ["dependency"] NO_BUCKETS;
    /// Calls that were made again, by operation.
    RETRIES = Counter "edge_retries_total" Count ["operation"] NO_BUCKETS;
    /// Calls that went to the database together, by operation.
    BATCH_SIZE = Histogram "edge_batch_size" Count ["operation"] SIZES;

    /// Calls of stream.tick() by this service.
    TICKS = Counter "edge_ticks_total" Count [] NO_BUCKETS;
    /// Calls of stream.tick() by this service that failed.
    TICK_FAILURES = Counter "edge_tick_failures_total" Count [] NO_BUCKETS;
    /// When stream.tick(), called by this service, last succeeded, in seconds since 1970; its age is time() minus this.
    TICK_LAST_SUCCESS = Gauge "edge_tick_last_success_timestamp_seconds" Seconds [] NO_BUCKETS;

    /// Open connections of clients.
    CONNECTIONS = Gauge "edge_connections" Count [] NO_BUCKETS;
    /// Connections of clients that were refused, by reason: full (all places are taken), address (all places of the
    /// address are), kernel (no descriptor or memory for it).
    CONNECTIONS_REFUSED = Counter "edge_connections_refused_total" Count ["reason"] NO_BUCKETS;
    /// Connections of clients that were closed for taking too long, by reason: silent (nothing was ever sent), slow_head,
    /// slow_body, idle (no further request), answer_not_read; or for want of memory: head_memory (too many heads were sent in part).
    CONNECTIONS_CLOSED = Counter "edge_connections_closed_total" Count ["reason"] NO_BUCKETS;
    /// Requests over a rate of this service, by limit: user, address, failures (sign-ins of an address).
    RATE_LIMITED = Counter "edge_rate_limited_total" Count ["limit"] NO_BUCKETS;
    /// Bytes of answers that clients have not read yet.
    ANSWER_BYTES_PENDING = Gauge "edge_answer_pending_bytes" Bytes [] NO_BUCKETS;
    /// Fetches of the key set by which access tokens are checked, by outcome (ok, failed).
    KEY_FETCHES = Counter "edge_key_fetches_total" Count ["outcome"] NO_BUCKETS;

    /// 1 for the state of the way through Realtime, 0 for the others, by state: unknown, delivered, not_sent, not_followed
    /// (publication or slot gone), dropped (rows over the limit), realtime_away, unauthorised.
    CANARY_STATE = Gauge "edge_canary_state" Count ["state"] NO_BUCKETS;
    /// From the writing of the last canary to its receipt.
    CANARY_LAG = Gauge "edge_canary_lag_seconds" Seconds [] NO_BUCKETS;
    /// Canaries that came back through Realtime.
    CANARIES_RECEIVED = Counter "edge_canaries_received_total" Count [] NO_BUCKETS;
    /// When the last canary came back, in seconds since 1970.
    CANARY_LAST_RECEIVED = Gauge "edge_canary_last_received_timestamp_seconds" Seconds [] NO_BUCKETS;

    /// Whether the figures of the database (pg_stream_...) could be read: 1, or 0 and there are none.
    DATABASE_FIGURES_UP = Gauge "edge_database_figures_up" Count [] NO_BUCKETS;
    /// Live streams by state: initializing, active, paused, error.
    STREAM_SESSIONS = Gauge "pg_stream_sessions" Count ["state"] NO_BUCKETS;
    /// Viewers of all live streams, as last counted.
    STREAM_VIEWERS = Gauge "pg_stream_viewers" Count [] NO_BUCKETS;
    /// Entries written to the logs of streams: messages of users and of the system, auction updates.
    STREAM_MESSAGES = Counter "pg_stream_messages_total" Count [] NO_BUCKETS;
    /// Such entries a second, over the last five seconds.
    STREAM_MESSAGES_PER_SECOND = Gauge "pg_stream_messages_per_second" Count [] NO_BUCKETS;
    /// Frames that carried them, and one for each receiving channel counts in Realtime's quota.
    STREAM_FRAMES = Counter "pg_stream_frames_total" Count [] NO_BUCKETS;
    /// Frames a second, over the last five seconds.
    STREAM_FRAMES_PER_SECOND = Gauge "pg_stream_frames_per_second" Count [] NO_BUCKETS;
    /// Streams with entries that no frame carries yet.
    STREAM_TAILS_WAITING = Gauge "pg_stream_tails_waiting" Count [] NO_BUCKETS;
    /// Age of the oldest entry that no frame carries yet; 0 without any.
    STREAM_OLDEST_UNSENT = Gauge "pg_stream_oldest_unsent_seconds" Seconds [] NO_BUCKETS;
    /// Time since a ticker last marked that it works.
    STREAM_TICK_AGE = Gauge "pg_stream_tick_age_seconds" Seconds [] NO_BUCKETS;
    /// Time since a rule of the regular work last ran without failing, by rule.
    STREAM_SWEEP_AGE = Gauge "pg_stream_sweep_age_seconds" Seconds ["rule"] NO_BUCKETS;
    /// Rows that a rule of the regular work has handled, by rule.
    STREAM_SWEPT_ROWS = Counter "pg_stream_swept_rows_total" Count ["rule"] NO_BUCKETS;
    /// For how long the oldest row that a rule handled in its last round was due, by rule.
    STREAM_OVERDUE = Gauge "pg_stream_overdue_seconds" Seconds ["rule"] NO_BUCKETS;
    /// Leases of viewers that ended without a word.
    STREAM_LEASE_EXPIRIES = Counter "pg_stream_lease_expiries_total" Count [] NO_BUCKETS;
    /// Failures of the regular work that last, by rule.
    STREAM_TROUBLES = Gauge "pg_stream_troubles" Count ["rule"] NO_BUCKETS;
    /// Live streams by the pressure of the quota on their frames: none (windows of 50 ms), wait (longer ones), poll (so long
    /// that clients call sync meanwhile).
    STREAM_WINDOWS = Gauge "pg_stream_windows" Count ["pressure"] NO_BUCKETS;
    /// The longest window of frames of a live stream, by pressure.
    STREAM_LONGEST_WINDOW = Gauge "pg_stream_longest_window_seconds" Seconds ["pressure"] NO_BUCKETS;
    /// 1 for the reason of the present windows, 0 for the others: unlimited (no limit is set), room (all fits), share (the
    /// demand fits the share of the limit), limit (the worst case fits the limit).
    STREAM_PLAN = Gauge "pg_stream_realtime_plan" Count ["reason"] NO_BUCKETS;
    /// Time since the last plan of these windows. Without a limit and without streams none is made.
    STREAM_PLAN_AGE = Gauge "pg_stream_realtime_plan_age_seconds" Seconds [] NO_BUCKETS;
    /// Messages of Realtime a second that live streams are expected to cost.
    STREAM_EXPECTED = Gauge "pg_stream_realtime_expected_per_second" Count [] NO_BUCKETS;
    /// The limit of messages of Realtime a second; 0: none is set.
    STREAM_LIMIT = Gauge "pg_stream_realtime_limit_per_second" Count [] NO_BUCKETS;
    /// 1 while state changes and restrictions, which never wait, have made the last minute exceed the limit.
    STREAM_OVER_LIMIT = Gauge "pg_stream_realtime_over_limit" Count [] NO_BUCKETS;
    /// 1 while even one frame a minute for each live stream exceeds the share of the limit.
    STREAM_CROWDED = Gauge "pg_stream_realtime_crowded" Count [] NO_BUCKETS;
    /// Messages of Realtime a second over the last minute, by kind of broadcast.
    STREAM_REALTIME_MESSAGES = Gauge "pg_stream_realtime_messages_per_second" Count ["kind"] NO_BUCKETS;
    /// These as a part of the limit; 0 without a limit.
    STREAM_BUDGET_USED = Gauge "pg_stream_realtime_budget_used_ratio" Count [] NO_BUCKETS;
    /// Messages of Realtime since the month began (UTC).
    STREAM_MONTH = Gauge "pg_stream_realtime_month_messages" Count [] NO_BUCKETS;
    /// Messages of Realtime that the month will have cost at its end, if its rest is as the last seven days.
    STREAM_MONTH_FORECAST = Gauge "pg_stream_realtime_month_forecast_messages" Count [] NO_BUCKETS;
    /// Tokens of Agora that were minted, with those whose transaction was rolled back.
    STREAM_TOKENS_MINTED = Counter "pg_stream_tokens_minted_total" Count [] NO_BUCKETS;
    /// Requests for a token that were refused, by reason: rate, rights (no such stream, no viewer, banned, another device),
    /// setup (certificate, Vault, clock).
    STREAM_TOKENS_REFUSED = Counter "pg_stream_tokens_refused_total" Count ["reason"] NO_BUCKETS;
    /// Answers of sync to readers who had missed something, by whether they continued what was held (complete: true or false).
    STREAM_RECOVERIES = Counter "pg_stream_recoveries_total" Count ["complete"] NO_BUCKETS;
    /// Canaries that the database has sent through Realtime; these metrics are there when config.canary_user_id is set.
    STREAM_CANARIES_SENT = Counter "pg_stream_canaries_sent_total" Count [] NO_BUCKETS;
    /// Time since the last canary was sent.
    STREAM_CANARY_SENT_AGE = Gauge "pg_stream_canary_sent_age_seconds" Seconds [] NO_BUCKETS;
    /// Time since any copy of the service reported that a canary came back.
    STREAM_CANARY_RECEIVED_AGE = Gauge "pg_stream_canary_received_age_seconds" Seconds [] NO_BUCKETS;
    /// From the writing of that canary to its receipt.
    STREAM_CANARY_LAG = Gauge "pg_stream_canary_lag_seconds" Seconds [] NO_BUCKETS;

    /// 1, with the version of the service and of the contract that is built in.
    BUILD_INFO = Gauge "edge_build_info" Count ["version", "contract_version"] NO_BUCKETS;
    /// User and system CPU time of the process.
    PROCESS_CPU = Counter "process_cpu_seconds_total" Seconds [] NO_BUCKETS;
    /// Resident memory of the process.
    PROCESS_RESIDENT = Gauge "process_resident_memory_bytes" Bytes [] NO_BUCKETS;
    /// Open file descriptors of the process.
    PROCESS_OPEN_FDS = Gauge "process_open_fds" Count [] NO_BUCKETS;
    /// File descriptors that the process may open.
    PROCESS_MAX_FDS = Gauge "process_max_fds" Count [] NO_BUCKETS;
    /// When the process started, in seconds since 1970.
    PROCESS_START = Gauge "process_start_time_seconds" Seconds [] NO_BUCKETS;
}
