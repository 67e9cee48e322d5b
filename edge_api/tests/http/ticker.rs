//! The ticker calls at its interval, never twice at once, and as long as the service runs.

use std::sync::Arc;
use std::time::Duration;

use edge_api::caller::Role;
use edge_api::ticker::{RETRY_AFTER, TICK_CUT_OFF, TICK_DEADLINE, Ticker};
use edge_api::upstream::UpstreamError;
use edge_api::upstream::breaker::ANSWER_GRACE;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::database::RecordingDatabase;

const INTERVAL: Duration = Duration::from_millis(50);

fn start(database: &RecordingDatabase) -> Ticker {
    Ticker::start(Arc::new(database.clone()), INTERVAL)
}

fn outage() -> UpstreamError {
    UpstreamError::Unavailable {
        reason: "connection refused".to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn ticks_come_at_the_interval_and_from_the_service() {
    let database = RecordingDatabase::answering(r#""""#);
    let started_at = Instant::now();
    let ticker = start(&database);
    database.is_asked(1).await;
    assert_eq!(started_at.elapsed(), Duration::ZERO);
    database.is_asked(21).await;
    assert_eq!(started_at.elapsed(), 20 * INTERVAL);
    ticker.stop().await;

    let asked = database.asked();
    assert_eq!(asked.len(), 21);
    for (caller, call) in asked {
        assert_eq!(call.operation.name, "tick");
        assert_eq!(caller.role, Role::ServiceRole);
        let claims: Value = serde_json::from_str(caller.claims.as_json()).expect("JSON");
        assert_eq!(claims, json!({"role": "service_role"}));
    }
}

#[tokio::test(start_paused = true)]
async fn no_tick_begins_while_one_is_under_way_and_a_lost_one_is_given_up() {
    let database = RecordingDatabase::hanging();
    let started_at = Instant::now();
    let ticker = start(&database);
    database.is_asked(2).await;
    assert_eq!(started_at.elapsed(), TICK_CUT_OFF + RETRY_AFTER);
    assert!(
        TICK_CUT_OFF > TICK_DEADLINE + ANSWER_GRACE,
        "the breaker learns first"
    );
    drop(ticker);
}

#[tokio::test(start_paused = true)]
async fn a_database_that_is_away_is_asked_once_a_second_until_it_is_back() {
    let database = RecordingDatabase::failing(outage());
    let started_at = Instant::now();
    let ticker = start(&database);
    database.is_asked(3).await;
    assert_eq!(started_at.elapsed(), 2 * RETRY_AFTER);
    database.recover(r#""""#);
    database.is_asked(4).await;
    assert_eq!(started_at.elapsed(), 3 * RETRY_AFTER);
    database.is_asked(5).await;
    assert_eq!(started_at.elapsed(), 3 * RETRY_AFTER + INTERVAL);
    ticker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn stopping_lets_the_tick_under_way_end_and_begins_no_other() {
    let go_on = Arc::new(Notify::new());
    let database = RecordingDatabase::answering_after(go_on.clone());
    let started_at = Instant::now();
    let ticker = start(&database);
    database.is_asked(1).await;

    let stopping = tokio::spawn(ticker.stop());
    tokio::task::yield_now().await;
    assert!(!stopping.is_finished(), "a tick is under way");
    go_on.notify_one();
    stopping.await.expect("no panic");
    assert_eq!(database.asked().len(), 1);
    assert_eq!(started_at.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn stopping_between_two_ticks_waits_for_none() {
    let database = RecordingDatabase::answering(r#""""#);
    let started_at = Instant::now();
    let ticker = Ticker::start(Arc::new(database.clone()), Duration::from_secs(60));
    database.is_asked(1).await;
    ticker.stop().await;
    assert_eq!(started_at.elapsed(), Duration::ZERO);
    assert_eq!(database.asked().len(), 1);
}

#[tokio::test]
async fn a_ticker_that_died_is_stopped_all_the_same() {
    let database = RecordingDatabase::panicking();
    let ticker = start(&database);
    database.is_asked(1).await;
    ticker.stop().await;
}
