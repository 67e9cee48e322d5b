//! Polling of `sync`: the entity tag of the database's version, 304, and what others may keep.

use std::time::Duration;

use axum::http::header;
use serde_json::json;

use crate::database::RecordingDatabase;
use crate::requests::{Answer, SESSION, request, send, service, service_at_interval};

/// What the database answers at one version; the time in it moves without the version.
fn synced(version: &str, time: &str) -> String {
    json!({"head_seq": 9, "version": version, "server_time": time}).to_string()
}

async fn poll(database: &RecordingDatabase, tags: &[&str]) -> Answer {
    let path = format!("/v1/streams/{SESSION}/sync?after_seq=9&epoch=1-7a1f");
    let mut request = request("GET", &path, None);
    for tag in tags {
        let tag = tag.parse().expect("a value");
        request.headers_mut().append(header::IF_NONE_MATCH, tag);
    }
    send(service(database), request).await
}

fn assert_private(answer: &Answer) {
    assert_eq!(answer.header("cache-control"), "private, no-cache");
    assert_eq!(answer.header("vary"), "authorization");
    assert_eq!(answer.header("x-poll-interval-ms"), "5000");
}

#[tokio::test]
async fn a_reader_who_holds_the_version_gets_304_and_no_body() {
    let database = RecordingDatabase::answering(&synced("1-7a1f.9.active", "15:48"));
    let first = poll(&database, &[]).await;
    assert_eq!(first.status, 200);
    assert_eq!(first.header("etag"), "W/\"1-7a1f.9.active\"");
    assert_private(&first);

    database.recover(&synced("1-7a1f.9.active", "15:49"));
    for tags in [
        &[first.header("etag")] as &[_],
        &["\"1-7a1f.9.active\""],
        &["\"older\", W/\"1-7a1f.9.active\""],
        &["\"older\"", "W/\"1-7a1f.9.active\""],
        &["*"],
    ] {
        let again = poll(&database, tags).await;
        assert_eq!(
            (again.status.as_u16(), again.body.as_str()),
            (304, ""),
            "{tags:?}"
        );
        assert_eq!(again.header("etag"), first.header("etag"));
        assert_eq!(again.header("content-type"), "");
        assert_private(&again);
    }
}

#[tokio::test]
async fn a_reader_of_another_version_gets_the_answer() {
    let database = RecordingDatabase::answering(&synced("1-7a1f.10.active", "15:48"));
    for tags in [
        &["W/\"1-7a1f.9.active\""] as &[_],
        &["1-7a1f.10.active"],
        &["\"1-7a1f.10\""],
        &[""],
    ] {
        let answer = poll(&database, tags).await;
        assert_eq!(answer.status, 200, "{tags:?}");
        assert_eq!(answer.json()["head_seq"], 9);
        assert_private(&answer);
    }
}

/// Each reader has a version of their own, and the database is asked each time.
#[tokio::test]
async fn nothing_is_kept_by_the_service() {
    let database = RecordingDatabase::answering(&synced("a", "15:48"));
    for count in 1..=3 {
        assert_eq!(poll(&database, &["\"a\""]).await.status, 304);
        assert_eq!(database.asked().len(), count);
    }
}

#[tokio::test]
async fn an_answer_without_a_version_is_given_without_a_tag() {
    for body in [
        r#"{"head_seq":9}"#,
        "null",
        r#"{"version":null}"#,
        r#"{"version":"a b"}"#,
        "[]",
    ] {
        let database = RecordingDatabase::answering(body);
        let answer = poll(&database, &["*"]).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, body));
        assert_eq!(answer.header("etag"), "");
        assert_private(&answer);
    }
}

#[tokio::test]
async fn only_polled_routes_look_at_the_precondition() {
    let database = RecordingDatabase::answering(&synced("a", "15:48"));
    let mut request = request("GET", &format!("/v1/streams/{SESSION}"), None);
    let any = header::HeaderValue::from_static("*");
    request.headers_mut().insert(header::IF_NONE_MATCH, any);
    let answer = send(service(&database), request).await;
    assert_eq!((answer.status.as_u16(), answer.header("etag")), (200, ""));
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_refusal_of_a_polled_route_may_not_be_kept() {
    let database = RecordingDatabase::answering("null");
    let mut request = request("GET", &format!("/v1/streams/{SESSION}/sync"), None);
    request.headers_mut().remove(header::AUTHORIZATION);
    let answer = send(service(&database), request).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("cache-control")),
        (401, "no-store")
    );
}

#[tokio::test]
async fn the_interval_is_the_configured_one() {
    let database = RecordingDatabase::answering(&synced("a", "15:48"));
    let service = service_at_interval(&database, Duration::from_millis(1500));
    let path = format!("/v1/streams/{SESSION}/sync");
    let answer = send(service, request("GET", &path, None)).await;
    assert_eq!(answer.header("x-poll-interval-ms"), "1500");
}
