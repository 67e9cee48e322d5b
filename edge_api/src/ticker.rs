//! The database's regular work where no background worker of its own can run.
//!
//! One task calls `stream.tick()` at an interval, as the service and one call after the other. The
//! function lets one caller at a time work and sends the others away, so every edge may tick.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use metrics::{Counter, Gauge, counter, gauge};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use crate::caller::Caller;
use crate::contract::Contract;
use crate::metrics::{TICK_FAILURES, TICK_LAST_SUCCESS, TICKS};
use crate::upstream::breaker::ANSWER_GRACE;
use crate::upstream::{Call, Upstream, UpstreamError};

/// Longer than a statement may take (`upstream::sql`), so that the database gives up first.
pub const TICK_DEADLINE: Duration = Duration::from_secs(10);

/// Behind the deadline and the time in which a late answer still counts.
pub const TICK_CUT_OFF: Duration = TICK_DEADLINE.saturating_add(ANSWER_GRACE.saturating_mul(2));

/// The shortest pause after a failure: a database that starts up is not asked twenty times a second.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The task that ticks. Dropping it cuts a tick off; [`stop`](Self::stop) waits for it.
#[derive(Debug)]
pub struct Ticker {
    stop: oneshot::Sender<()>,
    task: JoinSet<()>,
}

impl Ticker {
    /// Ticks at once, and from then on at every interval.
    pub fn start(upstream: Arc<dyn Upstream>, interval: Duration) -> Self {
        let (stop, stopped) = oneshot::channel();
        let mut task = JoinSet::new();
        task.spawn(run(upstream, interval, stopped));
        let interval_ms = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(interval_ms, "ticking");
        Self { stop, task }
    }

    /// Returns when the tick under way, if any, is over: within [`TICK_CUT_OFF`].
    pub async fn stop(mut self) {
        // A task that is gone already has nothing to stop.
        let _ = self.stop.send(());
        if let Some(Err(error)) = self.task.join_next().await {
            tracing::error!(%error, "the ticker had died");
        }
    }
}

async fn run(upstream: Arc<dyn Upstream>, interval: Duration, mut stopped: oneshot::Receiver<()>) {
    let mut outage = Outage::default();
    let figures = Figures::new();
    loop {
        let started_at = Instant::now();
        let outcome = tick(upstream.as_ref()).await;
        figures.record(outcome.is_ok());
        let next_at = match &outcome {
            Ok(()) => started_at + interval,
            Err(_) => Instant::now() + interval.max(RETRY_AFTER),
        };
        outage.note(outcome);
        tokio::select! {
            biased;
            _ = &mut stopped => return,
            () = sleep_until(next_at) => {}
        }
    }
}

/// A call of `tick`, which has no arguments.
fn call() -> Call {
    let operation = Contract::get().operation("tick");
    Call {
        operation: operation.expect("the contract has tick, as the table of routes tests"),
        arguments: Vec::new(),
        subject: None,
        caller: Caller::service(),
        deadline: Instant::now() + TICK_DEADLINE,
    }
}

async fn tick(upstream: &dyn Upstream) -> Result<(), UpstreamError> {
    match timeout(TICK_CUT_OFF, upstream.call(Arc::new(call()))).await {
        Ok(answer) => answer.map(|_| ()),
        Err(_) => Err(UpstreamError::Unavailable {
            reason: "no answer within the deadline".to_owned(),
        }),
    }
}

/// The metrics of the ticker; there from its start, so that an alert sees the first failure.
struct Figures {
    ticks: Counter,
    failures: Counter,
    last_success: Gauge,
}

impl Figures {
    fn new() -> Self {
        Self {
            ticks: counter!(TICKS),
            failures: counter!(TICK_FAILURES),
            last_success: gauge!(TICK_LAST_SUCCESS),
        }
    }

    fn record(&self, is_ok: bool) {
        self.ticks.increment(1);
        if is_ok {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            self.last_success.set(now.unwrap_or_default().as_secs_f64());
        } else {
            self.failures.increment(1);
        }
    }
}

/// Failures without a success between them; only the first and the end are worth a line.
#[derive(Debug, Default)]
struct Outage {
    failures: u64,
}

impl Outage {
    fn note(&mut self, outcome: Result<(), UpstreamError>) {
        match self.record(outcome.is_ok()) {
            Some(OutageEvent::Begun) => {
                let reason = outcome.err().map(|error| error.to_string());
                tracing::warn!(reason, "cannot tick; trying on");
            }
            Some(OutageEvent::Over { failures }) => tracing::info!(failures, "ticking again"),
            None => {}
        }
    }

    fn record(&mut self, is_ok: bool) -> Option<OutageEvent> {
        let failures = self.failures;
        self.failures = if is_ok { 0 } else { failures + 1 };
        match (is_ok, failures) {
            (true, 0) => None,
            (true, failures) => Some(OutageEvent::Over { failures }),
            (false, 0) => Some(OutageEvent::Begun),
            (false, _) => None,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum OutageEvent {
    Begun,
    Over { failures: u64 },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_logged_when_it_begins_and_when_it_is_over() {
        let mut outage = Outage::default();
        let outcomes = [true, true, false, false, false, true, true, false];
        let logged: Vec<_> = outcomes.map(|is_ok| outage.record(is_ok)).into();
        let over = Some(OutageEvent::Over { failures: 3 });
        let begun = || Some(OutageEvent::Begun);
        let expected = [None, None, begun(), None, None, over, None, begun()];
        assert_eq!(logged, expected);
    }
}
