//! What the router records, and who may read it.

mod calls;
mod every;
mod process;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use edge_api::metrics::{Kind, METRICS, recorder};
use edge_api::routes;
use edge_api::ticker::Ticker;
use edge_api::upstream::UpstreamError;
use tokio::sync::Notify;

use crate::database::RecordingDatabase;
use crate::observed::Observed;
use crate::requests::{SESSION, request, request_with, send, service_token};

fn messages() -> String {
    format!("/v1/streams/{SESSION}/messages")
}

#[tokio::test]
pub async fn requests_are_timed_by_route_method_and_class_of_status() {
    let recorder = recorder().expect("buckets");
    let observed = Observed::new(&recorder);
    let service = observed.service(&RecordingDatabase::answering("[]"));
    for path in [
        messages(),
        messages(),
        "/v1/streams/not-a-uuid/messages".to_owned(),
    ] {
        send(service.clone(), request("GET", &path, None)).await;
    }
    send(service.clone(), request("BREW", "/v1/coffee", None)).await;

    let count =
        |labels: &str| observed.value(&format!("edge_request_duration_seconds_count{{{labels}}}"));
    let route = r#"route="/v1/streams/{session_id}/messages""#;
    assert_eq!(
        count(&format!(r#"{route},method="GET",status="2xx""#)),
        Some(2.0)
    );
    assert_eq!(
        count(&format!(r#"{route},method="GET",status="4xx""#)),
        Some(1.0)
    );
    assert_eq!(
        count(r#"route="none",method="other",status="4xx""#),
        Some(1.0)
    );
    let refused = |code: &str| observed.value(&format!(r#"edge_refusals_total{{code="{code}"}}"#));
    assert_eq!(refused("invalid_argument"), Some(1.0));
    assert_eq!(refused("route_not_found"), Some(1.0));
    assert_eq!(observed.value("edge_requests_in_flight"), Some(0.0));
    let text = observed.metrics.text();
    assert!(
        !text.contains(SESSION) && !text.contains("coffee"),
        "{text}"
    );
}

#[tokio::test]
pub async fn a_client_that_goes_before_its_answer_is_counted_as_gone() {
    let recorder = recorder().expect("buckets");
    let observed = Observed::new(&recorder);
    let database = RecordingDatabase::answering_after(Arc::new(Notify::new()));
    let service = observed.service(&database);
    let answer = tokio::spawn(send(service, request("GET", &messages(), None)));
    database.is_asked(1).await;
    assert_eq!(observed.value("edge_requests_in_flight"), Some(1.0));
    answer.abort();
    assert!(answer.await.is_err(), "it was answered");
    let gone = r#"edge_request_duration_seconds_count{route="/v1/streams/{session_id}/messages",method="GET",status="gone"}"#;
    assert_eq!(observed.value(gone), Some(1.0));
    assert_eq!(observed.value("edge_requests_in_flight"), Some(0.0));
}

#[tokio::test]
pub async fn calls_of_the_database_are_timed_by_operation_and_outcome() {
    let recorder = recorder().expect("buckets");
    let observed = Observed::new(&recorder);
    let unexpected = UpstreamError::Unexpected {
        reason: "SQLSTATE XX000".to_owned(),
    };
    for database in [
        RecordingDatabase::answering("[]"),
        RecordingDatabase::failing(unexpected),
    ] {
        let service = observed.service(&database);
        send(service, request("GET", &messages(), None)).await;
    }
    for outcome in ["ok", "unexpected"] {
        let series = format!(
            r#"edge_upstream_duration_seconds_count{{operation="get_message_history",outcome="{outcome}"}}"#
        );
        assert_eq!(observed.value(&series), Some(1.0), "{outcome}");
    }
}

#[tokio::test(start_paused = true)]
pub async fn the_ticker_counts_its_calls_and_tells_its_last_success() {
    let recorder = recorder().expect("buckets");
    let observed = Observed::new(&recorder);
    let failure = UpstreamError::Unavailable {
        reason: "connection refused".to_owned(),
    };
    let database = RecordingDatabase::failing(failure);
    let ticker = Ticker::start(Arc::new(database.clone()), Duration::from_millis(50));
    database.is_asked(2).await;
    let failures = observed.value("edge_tick_failures_total");
    assert_eq!(failures, observed.value("edge_ticks_total"));
    assert_eq!(
        observed.value("edge_tick_last_success_timestamp_seconds"),
        Some(0.0)
    );
    database.recover(r#""""#);
    database.is_asked(4).await;
    ticker.stop().await;
    assert_eq!(observed.value("edge_ticks_total"), Some(4.0));
    assert_eq!(observed.value("edge_tick_failures_total"), Some(2.0));
    let last = observed.value("edge_tick_last_success_timestamp_seconds");
    assert!(last >= observed.value("process_start_time_seconds"));
}

#[tokio::test]
async fn the_service_role_alone_reads_metrics_where_clients_call() {
    let recorder = recorder().expect("buckets");
    let observed = Observed::new(&recorder);
    let service = observed.service(&RecordingDatabase::answering("[]"));
    let of_user = send(service.clone(), request("GET", "/metrics", None)).await;
    assert_eq!(of_user.refusal(), (403, "permission_denied".to_owned()));
    let mut anonymous = request("GET", "/metrics", None);
    anonymous.headers_mut().clear();
    let anonymous = send(service.clone(), anonymous).await;
    assert_eq!(anonymous.refusal(), (401, "unauthenticated".to_owned()));

    let of_service = request_with(&service_token(), "GET", "/metrics", None);
    let answer = send(service, of_service).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    assert!(
        answer.body.contains("\nedge_build_info{version="),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn a_socket_of_its_own_answers_metrics_and_nothing_else() {
    let recorder = recorder().expect("buckets");
    let observed = Observed::new(&recorder);
    let service = routes::metrics::router(observed.metrics.clone());
    let mut anonymous = request("GET", "/metrics", None);
    anonymous.headers_mut().clear();
    assert_eq!(send(service.clone(), anonymous).await.status, 200);
    assert_eq!(
        send(service, request("GET", "/v1/errors", None))
            .await
            .status,
        404
    );
}

/// Whatever is exposed is declared, with its kind and its labels: dashboards and alerts trust the list.
#[tokio::test]
async fn everything_exposed_is_declared() {
    let recorder = recorder().expect("buckets");
    let observed = Observed::new(&recorder);
    let service = observed.service(&RecordingDatabase::answering("[]"));
    send(service.clone(), request("GET", &messages(), None)).await;
    send(service, request("GET", "/nowhere", None)).await;

    let text = observed.metrics.text();
    let mut seen = BTreeSet::new();
    for line in text.lines() {
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("a kind");
            let metric = METRICS.iter().find(|metric| metric.name == name);
            let metric = metric.unwrap_or_else(|| panic!("{name} is not declared"));
            let declared = match metric.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
            };
            assert_eq!(kind, declared, "{name}");
            assert!(
                text.contains(&format!("# HELP {name} {}", metric.help.trim())),
                "{name}"
            );
            seen.insert(metric.name);
        }
    }
    for metric in METRICS.iter().filter(|metric| seen.contains(metric.name)) {
        let names = text.lines().filter_map(|line| {
            let series = line.strip_prefix(metric.name)?;
            let series = series.strip_prefix("_count").unwrap_or(series);
            let (labels, _value) = series.strip_prefix('{')?.rsplit_once('}')?;
            let names = labels
                .split("\",")
                .filter_map(|label| label.split_once('='));
            Some(names.map(|(name, _)| name).collect::<Vec<_>>())
        });
        for names in names {
            assert_eq!(names, metric.labels, "{}", metric.name);
        }
    }
    assert!(seen.len() > 8, "{seen:?}");
}
