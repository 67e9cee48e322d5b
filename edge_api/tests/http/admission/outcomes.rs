//! What the breaker learns of calls for whose answer nobody waits any more.

use std::sync::Arc;
use std::time::Duration;

use edge_api::upstream::breaker::{ANSWER_GRACE, State};
use edge_api::upstream::{Call, UpstreamError};
use stream_core::error::ErrorCode;
use tokio::time::Instant;

use super::{Calls, LONG, call, id};
use crate::database::RecordingDatabase;

#[tokio::test(start_paused = true)]
async fn the_breaker_learns_of_calls_whose_callers_have_left() {
    let calls = Calls::hanging(20);
    for number in 0..5 {
        drop(calls.begin("sync", id(number), id(100 + number)).await);
    }
    let breaker = calls.stack.breakers[0].clone();
    assert_eq!(breaker.snapshot().state, State::Closed);
    calls.stack.finish().await;
    assert_eq!(breaker.snapshot().state, State::Open);
    let begun = Instant::now();
    calls.refusal("sync", id(9), id(109)).await;
    assert_eq!(begun.elapsed(), Duration::ZERO, "nobody waits for a place");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_cancelled_keeps_its_place_until_the_longest_deadline() {
    let database = RecordingDatabase::hanging().without_cancelling();
    let calls = Calls::new(database, 20);
    let begun = Instant::now();
    let mut short = Vec::new();
    for number in 0..5 {
        let mut call = Call::clone(&call("sync", id(1), id(100 + number)));
        call.deadline = begun + Duration::from_millis(100);
        short.push(tokio::spawn(calls.stack.upstream.call(Arc::new(call))));
    }
    for answer in short {
        let answer = answer.await.expect("no panic").expect_err("no answer");
        let too_slow = UpstreamError::Refused {
            code: ErrorCode::StatementTimeout,
            retry_after_ms: None,
        };
        assert_eq!(answer, too_slow);
    }
    assert_eq!(begun.elapsed().as_millis(), 600);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(calls.database.under_way(), 5);
    let breaker = calls.stack.breakers[0].clone();
    assert_eq!(breaker.snapshot().failure_count, 0, "not missed yet");
    calls.stack.finish().await;
    assert_eq!(begun.elapsed(), LONG + ANSWER_GRACE);
    assert_eq!(breaker.snapshot().state, State::Open);
}
