//! The table of docs/benchmarks.md: one row for each figure, one column for each server.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use xtask::measurement::{Measured, Row};

const VERSION: &str = "server_version=";

/// Each column holds the runs of one file.
pub fn of(columns: &[Vec<Measured>]) -> Result<String> {
    let mut table = String::new();
    for column in columns {
        let run = column.first().context("a file without a run")?;
        writeln!(
            table,
            "* {}: {}; {}",
            version(column)?,
            run.machine,
            others(run)
        )?;
    }
    write!(table, "\n| what |")?;
    for column in columns {
        write!(table, " {} |", version(column)?)?;
    }
    writeln!(table, " compared with | target |")?;
    writeln!(table, "|---|{}---|---|", "---|".repeat(columns.len()))?;
    for key in keys(columns) {
        let rows: Vec<_> = columns.iter().map(|column| find(column, &key)).collect();
        let Some(any) = rows.iter().flatten().next() else {
            continue;
        };
        write!(table, "| {} |", any.name)?;
        for row in &rows {
            write!(table, " {} |", row.map(cell).unwrap_or_default())?;
        }
        writeln!(
            table,
            " {} | {} |",
            any.baseline.as_deref().unwrap_or_default(),
            any.target.as_deref().unwrap_or_default()
        )?;
    }
    Ok(table)
}

/// The figure, what its baseline reached, and the verdict.
fn cell(row: &Row) -> String {
    let mut cell = with_unit(row.value, &row.unit);
    if let (Some(baseline), Some(ratio)) = (row.baseline_value, row.ratio) {
        write!(
            cell,
            ", {} of {}",
            short(ratio),
            with_unit(baseline, &row.unit)
        )
        .expect("a String takes everything");
    }
    if let Some(spread) = row.spread {
        write!(
            cell,
            " ({} to {})",
            short(spread.lowest),
            short(spread.highest)
        )
        .expect("a String takes everything");
    }
    match row.holds {
        Some(true) => cell + ": holds",
        Some(false) => cell + ": **missed**",
        None => cell,
    }
}

fn with_unit(value: f64, unit: &str) -> String {
    match unit {
        "" => short(value),
        "1/s" => format!("{}/s", short(value)),
        unit => format!("{} {unit}", short(value)),
    }
}

/// Three digits, with commas between thousands.
fn short(value: f64) -> String {
    if value.abs() < 100.0 {
        let digits = if value.abs() < 10.0 { 2 } else { 1 };
        return format!("{value:.digits$}");
    }
    let whole = format!("{value:.0}");
    let (sign, digits) = match whole.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", whole.as_str()),
    };
    let mut text = String::from(sign);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn version(column: &[Measured]) -> Result<String> {
    let settings = column.iter().flat_map(|run| &run.settings);
    let version = settings
        .filter_map(|setting| setting.strip_prefix(VERSION))
        .next();
    let version = version.context("a run without a server_version")?;
    // Packagers add words of their own.
    Ok(format!(
        "Postgres {}",
        version.split(' ').next().unwrap_or(version)
    ))
}

fn others(run: &Measured) -> String {
    let settings = run
        .settings
        .iter()
        .filter(|setting| !setting.starts_with(VERSION));
    let settings: Vec<_> = settings.map(String::as_str).collect();
    settings.join(", ")
}

type Key = (String, String);

/// Benchmark and name of each row, in the order in which they were measured first.
fn keys(columns: &[Vec<Measured>]) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::new();
    for row in columns.iter().flatten().flat_map(|run| &run.rows) {
        let key = (row.bench.clone(), row.name.clone());
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

fn find<'a>(column: &'a [Measured], (bench, name): &Key) -> Option<&'a Row> {
    let mut rows = column.iter().flat_map(|run| &run.rows);
    rows.find(|row| row.bench == *bench && row.name == *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(version: &str, rows: Vec<Row>) -> Vec<Measured> {
        vec![Measured {
            machine: "2 cores".to_owned(),
            settings: vec![format!("{VERSION}{version}"), "fsync=on".to_owned()],
            rows,
        }]
    }

    #[test]
    fn runs_on_two_servers_stand_side_by_side() {
        let rate = |value, baseline| {
            Row::new("edge", "heartbeat", value, "1/s")
                .against("pooled loop", baseline)
                .with_least_ratio(0.5)
        };
        let idle = Row::new("edge", "memory, idle", 12.34, "MB").with_most(40.0);
        let older = run("15.18 (Debian 15.18-1)", vec![rate(6_000.0, 10_000.0)]);
        let newer = run("17.11", vec![rate(1_234_567.0, 10_000_000.0), idle]);
        let table = of(&[older, newer]).expect("a table");
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(
            lines,
            [
                "* Postgres 15.18: 2 cores; fsync=on",
                "* Postgres 17.11: 2 cores; fsync=on",
                "",
                "| what | Postgres 15.18 | Postgres 17.11 | compared with | target |",
                "|---|---|---|---|---|",
                "| heartbeat | 6,000/s, 0.60 of 10,000/s: holds | 1,234,567/s, 0.12 of 10,000,000/s: **missed** \
                 | pooled loop | ratio >= 0.5 |",
                "| memory, idle |  | 12.3 MB: holds |  | <= 40 MB |",
            ]
        );
    }
}
