//! Every metric that the service keeps, and the recorder that keeps them.
//!
//! A metric is declared here and nowhere else: name, kind, unit, labels, and a help text that
//! the operator reads. Whoever records one names its constant: `metrics::counter!(REFUSALS, "code" =>
//! code)`. The values of a label come from a set that is fixed when the program is built (routes,
//! operations, codes): never a path, an id, a user or an address, since each value is a series of its
//! own. Where many a second are recorded, the handle that the macro returns is kept, so that no label is
//! looked up.

mod declared;
mod exposition;
mod metric;
mod of_database;
mod process;

use metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusRecorder};

pub use self::declared::*;
pub use self::exposition::Exposition;
pub use self::metric::{Kind, Metric};
pub use self::of_database::OF_DATABASE;

/// Why no metric can be kept.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    #[error("a histogram is declared without a bucket")]
    Buckets(#[from] BuildError),
    #[error("metrics are set up already")]
    Twice,
}

/// Keeps the metrics of this process from now on.
pub fn install() -> Result<Exposition, MetricsError> {
    let recorder = recorder()?;
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|_| MetricsError::Twice)?;
    describe();
    Ok(Exposition::of(handle))
}

/// A recorder that knows the buckets of every declared histogram.
pub fn recorder() -> Result<PrometheusRecorder, BuildError> {
    let mut histograms = METRICS
        .iter()
        .filter(|metric| metric.kind == Kind::Histogram);
    let builder = histograms.try_fold(PrometheusBuilder::new(), |builder, metric| {
        builder.set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), metric.buckets)
    })?;
    Ok(builder.build_recorder())
}

/// Gives the recorder in use the help text of every metric.
pub fn describe() {
    for metric in METRICS {
        let (name, unit, help) = (metric.name, metric.unit, metric.help.trim());
        match metric.kind {
            Kind::Counter => describe_counter!(name, unit, help),
            Kind::Gauge => describe_gauge!(name, unit, help),
            Kind::Histogram => describe_histogram!(name, unit, help),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ::metrics::Unit;

    use super::*;

    /// Names that Prometheus's clients of all languages give to a process.
    const OF_EVERY_PROCESS: &str = "process_";

    #[test]
    fn names_are_ours_alone_and_say_their_unit() {
        let names: BTreeSet<_> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len(), "a name is declared twice");
        for metric in METRICS {
            let name = metric.name;
            assert!(
                ["edge_", OF_DATABASE, OF_EVERY_PROCESS]
                    .iter()
                    .any(|prefix| name.starts_with(prefix)),
                "{name}"
            );
            let unit = match metric.unit {
                Unit::Seconds => "_seconds",
                Unit::Bytes => "_bytes",
                _ => "",
            };
            let stem = name.strip_suffix("_total").unwrap_or(name);
            assert!(stem.ends_with(unit), "{name} lacks {unit}");
            assert_eq!(
                name.ends_with("_total"),
                metric.kind == Kind::Counter,
                "{name}"
            );
        }
    }

    #[test]
    fn a_histogram_has_rising_buckets_and_nothing_else_has_any() {
        for metric in METRICS {
            let is_histogram = metric.kind == Kind::Histogram;
            assert_eq!(!metric.buckets.is_empty(), is_histogram, "{}", metric.name);
            assert!(metric.buckets.is_sorted(), "{}", metric.name);
        }
    }
}
