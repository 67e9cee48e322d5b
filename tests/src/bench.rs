//! The report of a benchmark: figures, machine, settings, baselines, targets.

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;
use tokio_postgres::Client;

/// Names the file that the report is written to as JSON as well.
pub const JSON_VARIABLE: &str = "PG_STREAM_BENCH_JSON";

/// The server settings that decide what a figure means.
const SETTINGS: &[&str] = &[
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "shared_buffers",
    "max_wal_size",
];

/// A figure with a target.
#[derive(Debug, Serialize)]
pub struct Row {
    pub bench: &'static str,
    pub name: String,
    pub value: f64,
    pub unit: &'static str,
    pub baseline: Option<String>,
    pub baseline_value: Option<f64>,
    pub ratio: Option<f64>,
    /// Of the ratios of single rounds, where there were several.
    pub spread: Option<Spread>,
    pub target: Option<String>,
    pub holds: Option<bool>,
}

impl Row {
    pub fn new(
        bench: &'static str,
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
    ) -> Self {
        Self {
            bench,
            name: name.into(),
            value,
            unit,
            baseline: None,
            baseline_value: None,
            ratio: None,
            spread: None,
            target: None,
            holds: None,
        }
    }

    /// Two things measured in turns, round by round. The ratio is the median of the rounds' own ratios, so that what
    /// slows a whole round down, or one round alone, does not decide.
    pub fn in_rounds(
        bench: &'static str,
        name: impl Into<String>,
        values: &[f64],
        unit: &'static str,
        baseline: impl Into<String>,
        baselines: &[f64],
    ) -> Self {
        let ratios: Vec<f64> = values.iter().zip(baselines).map(|(a, b)| a / b).collect();
        let mut row = Self::new(bench, name, median(values.to_vec()), unit)
            .against(baseline, median(baselines.to_vec()));
        row.spread = Some(Spread::of(&ratios));
        row.ratio = Some(median(ratios));
        row
    }

    /// Measured in the same run, in the same unit.
    pub fn against(mut self, baseline: impl Into<String>, value: f64) -> Self {
        self.baseline = Some(baseline.into());
        self.baseline_value = Some(value);
        self.ratio = Some(self.value / value);
        self
    }

    pub fn with_target(mut self, target: impl Into<String>, holds: bool) -> Self {
        self.target = Some(target.into());
        self.holds = Some(holds);
        self
    }
}

/// How far single rounds lay apart.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Spread {
    pub rounds: usize,
    pub lowest: f64,
    pub highest: f64,
}

impl Spread {
    pub fn of(values: &[f64]) -> Self {
        Self {
            rounds: values.len(),
            lowest: values.iter().copied().fold(f64::INFINITY, f64::min),
            highest: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        }
    }
}

#[derive(Debug, Serialize)]
pub struct Report {
    pub machine: String,
    pub settings: Vec<String>,
    pub rows: Vec<Row>,
}

impl Report {
    pub async fn begin(client: &Client) -> Result<Self> {
        let mut settings = Vec::new();
        for name in SETTINGS {
            let row = client
                .query_one("select current_setting($1)", &[name])
                .await?;
            settings.push(format!("{name}={}", row.get::<_, String>(0)));
        }
        let report = Self {
            machine: machine(),
            settings,
            rows: Vec::new(),
        };
        println!(
            "machine: {}\nsettings: {}",
            report.machine,
            report.settings.join(" ")
        );
        Ok(report)
    }

    /// Prints a row at once, so that a long run shows how far it is.
    pub fn add(&mut self, row: Row) {
        print!("{:<44} {:>12.2} {:<6}", row.name, row.value, row.unit);
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
        self.rows.push(row);
    }

    /// Writes the JSON file, if one was asked for; fails when a target was missed.
    pub fn finish(self) -> Result<()> {
        if let Some(file) = std::env::var_os(JSON_VARIABLE) {
            let text = serde_json::to_string_pretty(&self)?;
            std::fs::write(&file, text)
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        let missed = self
            .rows
            .iter()
            .filter(|row| row.holds == Some(false))
            .count();
        anyhow::ensure!(missed == 0, "{missed} targets missed");
        Ok(())
    }
}

/// The middle of an odd number of measurements.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
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
