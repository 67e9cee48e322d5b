//! Reports of the canary to the database, and its metrics.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use metrics::gauge;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::link::{Link, Received};
use super::verdict::{State, Status, judge};
use crate::arguments::Arguments;
use crate::caller::Caller;
use crate::contract::Contract;
use crate::metrics::{CANARY_LAG, CANARY_LAST_RECEIVED};
use crate::upstream::Upstream;

/// Between two reports, when nothing happens: what is lost is noticed by then.
const INTERVAL: Duration = Duration::from_secs(5);

const DEADLINE: Duration = Duration::from_secs(4);

/// The operation of the database that takes reports.
const REPORT: &str = "report_canary";

/// Reports without end.
pub(super) async fn make(upstream: Arc<dyn Upstream>, link: watch::Sender<Link>) {
    let mut seen = link.subscribe();
    let mut reporter = Reporter {
        upstream,
        state: State::Unknown,
        reported_no: 0,
        clock_offset_ms: 0,
    };
    loop {
        seen.mark_unchanged();
        reporter.report(&link).await;
        // A sender that is gone was cut off with the whole.
        let changed = timeout(INTERVAL, seen.changed()).await;
        if matches!(changed, Ok(Err(_))) {
            return;
        }
    }
}

struct Reporter {
    upstream: Arc<dyn Upstream>,
    state: State,
    /// The newest canary that the database has been told of.
    reported_no: i64,
    /// By how much the clock of the database is ahead of this machine's.
    clock_offset_ms: i64,
}

impl Reporter {
    /// Asks the database, judges, and tells it at once if the verdict is another.
    async fn report(&mut self, link: &watch::Sender<Link>) {
        let seen = *link.borrow();
        let newest = seen
            .newest
            .filter(|newest| newest.sent.canary_no > self.reported_no);
        let status = self.call(self.state, newest).await;
        if let Some(newest) = newest {
            self.record(&newest);
            if status.is_some() {
                self.reported_no = newest.sent.canary_no;
            }
        }
        let seen = match &status {
            Some(status) => self.forget_above(status.canary_no, seen, link),
            None => seen,
        };
        let state = judge(&seen, status.as_ref(), Instant::now());
        if state == self.state {
            return;
        }
        let (from, to) = (self.state.as_str(), state.as_str());
        tracing::info!(from, to, "the way through Realtime is in another state");
        self.state = state;
        state.show();
        if status.is_some() {
            self.call(state, None).await;
        }
    }

    /// What was seen, without what the database has not sent any more when it was asked later.
    fn forget_above(&mut self, sent_no: i64, mut seen: Link, link: &watch::Sender<Link>) -> Link {
        let (forgotten, now) = (seen.newest, Instant::now());
        if seen.forget_above(sent_no, now) {
            tracing::warn!(
                sent_no,
                "the numbers of canaries went back; forgetting what was received"
            );
            self.reported_no = 0;
            link.send_if_modified(|link| {
                // One that came meanwhile may have been sent after the answer.
                link.newest == forgotten && link.forget_above(sent_no, now)
            });
        }
        seen
    }

    fn record(&self, newest: &Received) {
        let lag_ms = self.lag_ms(newest);
        gauge!(CANARY_LAG).set(f64::from(lag_ms) / 1000.0);
        let clock = newest.clock.duration_since(UNIX_EPOCH).unwrap_or_default();
        gauge!(CANARY_LAST_RECEIVED).set(clock.as_secs_f64());
    }

    /// From the writing of a canary to its receipt, both by the clock of the database.
    fn lag_ms(&self, newest: &Received) -> i32 {
        let received_ms = unix_ms(newest.clock) + self.clock_offset_ms;
        let lag_ms = received_ms - newest.sent.server_time.as_millisecond();
        i32::try_from(lag_ms.max(0)).unwrap_or(i32::MAX)
    }

    /// None when the database does not answer.
    async fn call(&mut self, state: State, newest: Option<Received>) -> Option<Status> {
        let mut arguments = Arguments::of(Contract::get().operation(REPORT)?);
        let mut give = |name: &str, value: &serde_json::Value| {
            let value = RawValue::from_string(value.to_string()).ok()?;
            arguments.give_json(name, &value).ok()
        };
        give("state", &json!(state.as_str()))?;
        if let Some(newest) = newest {
            give("canary_no", &json!(newest.sent.canary_no))?;
            give("lag_ms", &json!(self.lag_ms(&newest)))?;
        }
        let asked = SystemTime::now();
        let call = arguments
            .into_call(Caller::service(), Instant::now() + DEADLINE)
            .ok()?;
        let answer = timeout(DEADLINE * 2, self.upstream.call(Arc::new(call))).await;
        let answer = answer.ok()?.ok()?;
        let status: Status = serde_json::from_str(answer.get()).ok()?;
        let here_ms = i64::midpoint(unix_ms(asked), unix_ms(SystemTime::now()));
        self.clock_offset_ms = status.server_time.as_millisecond() - here_ms;
        Some(status)
    }
}

fn unix_ms(at: SystemTime) -> i64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
