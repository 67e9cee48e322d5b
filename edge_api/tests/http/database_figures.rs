//! Figures of the database on GET /metrics: read once for all, and never waited for long.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use edge_api::metrics::{Exposition, recorder};
use edge_api::routes;
use edge_api::upstream::{Stack, UpstreamError};
use tokio::time::advance;

use crate::database::RecordingDatabase;
use crate::requests::send;

const FIGURES: &str = r#"[{"name": "pg_stream_viewers", "labels": {}, "value": 12}]"#;

/// The socket of the metrics over a database, with every rule in front of it.
fn metrics_of(database: &RecordingDatabase) -> Router {
    let stack = Stack::around("database", Arc::new(database.clone()), 10);
    let recorded = recorder().expect("buckets").handle();
    routes::metrics::router(Exposition::of(recorded).with_database(stack.upstream))
}

async fn read(service: &Router) -> String {
    let request = Request::get("/metrics").body(Body::empty());
    let answer = send(service.clone(), request.expect("a request")).await;
    assert_eq!(answer.status, 200);
    answer.body
}

#[tokio::test(start_paused = true)]
async fn whoever_reads_at_the_same_time_makes_one_reading_and_so_do_those_soon_after() {
    let database = RecordingDatabase::answering(FIGURES);
    let service = metrics_of(&database);
    let readers = (0..20).map(|_| {
        let service = service.clone();
        tokio::spawn(async move { read(&service).await })
    });
    for reader in readers.collect::<Vec<_>>() {
        let text = reader.await.expect("no panic");
        assert!(text.contains("\npg_stream_viewers 12\n"), "{text}");
        assert!(text.contains("\nedge_database_figures_up 1\n"), "{text}");
    }
    assert_eq!(database.readings(), 1);
    read(&service).await;
    assert_eq!(database.readings(), 1);
    advance(Duration::from_secs(10)).await;
    read(&service).await;
    assert_eq!(database.readings(), 2);
}

/// Both are answered: time goes on by itself while everybody waits.
#[tokio::test(start_paused = true)]
async fn a_database_that_is_away_or_hangs_leaves_the_rest() {
    let away = UpstreamError::Unavailable {
        reason: "it is away".to_owned(),
    };
    for database in [
        RecordingDatabase::failing(away),
        RecordingDatabase::hanging(),
    ] {
        let text = read(&metrics_of(&database)).await;
        assert!(text.contains("\nedge_database_figures_up 0\n"), "{text}");
        assert!(!text.contains("\npg_stream_"), "{text}");
        assert!(text.contains("\nprocess_open_fds "), "{text}");
        assert_eq!(database.readings(), 1);
    }
}
