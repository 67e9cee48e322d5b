//! The log lines of requests: of each that was refused or slow, and of a sample of the others.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::error::ApiError;
use crate::trace::{Trace, TraceParent};

/// Which requests are worth a line besides the refused ones.
#[derive(Debug, Clone, Copy)]
pub struct AccessLog {
    /// Those that took as long as this.
    pub slow: Duration,
    /// One of so many others; 1 is each, 0 none.
    pub one_in: u32,
}

impl Default for AccessLog {
    /// Every request.
    fn default() -> Self {
        Self {
            slow: Duration::from_secs(1),
            one_in: 1,
        }
    }
}

/// Counts the requests of which a sample is logged.
pub(super) struct Sampler {
    settings: AccessLog,
    others: AtomicU32,
}

impl Sampler {
    pub(super) fn new(settings: AccessLog) -> Self {
        Self {
            settings,
            others: AtomicU32::new(0),
        }
    }

    /// Whether this request is to be logged. Not by what the caller's trace says, or callers could fill
    /// the log.
    pub(super) fn wants(&self, is_refused: bool, duration: Duration) -> bool {
        if is_refused || self.is_slow(duration) {
            return true;
        }
        let one_in = self.settings.one_in;
        one_in != 0
            && self
                .others
                .fetch_add(1, Ordering::Relaxed)
                .is_multiple_of(one_in)
    }

    /// Whether a request that nobody waited for to its end is worth a line.
    pub(super) fn is_slow(&self, duration: Duration) -> bool {
        duration >= self.settings.slow
    }
}

/// All that a line about a request holds.
pub(super) struct Line<'a> {
    pub request_id: &'a str,
    pub parent: Option<TraceParent>,
    pub method: &'a str,
    pub route: &'a str,
    /// None: its client has gone before there was one.
    pub status: Option<u16>,
    pub error: Option<&'a ApiError>,
    pub duration: Duration,
}

impl Line<'_> {
    pub(super) fn write(&self) {
        let code = self.error.map(|error| error.code().as_str());
        let cause = self.error.and_then(ApiError::cause);
        // Nothing else tells the ids of a trace that begins here, so they are made for the line.
        let trace = Trace::continuing(self.parent);
        macro_rules! log {
            ($level:ident, $message:literal) => {
                tracing::$level!(
                    request_id = self.request_id,
                    trace_id = %trace.trace_id,
                    span_id = %trace.span_id,
                    parent_id = trace.parent_id.map(tracing::field::display),
                    method = self.method,
                    route = self.route,
                    status = self.status,
                    code,
                    cause,
                    duration_ms = self.duration.as_secs_f64() * 1e3,
                    $message
                )
            };
        }
        match self.status {
            None => log!(info, "client left before the answer"),
            Some(500) => log!(error, "request answered"),
            Some(501..) => log!(warn, "request answered"),
            Some(_) => log!(info, "request answered"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: Duration = Duration::from_millis(1);

    fn logged(one_in: u32) -> Vec<bool> {
        let slow = Duration::from_secs(1);
        let sampler = Sampler::new(AccessLog { slow, one_in });
        (0..6).map(|_| sampler.wants(false, FAST)).collect()
    }

    #[test]
    fn every_third_all_or_none_of_the_others_are_logged() {
        assert_eq!(logged(3), [true, false, false, true, false, false]);
        assert_eq!(logged(1), [true; 6]);
        assert_eq!(logged(0), [false; 6]);
    }

    #[test]
    fn what_was_refused_or_slow_is_logged_always() {
        let slow = Duration::from_secs(1);
        let sampler = Sampler::new(AccessLog { slow, one_in: 0 });
        assert!(sampler.wants(true, FAST));
        assert!(sampler.wants(false, slow));
        assert!(!sampler.wants(false, slow - FAST));
    }
}
