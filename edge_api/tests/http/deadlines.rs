//! The deadline of a request: as its caller asks, within bounds, and handed down to the database.

use std::time::Duration;

use axum::http::HeaderValue;
use tokio::time::Instant;

use crate::database::RecordingDatabase;
use crate::requests::{Answer, SESSION, request, send, service};

async fn ask(database: &RecordingDatabase, timeouts: &[&'static str]) -> Answer {
    let mut request = request("GET", &format!("/v1/streams/{SESSION}/state"), None);
    for timeout in timeouts {
        let value = HeaderValue::from_static(timeout);
        request.headers_mut().append("x-request-timeout-ms", value);
    }
    send(service(database), request).await
}

#[tokio::test(start_paused = true)]
async fn the_deadline_that_a_caller_asks_for_reaches_the_database() {
    for (timeouts, expected_ms) in [
        (&[][..], 8000),
        (&["100"], 100),
        (&["2500"], 2500),
        (&["8000"], 8000),
    ] {
        let database = RecordingDatabase::answering("null");
        let due = Instant::now() + Duration::from_millis(expected_ms);
        assert_eq!(ask(&database, timeouts).await.status, 200);
        assert_eq!(database.only_call().1.deadline, due);
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_out_of_range_is_refused() {
    for timeouts in [
        &["99"][..],
        &["8001"],
        &["0"],
        &["-100"],
        &["+500"],
        &["500.0"],
        &["1e3"],
        &["500 "],
        &["soon"],
        &[""],
        &["99999999999999999999999"],
        &["500", "500"],
    ] {
        let database = RecordingDatabase::answering("null");
        let answer = ask(&database, timeouts).await;
        let expected = (400, "invalid_argument".to_owned());
        assert_eq!(answer.refusal(), expected, "{timeouts:?}");
        assert_eq!(answer.json()["field"], "x-request-timeout-ms");
        assert!(database.asked().is_empty());
    }
}

/// A second after its deadline: until then the database's own refusal may come, which names the reason.
#[tokio::test(start_paused = true)]
async fn a_request_whose_answer_does_not_come_is_cut_off() {
    for (timeouts, expected_ms) in [(&[][..], 9000), (&["100"], 1100)] {
        let begun_at = Instant::now();
        let answer = ask(&RecordingDatabase::hanging(), timeouts).await;
        assert_eq!(answer.refusal(), (504, "statement_timeout".to_owned()));
        let expected = Duration::from_millis(expected_ms);
        assert_eq!(begun_at.elapsed(), expected);
    }
}
