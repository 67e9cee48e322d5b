//! The dashboard, the alert rules and the page about metrics use what the service keeps.
//!
//! `UPDATE_DOCS=1 cargo test -p edge_api --test http observability` writes the table of metrics anew.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

use edge_api::metrics::{Kind, METRICS, Metric};
use serde_json::Value;

/// Labels that Prometheus itself gives to what it reads.
const OF_PROMETHEUS: [&str; 3] = ["instance", "job", "le"];

const BEGIN: &str = "<!-- The table is written from the list of metrics. -->\n";
const END: &str = "<!-- End of the table. -->\n";

fn docs(name: &str) -> PathBuf {
    // Not the compiler's: another checkout may share its target directory.
    let package = env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package");
    Path::new(&package).join("../docs").join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(docs(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A metric in a query, and the labels by which it is chosen.
#[derive(Debug, PartialEq, Eq)]
struct Used<'a> {
    name: &'a str,
    labels: Vec<&'a str>,
}

/// An expression of Prometheus whose texts are left empty.
fn without_texts(query: &str) -> String {
    query.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

fn metrics_of(query: &str) -> Vec<Used<'_>> {
    let is_of_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let mut rest = query;
    let mut used = Vec::new();
    while let Some(start) = rest.find(is_of_name) {
        rest = &rest[start..];
        let (name, after) =
            rest.split_at(rest.find(|next| !is_of_name(next)).unwrap_or(rest.len()));
        rest = after;
        let is_metric = ["edge_", "process_", "pg_stream_"]
            .iter()
            .any(|prefix| name.starts_with(prefix));
        if !is_metric {
            continue;
        }
        let chosen = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        let labels = chosen
            .map(|(labels, _)| labels.split(','))
            .into_iter()
            .flatten();
        let labels = labels.map(|label| label.trim_end_matches(['"', '=', '~', '!']).trim());
        used.push(Used {
            name,
            labels: labels.filter(|label| !label.is_empty()).collect(),
        });
    }
    used
}

/// The metric of a series' name.
fn declared(series: &str) -> Option<&'static Metric> {
    let of_name = |name: &str| METRICS.iter().find(|metric| metric.name == name);
    let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|part| {
        of_name(series.strip_suffix(part)?).filter(|metric| metric.kind == Kind::Histogram)
    });
    of_histogram.or_else(|| of_name(series).filter(|metric| metric.kind != Kind::Histogram))
}

/// What is wrong with a query.
fn faults(query: &str) -> Vec<String> {
    let query = without_texts(query);
    let mut faults = Vec::new();
    let used = metrics_of(&query);
    if used.is_empty() && !query.starts_with("up{") {
        faults.push(format!("{query} uses no metric"));
    }
    for Used { name, labels } in used {
        let Some(metric) = declared(name) else {
            faults.push(format!("{name} does not exist"));
            continue;
        };
        for label in labels {
            if !metric.labels.contains(&label) && !OF_PROMETHEUS.contains(&label) {
                faults.push(format!("{name} has no label {label}"));
            }
        }
    }
    faults
}

#[test]
fn a_query_with_a_fault_is_found() {
    let good =
        r#"rate(edge_request_duration_seconds_bucket{status="5xx",le="1"}[5m]) > edge_connections"#;
    assert_eq!(faults(good), Vec::<String>::new());
    for (query, fault) in [
        (
            "rate(edge_nothing_total[5m])",
            "edge_nothing_total does not exist",
        ),
        (
            "edge_request_duration_seconds",
            "edge_request_duration_seconds does not exist",
        ),
        (
            "edge_connections_sum",
            "edge_connections_sum does not exist",
        ),
        (
            r#"edge_connections{code="x"}"#,
            "edge_connections has no label code",
        ),
        (
            r#"vector("edge_connections")"#,
            r#"vector("") uses no metric"#,
        ),
    ] {
        assert_eq!(faults(query), [fault]);
    }
}

#[test]
fn the_dashboard_shows_what_exists() {
    let dashboard: Value =
        serde_json::from_str(&read("observability/edge-dashboard.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let mut ids = BTreeSet::new();
    let mut queries = 0;
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().expect("an id")), "{panel}");
        assert!(
            !panel["title"].as_str().expect("a title").is_empty(),
            "{panel}"
        );
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = target["expr"].as_str().expect("a query");
            assert_eq!(faults(query), Vec::<String>::new(), "{}", panel["title"]);
            assert!(query.contains(r#"instance=~"$instance""#), "{query}");
            queries += 1;
        }
    }
    assert!(queries > 20, "{queries}");
}

