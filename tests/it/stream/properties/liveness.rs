//! The times that the model keeps: of a stream, and of a lease.

use stream_core::lifecycle::StreamState;

/// What the cases play with, in seconds. Each value is a multiple of the step of time.
pub const CONFIG: &str =
    "initializing_timeout_s = 300, host_timeout_s = 20, reconnect_window_s = 60,
    paused_timeout_s = 300, max_duration_s = 6000, lease_s = 50, background_grace_s = 30,
    token_ttl_s = 3600";
pub const INITIALIZING_TIMEOUT: i64 = 300;
pub const HOST_TIMEOUT: i64 = 20;
const WINDOW: i64 = 60;
pub const PAUSED_TIMEOUT: i64 = 300;
pub const MAX_DURATION: i64 = 6000;
const LEASE: i64 = 50;
const GRACE: i64 = 30;
const TOKEN_TTL: i64 = 3600;
const MIN_TOKEN_LIFE: i64 = 60;

/// The times of a stream, in seconds since it was started.
#[derive(Debug, Clone, Default)]
pub struct Liveness {
    pub now: i64,
    pub state_changed_at: i64,
    pub host_seen_at: Option<i64>,
    /// The state before the error, why, and until when the host may return.
    pub error: Option<(StreamState, Option<&'static str>, i64)>,
    pub is_cleaned: bool,
}

impl Liveness {
    pub fn moved(&mut self, from: StreamState, to: StreamState, reason: Option<&'static str>) {
        self.state_changed_at = self.now;
        self.error = (to == StreamState::Error).then_some((from, reason, self.now + WINDOW));
        if matches!(to, StreamState::Initializing | StreamState::Active) {
            self.host_seen_at = self.host_seen_at.map(|_| self.now);
        }
    }

    /// When a token ends that is issued now.
    pub fn token_ends_at(&self) -> i64 {
        self.now + (MAX_DURATION - self.now).clamp(MIN_TOKEN_LIFE, TOKEN_TTL)
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Lease {
    last_seen_at: i64,
    background_since: Option<i64>,
}

impl Lease {
    /// One that begins.
    pub fn from(now: i64) -> Self {
        Self {
            last_seen_at: now,
            background_since: None,
        }
    }

    pub fn ends_at(self) -> i64 {
        let end = self.last_seen_at + LEASE;
        match self.background_since {
            Some(since) => end.min(since + GRACE),
            None => end,
        }
    }

    pub fn seen(&mut self, now: i64, foreground: Option<bool>) {
        self.last_seen_at = now;
        match foreground {
            Some(true) => self.background_since = None,
            Some(false) => self.background_since = self.background_since.or(Some(now)),
            None => {}
        }
    }
}
