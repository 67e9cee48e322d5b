//! A breaker around calls: what counts, what it answers while it is open, and the one probe.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::advance;
use uuid::Uuid;

use super::*;

fn stream(number: u128) -> Option<Subject> {
    Some(Subject::Session(Uuid::from_u128(number)))
}

fn auction(number: u128) -> Option<Subject> {
    Some(Subject::Auction(Uuid::from_u128(number)))
}

fn refused(code: ErrorCode) -> UpstreamError {
    UpstreamError::Refused {
        code,
        retry_after_ms: None,
    }
}

fn lost() -> UpstreamError {
    UpstreamError::Unavailable {
        reason: "connection refused".to_owned(),
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(8)
}

async fn fail(breaker: &Arc<Breaker>, error: UpstreamError) {
    let outcome: Result<(), _> = breaker
        .clone()
        .execute(soon(), stream(1), async { Err(error.clone()) })
        .await;
    assert_eq!(outcome, Err(error));
}

async fn miss(breaker: &Arc<Breaker>, subject: Option<Subject>) {
    let deadline = soon();
    let outcome: Result<(), _> = breaker.clone().execute(deadline, subject, pending()).await;
    assert_eq!(outcome, Err(refused(ErrorCode::StatementTimeout)));
    assert!(Instant::now() >= deadline + ANSWER_GRACE);
}

fn answer(breaker: &Arc<Breaker>) -> impl Future<Output = Result<(), UpstreamError>> + use<> {
    breaker.clone().execute(soon(), None, async { Ok(()) })
}

fn wait_ms(result: &Result<(), UpstreamError>) -> Option<u64> {
    match result {
        Err(UpstreamError::Refused {
            code: ErrorCode::UpstreamUnavailable,
            retry_after_ms,
        }) => *retry_after_ms,
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn five_failures_to_reach_the_dependency_open_it_and_each_kind_counts() {
    for error in [
        lost(),
        refused(ErrorCode::ServerStopping),
        refused(ErrorCode::ServerCrashed),
        refused(ErrorCode::ServerStarting),
        refused(ErrorCode::TooManyConnections),
    ] {
        let breaker = Breaker::new("database");
        for count in 1..=5 {
            assert_eq!(breaker.snapshot().state, State::Closed);
            fail(&breaker, error.clone()).await;
            assert_eq!(breaker.snapshot().failure_count, count);
        }
        assert_eq!(breaker.snapshot().state, State::Open, "{error}");
        assert!(breaker.snapshot().last_failure_time.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_stuck_streams_and_our_own_load_never_open_it() {
    let breaker = Breaker::new("database");
    for &code in ErrorCode::ALL {
        let counts = matches!(
            code,
            ErrorCode::ServerStopping
                | ErrorCode::ServerCrashed
                | ErrorCode::ServerStarting
                | ErrorCode::TooManyConnections
        );
        for _ in 0..8 {
            if !counts {
                fail(&breaker, refused(code)).await;
            }
        }
        assert_eq!(breaker.snapshot().failure_count, 0, "{code:?}");
    }
    let unexpected = UpstreamError::Unexpected {
        reason: "SQLSTATE XX000".to_owned(),
    };
    for _ in 0..8 {
        fail(&breaker, unexpected.clone()).await;
    }
    assert_eq!(breaker.snapshot().state, State::Closed);
}

#[tokio::test(start_paused = true)]
async fn an_answer_ends_the_run_of_failures_and_our_own_refusal_does_not() {
    let breaker = Breaker::new("database");
    for _ in 0..4 {
        fail(&breaker, lost()).await;
    }
    fail(&breaker, refused(ErrorCode::Overloaded)).await;
    assert_eq!(breaker.snapshot().failure_count, 4);
    fail(&breaker, refused(ErrorCode::Banned)).await;
    assert_eq!(breaker.snapshot().failure_count, 0);
}

#[tokio::test(start_paused = true)]
async fn missed_deadlines_of_one_stuck_stream_leave_it_closed_and_of_two_do_not() {
    let breaker = Breaker::new("database");
    for _ in 0..20 {
        miss(&breaker, stream(1)).await;
        miss(&breaker, None).await;
        // It may be the stream's own.
        miss(&breaker, auction(1)).await;
    }
    assert_eq!(breaker.snapshot().state, State::Closed);
    assert!(answer(&breaker).await.is_ok());
    for number in 0..5 {
        assert_eq!(breaker.snapshot().state, State::Closed);
        miss(&breaker, stream(number % 2)).await;
    }
    assert_eq!(breaker.snapshot().state, State::Open);
    breaker.reset();
    for number in 0..5 {
        assert_eq!(breaker.snapshot().state, State::Closed);
        miss(&breaker, auction(number % 2)).await;
    }
    assert_eq!(breaker.snapshot().state, State::Open);
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_asks_nobody_and_says_how_long_it_stays_so() {
    let breaker = Breaker::new("database");
    breaker.trip();
    advance(Duration::from_millis(29_001)).await;
    let asked = AtomicUsize::new(0);
    let ask = async {
        asked.fetch_add(1, Ordering::Relaxed);
        Ok(())
    };
    let outcome = breaker.clone().execute(soon(), None, ask).await;
    assert_eq!(wait_ms(&outcome), Some(999));
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn one_probe_passes_after_thirty_seconds_and_decides() {
    for probe_succeeds in [true, false] {
        let breaker = Breaker::new("database");
        breaker.trip();
        advance(OPEN_TIMEOUT).await;
        assert_eq!(breaker.snapshot().state, State::HalfOpen);
        let (end_probe, probe_ends) = tokio::sync::oneshot::channel();
        let probe = tokio::spawn(breaker.clone().execute(soon(), None, async {
            probe_ends.await.expect("the test ends it")
        }));
        tokio::task::yield_now().await;
        for _ in 0..3 {
            assert_eq!(wait_ms(&answer(&breaker).await), Some(1000));
        }
        let outcome = if probe_succeeds { Ok(()) } else { Err(lost()) };
        end_probe.send(outcome.clone()).expect("it waits");
        assert_eq!(probe.await.expect("no panic"), outcome);
        if probe_succeeds {
            assert_eq!(breaker.snapshot().state, State::Closed);
            assert!(answer(&breaker).await.is_ok());
        } else {
            assert_eq!(wait_ms(&answer(&breaker).await), Some(30_000));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_whose_caller_leaves_makes_room_for_the_next() {
    let breaker = Breaker::new("database");
    breaker.trip();
    advance(OPEN_TIMEOUT).await;
    let probe = breaker
        .clone()
        .execute(soon(), None, pending::<Result<(), _>>());
    assert!(
        tokio::time::timeout(Duration::from_secs(1), probe)
            .await
            .is_err()
    );
    assert!(answer(&breaker).await.is_ok());
    assert_eq!(breaker.snapshot().state, State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_call_from_before_the_outage_says_nothing_of_it() {
    let breaker = Breaker::new("database");
    let (end, ends) = tokio::sync::oneshot::channel();
    let early = tokio::spawn(breaker.clone().execute(soon(), None, async {
        ends.await.expect("the test ends it")
    }));
    tokio::task::yield_now().await;
    for _ in 0..5 {
        fail(&breaker, lost()).await;
    }
    end.send(Ok(())).expect("it waits");
    assert_eq!(early.await.expect("no panic"), Ok(()));
    assert_eq!(breaker.snapshot().state, State::Open);
}

#[tokio::test(start_paused = true)]
async fn an_operator_opens_and_closes_it() {
    let breaker = Breaker::new("database");
    breaker.trip();
    assert!(answer(&breaker).await.is_err());
    breaker.reset();
    assert!(answer(&breaker).await.is_ok());
    let snapshot = serde_json::to_value(breaker.snapshot()).expect("JSON");
    assert_eq!(
        snapshot,
        serde_json::json!({
            "breaker": "database", "state": "CLOSED", "failure_count": 0,
            "failure_threshold": 5, "timeout": 30_000, "last_failure_time": null,
        })
    );
}
