//! Admission: which calls may be under way at the same time, and what becomes of those whose client has gone.

mod outcomes;
mod queue;

use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use edge_api::caller::Caller;
use edge_api::contract::{Argument, Contract};
use edge_api::upstream::breaker::ANSWER_GRACE;
use edge_api::upstream::{Call, Pending, Stack, Subject, UpstreamError};
use serde_json::value::RawValue;
use stream_core::error::ErrorCode;
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

use crate::database::RecordingDatabase;

const LONG: Duration = Duration::from_secs(8);

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// A call of a user about a session.
fn call(operation: &str, user: Uuid, session: Uuid) -> Arc<Call> {
    let operation = Contract::get().operation(operation).expect("an operation");
    let arguments = operation.parameters.iter();
    let arguments = arguments.map(|parameter| match parameter.name {
        "session_id" | "auction_id" => Argument::Uuid(session),
        "channel_id" => Argument::Text(session.to_string()),
        _ => Argument::Null,
    });
    let arguments: Vec<_> = arguments.collect();
    Arc::new(Call {
        operation,
        subject: Subject::of(operation, &arguments),
        arguments,
        caller: Caller {
            user_id: Some(user),
            ..Caller::service()
        },
        deadline: Instant::now() + LONG,
    })
}

struct Calls {
    database: RecordingDatabase,
    stack: Stack,
}

impl Calls {
    fn new(database: RecordingDatabase, connections: usize) -> Self {
        let stack = Stack::around("database", Arc::new(database.clone()), connections);
        Self { database, stack }
    }

    fn hanging(connections: usize) -> Self {
        Self::new(RecordingDatabase::hanging(), connections)
    }

    /// A call that has been polled once: it is under way when there was room for it.
    async fn begin(&self, operation: &str, user: Uuid, session: Uuid) -> Pending<Box<RawValue>> {
        let mut pending = self.stack.upstream.call(call(operation, user, session));
        assert!(is_pending(pending.as_mut()).await);
        pending
    }

    /// The refusal of a call for which there is no room.
    async fn refusal(&self, operation: &str, user: Uuid, session: Uuid) -> UpstreamError {
        let refused = self.stack.upstream.call(call(operation, user, session));
        refused.await.expect_err("no room")
    }
}

async fn is_pending<T>(mut future: Pin<&mut (impl Future<Output = T> + ?Sized)>) -> bool {
    std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await
}

