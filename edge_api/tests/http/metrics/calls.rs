//! What the rules in front of the database record: breaker, pool, retries, batches and abandoned calls.

use std::sync::Arc;
use std::time::Duration;

use edge_api::caller::{Caller, Role};
use edge_api::contract::{Argument, Contract};
use edge_api::metrics::recorder;
use edge_api::upstream::breaker::OPEN_TIMEOUT;
use edge_api::upstream::sql::tls::Tls;
use edge_api::upstream::sql::{Pooler, SqlSettings, SqlUpstream};
use edge_api::upstream::{Call, Stack, Subject, Upstream, UpstreamError};
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, advance};
use uuid::Uuid;

use crate::database::RecordingDatabase;
use crate::observed::Observed;

const LONG: Duration = Duration::from_secs(8);

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// A call of a signed-in user about a session.
fn call(operation: &str, user: u128, session: u128) -> Arc<Call> {
    let operation = Contract::get().operation(operation).expect("an operation");
    let arguments = operation.parameters.iter();
    let arguments: Vec<_> = arguments
        .map(|parameter| match parameter.name {
            "session_id" => Argument::Uuid(id(session)),
            "content" => Argument::Text("a text".to_owned()),
            _ => Argument::Null,
        })
        .collect();
    Arc::new(Call {
        operation,
        subject: Subject::of(operation, &arguments),
        arguments,
        caller: Caller {
            role: Role::Authenticated,
            user_id: Some(id(user)),
            ..Caller::service()
        },
        deadline: Instant::now() + LONG,
    })
}

fn stack(database: &RecordingDatabase, connections: usize) -> Stack {
    Stack::around("database", Arc::new(database.clone()), connections).batched()
}

fn away() -> RecordingDatabase {
    RecordingDatabase::failing(UpstreamError::Unavailable {
        reason: "connection refused".to_owned(),
    })
}

type Answering = JoinHandle<Result<Box<RawValue>, UpstreamError>>;

/// A call that is under way, or in a queue, when this returns.
async fn begin(stack: &Stack, call: Arc<Call>) -> Answering {
    let answering = tokio::spawn(stack.upstream.call(call));
    yield_now().await;
    answering
}

