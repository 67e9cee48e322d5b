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
