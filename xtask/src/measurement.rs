//! The figures of benchmarks, as the file of `cargo x bench --json` holds them.

use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// A run of one benchmark.
#[derive(Debug, Serialize, Deserialize)]
pub struct Measured {
    pub machine: String,
    /// Settings of the server as `name=value`.
    pub settings: Vec<String>,
    pub rows: Vec<Row>,
}

/// A figure, what it is compared with, and its target.
#[derive(Debug, Serialize, Deserialize)]
pub struct Row {
    pub bench: String,
    pub name: String,
    pub value: f64,
    pub unit: String,
    pub baseline: Option<String>,
    pub baseline_value: Option<f64>,
    pub ratio: Option<f64>,
    /// Of the ratios of single rounds, or of their values without a baseline, where there were several.
    pub spread: Option<Spread>,
    pub target: Option<String>,
    pub holds: Option<bool>,
}

impl Row {
    pub fn new(bench: &str, name: impl Into<String>, value: f64, unit: &str) -> Self {
        Self {
            bench: bench.to_owned(),
            name: name.into(),
            value,
            unit: unit.to_owned(),
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
        bench: &str,
        name: impl Into<String>,
        values: &[f64],
        unit: &str,
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

    /// The median of several rounds that are compared with nothing.
    pub fn median_of(bench: &str, name: impl Into<String>, rounds: &[f64], unit: &str) -> Self {
        let mut row = Self::new(bench, name, median(rounds.to_vec()), unit);
        row.spread = Some(Spread::of(rounds));
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

    /// Holds when the ratio is at least this.
    pub fn with_least_ratio(self, least: f64) -> Self {
        let holds = self.ratio.is_some_and(|ratio| ratio >= least);
        self.with_target(format!("ratio >= {least}"), holds)
    }

    /// Holds when the figure is at least this.
    pub fn with_least(self, least: f64) -> Self {
        let holds = self.value >= least;
        let target = format!(">= {least} {}", self.unit);
        self.with_target(target, holds)
    }

    /// Holds when the figure is at most this.
    pub fn with_most(self, most: f64) -> Self {
        let holds = self.value <= most;
        let target = format!("<= {most} {}", self.unit);
        self.with_target(target, holds)
    }

    /// Holds when the figure is below this.
    pub fn with_less_than(self, bound: f64) -> Self {
        let holds = self.value < bound;
        let target = format!("< {bound} {}", self.unit);
        self.with_target(target, holds)
    }
}

/// The distance of single rounds from each other.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
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

/// The middle of an odd number of measurements.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Adds a run to a file that holds those of the benchmarks before; makes it when there is none.
pub fn append(file: &Path, measured: Measured) -> Result<()> {
    let mut runs = if file.exists() {
        read(file)?
    } else {
        Vec::new()
    };
    runs.push(measured);
    std::fs::write(file, serde_json::to_string_pretty(&runs)?)
        .with_context(|| format!("cannot write {}", file.display()))
}

/// The runs that a file holds.
pub fn read(file: &Path) -> Result<Vec<Measured>> {
    let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_slice(&text)
        .with_context(|| format!("{} holds no figures of benchmarks", file.display()))
}