#[test]
fn the_dashboard_shows_every_metric() {
    let dashboard = read("observability/edge-dashboard.json");
    let used = metrics_of(&dashboard);
    let shown = used.iter().filter_map(|used| declared(used.name));
    let shown: BTreeSet<_> = shown.map(|metric| metric.name).collect();
    let hidden = METRICS
        .iter()
        .map(|metric| metric.name)
        .filter(|name| !shown.contains(name));
    assert_eq!(hidden.collect::<Vec<_>>(), Vec::<&str>::new());
}

/// One rule of the file: every rule has these lines, in this order.
#[derive(Debug)]
struct Rule<'a> {
    name: &'a str,
    query: &'a str,
    severity: &'a str,
    summary: &'a str,
    description: &'a str,
}

/// Reads the rules line by line, and refuses any line that has another form.
fn rules(text: &str) -> Vec<Rule<'_>> {
    let mut lines = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .peekable();
    for head in ["groups:", "  - name: edge_api", "    rules:"] {
        assert_eq!(lines.next(), Some(head));
    }
    let mut rules = Vec::new();
    while let Some(line) = lines.next() {
        let name = line.strip_prefix("      - alert: ").expect("a rule");
        let query = value(lines.next(), "        expr: ");
        // Either would end or cut the value in YAML.
        assert!(!query.contains(": ") && !query.contains(" #"), "{query}");
        if let Some(pause) = lines.next_if(|line| line.starts_with("        for: ")) {
            let minutes = value(Some(pause), "        for: ").strip_suffix('m');
            assert!(
                minutes.is_some_and(|minutes| minutes.parse::<u8>().is_ok()),
                "{name}"
            );
        }
        assert_eq!(lines.next(), Some("        labels:"));
        let severity = value(lines.next(), "          severity: ");
        assert_eq!(lines.next(), Some("        annotations:"));
        let summary = quoted(value(lines.next(), "          summary: "));
        let description = quoted(value(lines.next(), "          description: "));
        rules.push(Rule {
            name,
            query,
            severity,
            summary,
            description,
        });
    }
    rules
}

fn value<'a>(line: Option<&'a str>, key: &str) -> &'a str {
    let line = line.unwrap_or_default();
    line.strip_prefix(key)
        .unwrap_or_else(|| panic!("no {key} in {line}"))
}

fn quoted(text: &str) -> &str {
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    let inner = inner.filter(|inner| !inner.contains(['"', '\\']));
    inner.unwrap_or_else(|| panic!("{text} is not in quotation marks"))
}

#[test]
fn every_alert_asks_for_what_exists_and_tells_the_operator_what_to_do() {
    let text = read("observability/edge-alerts.yaml");
    let rules = rules(&text);
    let names: BTreeSet<_> = rules.iter().map(|rule| rule.name).collect();
    assert_eq!(names.len(), rules.len(), "a name is there twice");
    for rule in &rules {
        assert_eq!(faults(rule.query), Vec::<String>::new(), "{}", rule.name);
        assert!(["critical", "warning"].contains(&rule.severity), "{rule:?}");
        assert!(
            rule.summary.contains("{{ $labels."),
            "{rule:?} names nobody"
        );
        assert!(rule.description.len() > 60, "{rule:?} says too little");
    }
    assert!(rules.len() > 10, "{names:?}");
}

/// A rule without one may never fire. promtool runs them (`cargo x ci`).
#[test]
fn every_alert_has_a_test_of_its_own() {
    let alerts = read("observability/edge-alerts.yaml");
    let names: Vec<_> = rules(&alerts).iter().map(|rule| rule.name).collect();
    let tests = read("observability/edge-alerts-test.yaml");
    let lines = tests.lines();
    let tested: Vec<_> = lines
        .filter_map(|line| line.strip_prefix("  - name: "))
        .collect();
    assert_eq!(tested, names);
}

#[test]
fn the_page_lists_every_metric() {
    let text = read("observability.md");
    let (before, rest) = text.split_once(BEGIN).expect("the table begins");
    let (_, after) = rest.split_once(END).expect("the table ends");
    let mut table = "| metric | kind | labels | what |\n|---|---|---|---|\n".to_owned();
    for metric in METRICS {
        let kind = format!("{:?}", metric.kind).to_lowercase();
        let labels = metric.labels.join(", ");
        let (name, help) = (metric.name, metric.help.trim());
        writeln!(table, "| `{name}` | {kind} | {labels} | {help} |").expect("a text");
    }
    let expected = format!("{before}{BEGIN}\n{table}\n{END}{after}");
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(docs("observability.md"), &expected).expect("a file");
    }
    assert!(
        read("observability.md") == expected,
        "docs/observability.md is out of date: \
         run UPDATE_DOCS=1 cargo test -p edge_api --test http observability"
    );
}