#[tokio::test(start_paused = true)]
pub async fn the_breaker_shows_its_state_and_how_often_it_opened() {
    let recorder = recorder().expect("buckets");
    let observed = Observed::new(&recorder);
    let database = away();
    let stack = stack(&database, 10);
    let shown = || {
        let of = |name: &str| observed.value(&format!(r#"{name}{{dependency="database"}}"#));
        (of("edge_breaker_state"), of("edge_breaker_opened_total"))
    };
    assert_eq!(shown(), (Some(0.0), None));
    for number in 0..5 {
        let failed = stack.upstream.call(call("sync", number, number)).await;
        failed.expect_err("the database is away");
    }
    assert_eq!(shown(), (Some(2.0), Some(1.0)));
    advance(OPEN_TIMEOUT).await;
    stack.breakers[0].check().expect("a probe may pass");
    assert_eq!(shown(), (Some(1.0), Some(1.0)));
    database.recover("{}");
    stack.upstream.call(call("sync", 1, 1)).await.expect("back");
    assert_eq!(shown(), (Some(0.0), Some(1.0)));
    stack.breakers[0].trip();
    assert_eq!(shown(), (Some(2.0), Some(2.0)));
}

#[tokio::test(start_paused = true)]
pub async fn retries_are_counted_by_operation() {
    let recorder = recorder().expect("buckets");
    let observed = Observed::new(&recorder);
    let database = away();
    let stack = stack(&database, 10);
    // The second may not be made twice.
    for operation in ["sync", "send_message"] {
        let failed = stack.upstream.call(call(operation, 1, 1)).await;
        failed.expect_err("the database is away");
    }
    let made: Vec<_> = database.asked();
    let made: Vec<_> = made.iter().map(|(_, call)| call.operation.name).collect();
    assert_eq!(made, ["sync", "sync", "send_message"]);
    let of = |operation: &str| {
        observed.value(&format!(r#"edge_retries_total{{operation="{operation}"}}"#))
    };
    assert_eq!((of("sync"), of("send_message")), (Some(1.0), None));
}

#[tokio::test(start_paused = true)]
pub async fn the_pool_shows_its_places_and_who_waits_for_one() {
    let recorder = recorder().expect("buckets");
    let observed = Observed::new(&recorder);
    let go_on = Arc::new(Notify::new());
    let stack = stack(&RecordingDatabase::answering_after(go_on.clone()), 3);
    let pool = || {
        ["size", "in_use", "waiting", "wait_seconds_count"].map(|figure| {
            observed
                .value(&format!("edge_pool_{figure}"))
                .unwrap_or(0.0)
        })
    };
    assert_eq!(pool(), [3.0, 0.0, 0.0, 0.0]);
    let mut calls = Vec::new();
    for number in 0..5 {
        calls.push(begin(&stack, call("sync", number, number)).await);
    }
    assert_eq!(pool(), [3.0, 3.0, 2.0, 3.0]);
    advance(Duration::from_secs(1)).await;
    for call in calls {
        go_on.notify_one();
        call.await.expect("no panic").expect("an answer");
    }
    assert_eq!(pool(), [3.0, 0.0, 0.0, 5.0]);
    assert_eq!(observed.value("edge_pool_wait_seconds_sum"), Some(2.0));
}

#[tokio::test(start_paused = true)]
pub async fn calls_whose_caller_has_gone_are_counted_until_they_are_over() {
    let recorder = recorder().expect("buckets");
    let observed = Observed::new(&recorder);
    let go_on = Arc::new(Notify::new());
    let stack = stack(&RecordingDatabase::answering_after(go_on.clone()), 10);
    for number in 0..3 {
        let gone = begin(&stack, call("sync", number, number)).await;
        gone.abort();
        gone.await.expect_err("it was aborted");
    }
    let shown = || ["edge_abandoned_calls", "edge_pool_in_use"].map(|gauge| observed.value(gauge));
    assert_eq!(shown(), [Some(3.0); 2]);
    yield_now().await;
    go_on.notify_waiters();
    stack.finish().await;
    assert_eq!(shown(), [Some(0.0); 2]);
}

#[tokio::test(start_paused = true)]
pub async fn batches_are_counted_by_size_and_operation() {
    let recorder = recorder().expect("buckets");
    let observed = Observed::new(&recorder);
    let go_on = Arc::new(Notify::new());
    let stack = stack(&RecordingDatabase::answering_after(go_on.clone()), 20);
    for (operation, size) in [("send_message", 5_u32), ("heartbeat", 3)] {
        let first = begin(&stack, call(operation, 100, 9)).await;
        let mut calls = Vec::new();
        for user in 0..size {
            calls.push(begin(&stack, call(operation, user.into(), 9)).await);
        }
        go_on.notify_one();
        first.await.expect("no panic").expect("an answer");
        go_on.notify_one();
        for call in calls {
            let answer = call.await.expect("no panic");
            answer.expect_err("null is no batch of answers");
        }
        let of = |figure: &str| {
            observed.value(&format!(
                r#"edge_batch_size_{figure}{{operation="{operation}"}}"#
            ))
        };
        assert_eq!(of("count"), Some(2.0), "{operation}");
        assert_eq!(of("sum"), Some(1.0 + f64::from(size)), "{operation}");
    }
}

/// The port of a server that lets anybody in and closes at the first question.
async fn welcoming_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            // The packet begins with its length.
            let length = client.read_u32().await.expect("a packet");
            let mut rest = vec![0; usize::try_from(length).expect("a length") - 4];
            client.read_exact(&mut rest).await.expect("a packet");
            // AuthenticationOk and ReadyForQuery.
            let welcome = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
            client.write_all(welcome).await.expect("it reads");
            client.read_u8().await.expect("a question");
        }
    });
    port
}

#[tokio::test]
pub async fn connections_to_the_database_are_counted_as_they_are_made() {
    let recorder = recorder().expect("buckets");
    let observed = Observed::new(&recorder);
    let mut database = tokio_postgres::Config::new();
    let port = welcoming_server().await;
    database.host("127.0.0.1").port(port).user("a").dbname("a");
    let upstream = SqlUpstream::new(SqlSettings {
        database,
        tls: Tls::DISABLED,
        pooler: Pooler::None,
        connections: 2,
    })
    .expect("a pool");
    for made in 1..=2 {
        let lost = upstream.call(call("sync", 1, 1)).await;
        lost.expect_err("the server closes");
        let connects = observed.value("edge_pool_connects_total");
        assert_eq!(connects, Some(f64::from(made)));
    }
}
