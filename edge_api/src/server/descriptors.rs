//! The file descriptors of the process: how many there may be, and how many of them are for clients.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::refusal::MAX_REFUSALS;
use super::settings::METRICS_CONNECTIONS;

/// Log, listener, runtime, signals, address lookups, fetches of keys: about twenty, and as many again.
const RESERVED: usize = 40;

/// Raises the limit of open files to the hard limit, and returns it. The soft limit is often 1,024, for the sake of
/// programs that use `select` (systemd.exec(5), LimitNOFILE).
pub fn raise_limit() -> io::Result<usize> {
    let hard = getrlimit(Resource::Nofile).maximum;
    let raised = Rlimit {
        current: hard,
        maximum: hard,
    };
    setrlimit(Resource::Nofile, raised)?;
    let limit = hard.and_then(|limit| usize::try_from(limit).ok());
    Ok(limit.unwrap_or(usize::MAX))
}

/// What needs descriptors besides clients.
#[derive(Debug, Clone, Copy)]
pub struct Others {
    /// Connections to the database.
    pub upstream: usize,
    /// Whether the metrics have a socket of their own.
    pub has_metrics: bool,
}

/// The connections of clients that leave enough descriptors for everything else; at most `wanted`, at least 1.
pub fn connections_within(limit: usize, others: Others, wanted: usize) -> usize {
    let metrics = if others.has_metrics {
        METRICS_CONNECTIONS + MAX_REFUSALS
    } else {
        0
    };
    let reserved = RESERVED + MAX_REFUSALS + others.upstream + metrics;
    wanted.min(limit.saturating_sub(reserved)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_the_rest() {
        let others = |has_metrics| Others {
            upstream: 10,
            has_metrics,
        };
        let within = |limit, wanted| connections_within(limit, others(false), wanted);
        assert_eq!(within(20_000, 16_384), 16_384);
        let left = within(1024, 16_384);
        assert!(left + 10 + MAX_REFUSALS < 1024 - 20, "{left}");
        assert_eq!(within(10, 16_384), 1);
        assert_eq!(within(usize::MAX, 5), 5);
        let beside_metrics = connections_within(1024, others(true), 16_384);
        assert_eq!(left - beside_metrics, METRICS_CONNECTIONS + MAX_REFUSALS);
    }

    #[test]
    fn the_limit_is_raised_to_the_hard_one() {
        let limit = raise_limit().expect("no right is needed to raise it so far");
        let in_force = getrlimit(Resource::Nofile);
        assert_eq!(in_force.current, in_force.maximum);
        if let Some(current) = in_force.current {
            assert_eq!(u64::try_from(limit), Ok(current));
        }
    }
}
