//! Figures of the database in the text format of Prometheus: those that are declared, with the labels that are.

use std::fmt::Write;

use super::declared::{DATABASE_FIGURES_UP, METRICS};
use super::metric::{Kind, Metric};
use crate::upstream::{Figure, UpstreamError};

/// With which all metrics of the database begin.
pub const OF_DATABASE: &str = "pg_stream_";

/// Appends the figures, or that there are none now.
pub(super) fn write(text: &mut String, figures: &Result<Vec<Figure>, UpstreamError>) {
    let up = METRICS.iter().find(|one| one.name == DATABASE_FIGURES_UP);
    if let Some(metric) = up {
        head(text, metric);
        line(text, metric.name, "", f64::from(u8::from(figures.is_ok())));
    }
    let figures = figures.as_deref().unwrap_or_default();
    for metric in METRICS {
        if !metric.name.starts_with(OF_DATABASE) {
            continue;
        }
        let mut of_it = figures
            .iter()
            .filter(|figure| figure.name == metric.name)
            .filter_map(|figure| Some((labels(metric, figure)?, figure.value)))
            .peekable();
        if of_it.peek().is_some() {
            head(text, metric);
        }
        for (labels, value) in of_it {
            line(text, metric.name, &labels, value);
        }
    }
}

fn head(text: &mut String, metric: &Metric) {
    let kind = match metric.kind {
        Kind::Counter => "counter",
        Kind::Gauge | Kind::Histogram => "gauge",
    };
    let (name, help) = (metric.name, metric.help.trim());
    writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}").expect("a text takes everything");
}

fn line(text: &mut String, name: &str, labels: &str, value: f64) {
    writeln!(text, "{name}{labels} {value}").expect("a text takes everything");
}

/// None where the labels are not those that are declared: a newer database has others.
fn labels(metric: &Metric, figure: &Figure) -> Option<String> {
    if figure.labels.len() != metric.labels.len() {
        return None;
    }
    let pairs: Option<Vec<String>> = metric
        .labels
        .iter()
        .map(|label| {
            Some(format!(
                "{label}=\"{}\"",
                escaped(figure.labels.get(*label)?)
            ))
        })
        .collect();
    let pairs = pairs?;
    Some(match pairs.is_empty() {
        true => String::new(),
        false => format!("{{{}}}", pairs.join(",")),
    })
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(name: &str, labels: &[(&str, &str)], value: f64) -> Figure {
        let labels = labels.iter().map(|(name, value)| (*name, *value));
        Figure {
            name: name.to_owned(),
            labels: labels
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            value,
        }
    }

    fn lines(figures: Result<Vec<Figure>, UpstreamError>) -> Vec<String> {
        let mut text = String::new();
        write(&mut text, &figures);
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(str::to_owned).collect()
    }

    #[test]
    fn what_is_declared_is_shown_with_its_labels_and_nothing_else() {
        let shown = lines(Ok(vec![
            figure("pg_stream_troubles", &[("rule", "a\"b\\c\n")], 2.0),
            figure("pg_stream_viewers", &[], 12.0),
            figure("pg_stream_viewers", &[("session", "x")], 12.0),
            figure("pg_stream_troubles", &[], 1.0),
            figure("pg_stream_of_tomorrow", &[], 1.0),
            figure("edge_connections", &[], 1.0),
        ]));
        let expected = [
            "edge_database_figures_up 1",
            "pg_stream_viewers 12",
            r#"pg_stream_troubles{rule="a\"b\\c\n"} 2"#,
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_database_that_is_away_is_one_figure() {
        let away = UpstreamError::Unavailable {
            reason: String::new(),
        };
        assert_eq!(lines(Err(away)), ["edge_database_figures_up 0"]);
    }
}
