//! The time that each call of the database takes, by operation and outcome.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use metrics::{Histogram, histogram};
use serde_json::value::RawValue;

use super::{Call, DatabaseVersions, Figure, Pending, Upstream, UpstreamError};
use crate::contract::Contract;
use crate::metrics::UPSTREAM_DURATION;

/// What becomes of a call; the last is of one that was dropped before it was over.
const OUTCOMES: [&str; 5] = ["ok", "refused", "unavailable", "unexpected", "abandoned"];
const ABANDONED: usize = OUTCOMES.len() - 1;

/// An operation of a contract that is not built in.
const OTHER: &str = "other";

type Series = [OnceLock<Histogram>; OUTCOMES.len()];

/// An upstream whose calls are measured.
pub struct Measured {
    inner: Arc<dyn Upstream>,
    series: Arc<HashMap<&'static str, Series>>,
}

impl Measured {
    pub fn new(inner: Arc<dyn Upstream>) -> Self {
        let operations = Contract::get().operations();
        let names = operations.map(|operation| operation.name).chain([OTHER]);
        Self {
            inner,
            series: Arc::new(names.map(|name| (name, Series::default())).collect()),
        }
    }
}

impl Upstream for Measured {
    fn call(&self, call: Arc<Call>) -> Pending<Box<RawValue>> {
        let name = call.operation.name;
        let measurement = Measurement {
            series: self.series.clone(),
            operation: if self.series.contains_key(name) {
                name
            } else {
                OTHER
            },
            outcome: ABANDONED,
            started_at: Instant::now(),
        };
        let answer = self.inner.call(call);
        Box::pin(async move {
            let answer = answer.await;
            measurement.end(&answer);
            answer
        })
    }

    fn ping(&self) -> Pending<DatabaseVersions> {
        self.inner.ping()
    }

    fn figures(&self) -> Pending<Vec<Figure>> {
        self.inner.figures()
    }

    fn cancels(&self) -> bool {
        self.inner.cancels()
    }
}

/// One call, which is recorded when this is dropped.
struct Measurement {
    series: Arc<HashMap<&'static str, Series>>,
    operation: &'static str,
    outcome: usize,
    started_at: Instant,
}

impl Measurement {
    fn end<T>(mut self, answer: &Result<T, UpstreamError>) {
        self.outcome = match answer {
            Ok(_) => 0,
            Err(UpstreamError::Refused { .. }) => 1,
            Err(UpstreamError::Unavailable { .. }) => 2,
            Err(UpstreamError::Unexpected { .. }) => 3,
        };
    }
}

impl Drop for Measurement {
    fn drop(&mut self) {
        let duration: Duration = self.started_at.elapsed();
        let durations = self.series[self.operation][self.outcome].get_or_init(|| {
            histogram!(
                UPSTREAM_DURATION,
                "operation" => self.operation,
                "outcome" => OUTCOMES[self.outcome],
            )
        });
        durations.record(duration);
    }
}
