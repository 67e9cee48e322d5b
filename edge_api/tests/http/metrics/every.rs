//! Every declared metric is seen recorded: a test that reads it is listed here, so that none is forgotten.

use std::collections::BTreeSet;
use std::path::Path;
use std::{env, fs};

use edge_api::metrics::{METRICS, OF_DATABASE};

use super::*;
use crate::sockets::counted;
use crate::{auth_keys, observed};

/// The tests that read metrics of this process.
const TESTS: &[fn()] = &[
    requests_are_timed_by_route_method_and_class_of_status,
    a_client_that_goes_before_its_answer_is_counted_as_gone,
    calls_of_the_database_are_timed_by_operation_and_outcome,
    the_ticker_counts_its_calls_and_tells_its_last_success,
    auth_keys::readings_of_the_key_set_are_counted_by_outcome,
    calls::the_breaker_shows_its_state_and_how_often_it_opened,
    calls::retries_are_counted_by_operation,
    calls::the_pool_shows_its_places_and_who_waits_for_one,
    calls::calls_whose_caller_has_gone_are_counted_until_they_are_over,
    calls::batches_are_counted_by_size_and_operation,
    calls::connections_to_the_database_are_counted_as_they_are_made,
    counted::connections_are_counted_while_they_are_open_and_when_they_are_refused,
    counted::connections_that_take_too_long_are_counted_by_what_was_late,
    counted::answers_that_nobody_has_read_are_counted_in_bytes,
    counted::requests_over_a_rate_are_counted_by_limit,
    process::figures_of_the_process_are_those_of_the_system,
    process::the_versions_are_those_that_are_built_in,
];

/// Metrics that need more than this process, and the tests that read them.
const ELSEWHERE: &[(&str, &str)] = &[
    (
        "edge_log_lines_dropped_total",
        "edge_api/tests/http/process.rs",
    ),
    ("edge_database_figures_up", "tests/e2e/edge/metrics.rs"),
    ("edge_canary_state", "tests/e2e/realtime/canary.rs"),
    ("edge_canary_lag_seconds", "tests/e2e/realtime/canary.rs"),
    (
        "edge_canaries_received_total",
        "tests/e2e/realtime/canary.rs",
    ),
    (
        "edge_canary_last_received_timestamp_seconds",
        "tests/e2e/realtime/canary.rs",
    ),
];

/// Those of the database are compared with what it shows: tests/e2e/edge/metrics.rs.
#[test]
fn every_metric_is_read_by_a_test_that_makes_it_move() {
    observed::take_seen();
    for test in TESTS {
        test();
    }
    let mut seen = observed::take_seen();
    let package = env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package");
    for (metric, file) in ELSEWHERE {
        let path = Path::new(&package).join("..").join(file);
        let text = fs::read_to_string(path).expect("a test");
        assert!(text.contains(metric), "{file} does not read {metric}");
        assert!(seen.insert(metric), "{metric} is read here as well");
    }
    let names = METRICS.iter().map(|metric| metric.name);
    let expected: BTreeSet<_> = names
        .filter(|name| !name.starts_with(OF_DATABASE))
        .collect();
    assert_eq!(seen, expected);
}
