//! Figures of the process itself, as Linux tells them, in the text format of Prometheus.
//!
//! Written here and not by the recorder, whose counters are whole numbers and so take no seconds of a CPU.

use std::fmt::Write;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::param::clock_ticks_per_second;
use rustix::process::{Resource, getrlimit};

use super::declared::{
    METRICS, PROCESS_CPU, PROCESS_MAX_FDS, PROCESS_OPEN_FDS, PROCESS_RESIDENT, PROCESS_START,
};
use super::metric::{Kind, Metric};
use crate::memory;

/// When the process started, as far as it matters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Process {
    started_at_s: f64,
}

impl Process {
    pub(super) fn started_now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            started_at_s: since.unwrap_or_default().as_secs_f64(),
        }
    }

    /// Appends what can be found out.
    #[expect(clippy::cast_precision_loss)]
    pub(super) fn write(self, text: &mut String) {
        let figures = [
            (PROCESS_CPU, cpu_s()),
            (
                PROCESS_RESIDENT,
                memory::resident_bytes().map(|bytes| bytes as f64),
            ),
            (PROCESS_OPEN_FDS, open_fds()),
            (PROCESS_MAX_FDS, max_fds()),
            (PROCESS_START, Some(self.started_at_s)),
        ];
        for (name, value) in figures {
            let declared = METRICS.iter().find(|metric| metric.name == name);
            if let (Some(metric), Some(value)) = (declared, value) {
                write_one(text, metric, value);
            }
        }
    }
}

fn write_one(text: &mut String, metric: &Metric, value: f64) {
    let (name, help) = (metric.name, metric.help.trim());
    let kind = match metric.kind {
        Kind::Counter => "counter",
        Kind::Gauge | Kind::Histogram => "gauge",
    };
    writeln!(
        text,
        "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n"
    )
    .expect("a text takes everything");
}

#[expect(clippy::cast_precision_loss)]
fn cpu_s() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is a name in parentheses, which may hold anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(11);
    let user: u64 = times.next()?.parse().ok()?;
    let system: u64 = times.next()?.parse().ok()?;
    Some((user + system) as f64 / clock_ticks_per_second() as f64)
}

#[expect(clippy::cast_precision_loss)]
fn open_fds() -> Option<f64> {
    // One of them is that of this very look.
    Some(
        fs::read_dir("/proc/self/fd")
            .ok()?
            .count()
            .saturating_sub(1) as f64,
    )
}

#[expect(clippy::cast_precision_loss)]
fn max_fds() -> Option<f64> {
    let limit = getrlimit(Resource::Nofile).current;
    Some(limit.map_or(f64::INFINITY, |limit| limit as f64))
}