fn overloaded() -> UpstreamError {
    UpstreamError::Refused {
        code: ErrorCode::Overloaded,
        retry_after_ms: Some(1000),
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_begun_is_finished_when_its_client_has_gone() {
    let go_on = Arc::new(Notify::new());
    let database = RecordingDatabase::answering_after(go_on.clone());
    let calls = Calls::new(database.clone(), 10);
    drop(calls.begin("send_message", id(1), id(9)).await);
    assert_eq!(database.under_way(), 1);
    let mut finished = Box::pin(calls.stack.finish());
    assert!(is_pending(finished.as_mut()).await);
    let begun = Instant::now();
    go_on.notify_one();
    finished.await;
    assert_eq!(database.under_way(), 0);
    assert_eq!(begun.elapsed(), Duration::ZERO, "it was not cut off");
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_call_ends_soon_after_its_deadline() {
    let calls = Calls::hanging(10);
    let begun = Instant::now();
    drop(calls.begin("send_message", id(1), id(9)).await);
    calls.stack.finish().await;
    assert_eq!(calls.database.under_way(), 0);
    assert_eq!(begun.elapsed(), LONG + ANSWER_GRACE);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_leaves_the_queue_with_its_client() {
    let go_on = Arc::new(Notify::new());
    let calls = Calls::new(RecordingDatabase::answering_after(go_on.clone()), 1);
    let first = calls.begin("sync", id(1), id(8)).await;
    drop(calls.begin("sync", id(2), id(9)).await);
    let third = calls.begin("sync", id(3), id(9)).await;
    go_on.notify_one();
    first.await.expect("an answer");
    go_on.notify_one();
    third.await.expect("an answer");
    let callers: Vec<_> = calls.database.asked().into_iter().collect();
    let users: Vec<_> = callers.iter().map(|(caller, _)| caller.user_id).collect();
    assert_eq!(users, [Some(id(1)), Some(id(3))]);
}

#[tokio::test(start_paused = true)]
async fn a_session_holds_a_quarter_of_the_connections() {
    let calls = Calls::hanging(12);
    let mut stuck = Vec::new();
    // A token's channel is the session's.
    for operation in ["send_message", "sync", "generate_buyer_token"] {
        stuck.push(calls.begin(operation, id(1), id(9)).await);
    }
    assert_eq!(calls.database.under_way(), 3);
    let begun = Instant::now();
    let refused = calls.refusal("send_message", id(2), id(9)).await;
    assert_eq!(refused, overloaded());
    assert_eq!(begun.elapsed().as_millis(), 200);
    stuck.push(calls.begin("send_message", id(2), id(8)).await);
    assert_eq!(calls.database.under_way(), 4);
}

/// Looking for a stream waits for the locks of one as any call does.
#[tokio::test(start_paused = true)]
async fn an_auction_holds_a_quarter_of_the_connections() {
    let calls = Calls::hanging(8);
    let mut stuck = Vec::new();
    for operation in ["start_stream", "get_live_stream"] {
        stuck.push(calls.begin(operation, id(1), id(9)).await);
    }
    let refused = calls.refusal("get_live_stream", id(2), id(9)).await;
    assert_eq!(refused, overloaded());
    stuck.push(calls.begin("get_live_stream", id(2), id(8)).await);
    assert_eq!(calls.database.under_way(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_user_holds_a_quarter_of_the_connections_over_all_sessions() {
    let calls = Calls::hanging(8);
    let mut stuck = Vec::new();
    for session in 100..102 {
        stuck.push(calls.begin("sync", id(1), id(session)).await);
    }
    let begun = Instant::now();
    let refused = calls.refusal("sync", id(1), id(102)).await;
    assert_eq!(refused, overloaded());
    assert_eq!(begun.elapsed().as_millis(), 200);
    // One of the two that are kept for heartbeats.
    for session in 102..104 {
        stuck.push(calls.begin("heartbeat", id(1), id(session)).await);
    }
    assert_eq!(calls.database.under_way(), 3);
    stuck.push(calls.begin("sync", id(2), id(102)).await);
    assert_eq!(calls.database.under_way(), 4);
}

#[tokio::test(start_paused = true)]
async fn calls_of_the_service_have_no_share_of_a_user() {
    let calls = Calls::hanging(8);
    let mut stuck = Vec::new();
    for session in 100..106 {
        let mut call = Call::clone(&call("sync", id(1), id(session)));
        call.caller.user_id = None;
        let mut pending = calls.stack.upstream.call(Arc::new(call));
        assert!(is_pending(pending.as_mut()).await);
        stuck.push(pending);
    }
    assert_eq!(calls.database.under_way(), 6);
}

#[tokio::test(start_paused = true)]
async fn two_connections_serve_heartbeats_alone() {
    let calls = Calls::hanging(8);
    let mut stuck = Vec::new();
    for number in 0..8 {
        stuck.push(calls.begin("sync", id(number), id(100 + number)).await);
    }
    assert_eq!(calls.database.under_way(), 6);
    for number in 0..2 {
        stuck.push(calls.begin("heartbeat", id(number), id(100 + number)).await);
    }
    assert_eq!(calls.database.under_way(), 8);
    stuck.push(calls.begin("heartbeat", id(3), id(103)).await);
    assert_eq!(calls.database.under_way(), 8);
}

#[tokio::test(start_paused = true)]
async fn one_stuck_stream_leaves_heartbeats_of_the_others_alone() {
    let calls = Calls::hanging(8);
    let mut stuck = Vec::new();
    for number in 0..20 {
        stuck.push(calls.begin("heartbeat", id(number), id(9)).await);
    }
    // Its share, and one of those that are kept for heartbeats.
    assert_eq!(calls.database.under_way(), 3);
    stuck.push(calls.begin("heartbeat", id(1), id(8)).await);
    assert_eq!(calls.database.under_way(), 4);
}

#[tokio::test(start_paused = true)]
async fn abandoned_calls_of_one_user_hold_two_connections() {
    let calls = Calls::hanging(20);
    let mut begun = Vec::new();
    for session in 100..105 {
        begun.push(calls.begin("sync", id(1), id(session)).await);
    }
    assert_eq!(calls.database.under_way(), 5);
    drop(begun);
    tokio::time::sleep(Duration::from_millis(101)).await;
    assert_eq!(calls.database.under_way(), 2);

    let refused = calls.refusal("sync", id(1), id(200)).await;
    assert_eq!(refused, overloaded());
    let other = calls.begin("sync", id(2), id(200)).await;
    assert_eq!(calls.database.under_way(), 3);
    drop(other);
    calls.stack.finish().await;
    let _again = calls.begin("sync", id(1), id(200)).await;
    assert_eq!(
        calls.database.under_way(),
        1,
        "nobody is held to it for ever"
    );
}

#[tokio::test(start_paused = true)]
async fn who_hangs_up_again_and_again_begins_no_more_than_two_calls() {
    let calls = Calls::hanging(20);
    for session in 100..200 {
        drop(calls.begin("sync", id(1), id(session)).await);
    }
    assert_eq!(calls.database.asked().len(), 2);
    assert_eq!(calls.database.under_way(), 2);
}

#[tokio::test(start_paused = true)]
async fn readiness_is_asked_once_a_second_however_many_ask_and_hang_up() {
    let go_on = Arc::new(Notify::new());
    let calls = Calls::new(RecordingDatabase::answering_after(go_on.clone()), 10);
    for _ in 0..1000 {
        assert!(is_pending(calls.stack.upstream.ping().as_mut()).await);
    }
    let (first, second) = (calls.stack.upstream.ping(), calls.stack.upstream.ping());
    let asked = tokio::spawn(async move { (first.await, second.await) });
    go_on.notify_one();
    let (first, second) = asked.await.expect("no panic");
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(calls.database.pings(), 1);

    calls.stack.upstream.ping().await.expect("known");
    assert_eq!(calls.database.pings(), 1);
    tokio::time::sleep(Duration::from_millis(1001)).await;
    go_on.notify_one();
    calls.stack.upstream.ping().await.expect("an answer");
    assert_eq!(calls.database.pings(), 2);
}

#[tokio::test(start_paused = true)]
async fn readiness_is_a_failure_when_the_database_does_not_answer() {
    let calls = Calls::hanging(10);
    let refused = calls.stack.upstream.ping().await;
    assert!(matches!(refused, Err(UpstreamError::Unavailable { .. })));
}
