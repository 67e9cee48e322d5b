//! A service whose metrics are read, and which of them were.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use edge_api::auth::Verifier;
use edge_api::metrics::{Exposition, METRICS, describe};
use edge_api::router::router;
use edge_api::state::AppState;
use edge_api::upstream::Stack;
use metrics::LocalRecorderGuard;
use metrics_exporter_prometheus::PrometheusRecorder;

use crate::database::RecordingDatabase;
use crate::requests::SECRET;

/// A service whose metrics are its own: those of one thread, which a test has for itself.
pub struct Observed<'a> {
    pub metrics: Exposition,
    _guard: LocalRecorderGuard<'a>,
}

impl<'a> Observed<'a> {
    pub fn new(recorder: &'a PrometheusRecorder) -> Self {
        let guard = metrics::set_default_local_recorder(recorder);
        describe();
        Self {
            metrics: Exposition::of(recorder.handle()),
            _guard: guard,
        }
    }

    pub fn service(&self, database: &RecordingDatabase) -> Router {
        let stack = Stack::around("database", Arc::new(database.clone()), 10);
        let state = AppState::new(stack.upstream, Verifier::new(&SECRET.into()));
        router(state.with_metrics(self.metrics.clone()), Vec::new())
    }

    /// The value of a series; none: there is none.
    pub fn value(&self, series: &str) -> Option<f64> {
        let text = self.metrics.text();
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
        let value = value.parse().expect("a number");
        if value != 0.0 {
            note(series);
        }
        Some(value)
    }
}

thread_local! {
    /// The metrics of which a test of this thread has read another value than 0.
    static SEEN: RefCell<BTreeSet<&'static str>> = const { RefCell::new(BTreeSet::new()) };
}

/// The metrics of which this thread has read another value than 0, since it was asked last.
pub fn take_seen() -> BTreeSet<&'static str> {
    SEEN.take()
}

/// Notes that a series has a value.
fn note(series: &str) {
    let name = series.split('{').next().unwrap_or_default();
    let metric = METRICS.iter().find(|metric| {
        let rest = name.strip_prefix(metric.name);
        rest.is_some_and(|rest| ["", "_count", "_sum"].contains(&rest))
    });
    let metric = metric.unwrap_or_else(|| panic!("{name} is not declared"));
    SEEN.with_borrow_mut(|seen| seen.insert(metric.name));
}
