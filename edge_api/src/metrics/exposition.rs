//! All metrics as Prometheus reads them.

use std::sync::Arc;
use std::time::Duration;

use metrics::{counter, gauge};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::time::timeout;
use tracing_appender::non_blocking::ErrorCounter;

use super::declared::{BUILD_INFO, LOG_LINES_DROPPED};
use super::of_database;
use super::process::Process;
use crate::contract::Contract;
use crate::upstream::{Upstream, UpstreamError};

/// Often enough that what was recorded and not yet counted stays small.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Without figures of the database by then the text has none: whoever reads it waits 10 s at most.
const FIGURES_TIMEOUT: Duration = Duration::from_secs(3);

/// Makes the text of all metrics; a clone is the same one.
#[derive(Clone)]
pub struct Exposition {
    recorded: PrometheusHandle,
    process: Process,
    dropped_lines: Option<ErrorCounter>,
    database: Option<Arc<dyn Upstream>>,
}

impl Exposition {
    /// Of what was recorded through the recorder of this handle.
    pub fn of(recorded: PrometheusHandle) -> Self {
        gauge!(
            BUILD_INFO,
            "version" => env!("CARGO_PKG_VERSION"),
            "contract_version" => Contract::get().version,
        )
        .set(1);
        Self {
            recorded,
            process: Process::started_now(),
            dropped_lines: None,
            database: None,
        }
    }

    /// With the count of the log lines that were given up.
    pub fn with_dropped_lines(self, dropped_lines: ErrorCounter) -> Self {
        Self {
            dropped_lines: Some(dropped_lines),
            ..self
        }
    }

    /// With the figures of the view `stream.metrics`.
    pub fn with_database(self, database: Arc<dyn Upstream>) -> Self {
        Self {
            database: Some(database),
            ..self
        }
    }

    /// The text with the figures of the database. One that is away leaves the rest as it is.
    pub async fn whole_text(&self) -> String {
        let mut text = self.text();
        if let Some(database) = &self.database {
            let answer = timeout(FIGURES_TIMEOUT, database.figures()).await;
            let figures = answer.unwrap_or_else(|_| {
                Err(UpstreamError::Unavailable {
                    reason: "no figures in time".to_owned(),
                })
            });
            of_database::write(&mut text, &figures);
        }
        text
    }

    /// The text of the process's own, in version 0.0.4 of Prometheus's format.
    pub fn text(&self) -> String {
        if let Some(lines) = &self.dropped_lines {
            let count = u64::try_from(lines.dropped_lines()).unwrap_or(u64::MAX);
            counter!(LOG_LINES_DROPPED).absolute(count);
        }
        let mut text = self.recorded.render();
        self.process.write(&mut text);
        text
    }

    /// Counts what was recorded, without end: histograms keep single values until somebody does.
    pub async fn keep_up(self) {
        let mut interval = tokio::time::interval(UPKEEP_INTERVAL);
        loop {
            interval.tick().await;
            self.recorded.run_upkeep();
        }
    }
}
