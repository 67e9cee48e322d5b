//! The report of a benchmark: figures, machine, settings, baselines, targets.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use tokio_postgres::Client;
use xtask::measurement::{self, Measured};

pub use xtask::measurement::{Row, Spread, median};

/// Names the file to which the report is added as JSON as well.
pub const JSON_VARIABLE: &str = "PG_STREAM_BENCH_JSON";

/// Set when a run only shows that the benchmark works: with few requests, and whatever the figures are.
pub const QUICK_VARIABLE: &str = "PG_STREAM_BENCH_QUICK";

/// Names the parts that run, separated by commas, where a benchmark has parts.
pub const ONLY_VARIABLE: &str = "PG_STREAM_BENCH_ONLY";

/// A quick run makes one request of so many.
const QUICK_SHARE: usize = 50;

/// The server settings that decide what a figure means.
const SETTINGS: &[&str] = &[
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "shared_buffers",
    "max_wal_size",
];

#[derive(Debug)]
pub struct Report(Measured);

impl Report {
    pub async fn begin(client: &Client) -> Result<Self> {
        let mut settings = Vec::new();
        for name in SETTINGS {
            let row = client
                .query_one("select current_setting($1)", &[name])
                .await?;
            settings.push(format!("{name}={}", row.get::<_, String>(0)));
        }
        let report = Self(Measured {
            machine: machine(),
            settings,
            rows: Vec::new(),
        });
        println!(
            "machine: {}\nsettings: {}",
            report.0.machine,
            report.0.settings.join(" ")
        );
        if is_quick() {
            println!("quick: the figures mean nothing");
        }
        Ok(report)
    }

    /// Notes a setting of another part than the server.
    pub fn add_setting(&mut self, setting: String) {
        println!("setting: {setting}");
        self.0.settings.push(setting);
    }

    /// Prints a row at once, so that a long run shows how far it is.
    pub fn add(&mut self, row: Row) {
        print!("{:<58} {:>12.2} {:<5}", row.name, row.value, row.unit);
        if let (Some(baseline), Some(value), Some(ratio)) =
            (&row.baseline, row.baseline_value, row.ratio)
        {
            print!(" | {baseline} {value:.2}, ratio {ratio:.3}");
        }
        if let Some(spread) = row.spread {
            print!(
                " ({:.3} to {:.3} in {} rounds)",
                spread.lowest, spread.highest, spread.rounds
            );
        }
        if let (Some(target), Some(holds)) = (&row.target, row.holds) {
            print!(
                " | target {target}: {}",
                if holds { "holds" } else { "MISSED" }
            );
        }
        println!();
        self.0.rows.push(row);
    }

    /// Adds the report to the JSON file, if one was asked for; fails when a target was missed.
    pub fn finish(self) -> Result<()> {
        let rows = self.0.rows.iter();
        let missed = rows.filter(|row| row.holds == Some(false)).count();
        if let Some(file) = std::env::var_os(JSON_VARIABLE) {
            measurement::append(Path::new(&file), self.0)?;
        }
        anyhow::ensure!(missed == 0 || is_quick(), "{missed} targets missed");
        Ok(())
    }
}

/// A number of requests, or the small one of a quick run.
pub fn scaled(count: usize) -> usize {
    if is_quick() {
        count / QUICK_SHARE
    } else {
        count
    }
}

/// Whether a part of a benchmark is to run: all do, unless some were named.
pub fn is_wanted(part: &str) -> bool {
    match std::env::var(ONLY_VARIABLE) {
        Ok(parts) => parts.split(',').any(|wanted| wanted == part),
        Err(_) => true,
    }
}

fn is_quick() -> bool {
    std::env::var_os(QUICK_VARIABLE).is_some()
}

/// Raises the number of open files to the hard limit, for the sockets of this process and of those that it starts.
pub fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where it cannot be raised, connecting fails and says why.
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    );
}

/// The value that `share` of the measurements do not exceed.
pub fn percentile(mut values: Vec<Duration>, share: f64) -> Duration {
    values.sort();
    let last = values.len() - 1;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss
    )]
    let place = (last as f64 * share).round() as usize;
    values[place]
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let model = std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            let line = text
                .lines()
                .find(|line| line.starts_with("model name"))?
                .to_owned();
            Some(line.split(':').nth(1)?.trim().to_owned())
        })
        .unwrap_or_else(|| "unknown processor".to_owned());
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?").to_owned();
    format!("{cores} cores, {model}, load {load} at the start")
}
