//! Batching in front of a database that is played: every caller gets the own answer, in order, one flight at a time.

mod database;
mod ending;
mod property;
mod shares;
mod slow;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use self::database::PlayedDatabase;
use super::{BatchOperations, Batching};
use crate::caller::{Caller, Claims, Role};
use crate::contract::{Argument, Contract};
use crate::upstream::{Call, Subject, Upstream, UpstreamError};

type Answer = Result<Value, UpstreamError>;

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// Of a session three calls are made at the same time.
fn batching(database: &PlayedDatabase) -> Batching {
    let operations = BatchOperations::of(Contract::get()).expect("both");
    Batching::new(Arc::new(database.clone()), operations, 3)
}

fn call(operation: &str, session: u128, user: u128, content: &str) -> Arc<Call> {
    let operation = Contract::get().operation(operation).expect("an operation");
    let arguments = operation.parameters.iter();
    let arguments = arguments.map(|parameter| match parameter.name {
        "session_id" => Argument::Uuid(id(session)),
        "content" => Argument::Text(content.to_owned()),
        _ => Argument::Null,
    });
    let claims = json!({"sub": id(user), "role": "authenticated", "note": content});
    let arguments: Vec<_> = arguments.collect();
    Arc::new(Call {
        operation,
        subject: Subject::of(operation, &arguments),
        arguments,
        caller: Caller {
            role: Role::Authenticated,
            user_id: Some(id(user)),
            claims: Claims::new(claims.to_string()),
            ..Caller::service()
        },
        deadline: Instant::now() + ms(8000),
    })
}

fn message(session: u128, user: u128, content: &str) -> Arc<Call> {
    call("send_message", session, user, content)
}

fn begin(batching: &dyn Upstream, call: Arc<Call>) -> JoinHandle<Answer> {
    let pending = batching.call(call);
    tokio::spawn(async move {
        let json = pending.await?;
        Ok(serde_json::from_str(json.get()).expect("JSON"))
    })
}

fn refused(code: ErrorCode) -> Answer {
    Err(UpstreamError::Refused {
        code,
        retry_after_ms: None,
    })
}

#[tokio::test(start_paused = true)]
async fn a_call_goes_out_at_once_and_as_it_is_when_nothing_is_in_flight() {
    let database = PlayedDatabase::taking(&[10]);
    let batching = batching(&database);
    for number in 0..3 {
        let began = Instant::now();
        let content = format!("{number}:stored");
        begin(&batching, message(1, 2, &content))
            .await
            .expect("a task")
            .expect("an answer");
        assert_eq!(began.elapsed(), ms(10));
    }
    assert_eq!(database.flights(), [("send_message", 1); 3]);
}

#[tokio::test(start_paused = true)]
async fn what_arrives_during_a_flight_goes_out_together_when_it_ends() {
    let database = PlayedDatabase::taking(&[10]);
    let batching = batching(&database);
    let mut pending = Vec::new();
    for number in 0..130 {
        pending.push(begin(
            &batching,
            message(1, number, &format!("{number}:stored")),
        ));
        // Another stream and a heartbeat wait for none of these.
        if number == 1 {
            pending.push(begin(&batching, message(2, 7, "1000:stored")));
            pending.push(begin(&batching, call("heartbeat", 1, 7, "1001:stored")));
        }
    }
    let began = Instant::now();
    for answer in pending {
        answer.await.expect("a task").expect("an answer");
    }
    assert_eq!(began.elapsed(), ms(40));
    let mut flights = database.flights();
    flights.sort_unstable();
    let expected = [
        ("heartbeat", 1),
        ("send_message", 1),
        ("send_message", 1),
        ("send_message", 1),
        ("send_messages", 64),
        ("send_messages", 64),
    ];
    // 130 messages: the first, 64, 64, and the last one, which is alone again.
    assert_eq!(flights, expected);
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_has_gone_leaves_the_queue() {
    let database = PlayedDatabase::taking(&[10]);
    let batching = batching(&database);
    let first = begin(&batching, message(1, 1, "0:stored"));
    let gone: Vec<_> = (1..9)
        .map(|number| begin(&batching, message(1, 1, &format!("{number}:stored"))))
        .collect();
    let last = begin(&batching, message(1, 1, "9:stored"));
    sleep(ms(5)).await;
    for caller in gone {
        caller.abort();
    }
    for answer in [first, last] {
        answer.await.expect("a task").expect("an answer");
    }
    assert_eq!(database.made(id(1)), [0, 9]);
}

/// The whole batch is lost: whether it was stored nobody knows, and everybody is told so.
#[tokio::test(start_paused = true)]
async fn a_batch_that_is_lost_is_lost_for_each_of_its_callers() {
    let database = PlayedDatabase::taking(&[10]);
    let batching = batching(&database);
    let first = begin(&batching, message(1, 1, "0:stored"));
    let others =
        ["1:stored", "2:lost", "3:stored"].map(|content| begin(&batching, message(1, 1, content)));
    first.await.expect("a task").expect("an answer");
    for other in others {
        let answer = other.await.expect("a task");
        assert!(
            matches!(answer, Err(UpstreamError::Unavailable { .. })),
            "{answer:?}"
        );
    }
}

/// As where the login role may not become the service: everybody is answered, and batches are given up for a while.
#[tokio::test(start_paused = true)]
async fn a_batch_that_is_refused_as_a_whole_goes_out_one_by_one_in_its_order() {
    let database = PlayedDatabase::taking(&[1]).without_service();
    let batching = batching(&database);
    for round in 0..4 {
        let numbers = round * 10..round * 10 + 3;
        let calls =
            numbers.map(|number| begin(&batching, message(1, 1, &format!("{number}:stored"))));
        for answer in calls.collect::<Vec<_>>() {
            answer.await.expect("a task").expect("an answer");
        }
    }
    assert_eq!(
        database.made(id(1)),
        [0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32]
    );
    let batches = database
        .flights()
        .iter()
        .filter(|(name, _)| *name == "send_messages")
        .count();
    assert_eq!(batches, 3, "after three failures none is tried");
}

/// Its own, although others in the batch have more time.
#[tokio::test(start_paused = true)]
async fn each_caller_waits_until_the_own_deadline() {
    let database = PlayedDatabase::taking(&[10, 60_000]);
    let batching = batching(&database);
    let first = begin(&batching, message(1, 1, "0:stored"));
    let short = Call {
        deadline: Instant::now() + ms(100),
        ..Arc::unwrap_or_clone(message(1, 2, "1:stored"))
    };
    let short = begin(&batching, Arc::new(short));
    let long = begin(&batching, message(1, 3, "2:stored"));
    first.await.expect("a task").expect("an answer");
    let began = Instant::now();
    assert_eq!(
        short.await.expect("a task"),
        refused(ErrorCode::StatementTimeout)
    );
    // The flight that carries both is under way still.
    assert!(!long.is_finished());
    assert_eq!(database.flights()[1], ("send_messages", 2));
    assert!(database.last_deadline() > began + ms(1000));
}

#[tokio::test(start_paused = true)]
async fn the_service_and_other_operations_are_not_batched() {
    let database = PlayedDatabase::taking(&[10]);
    let batching = batching(&database);
    let mut pending = Vec::new();
    for number in 0..3 {
        let content = format!("{number}:stored");
        let of_service = Call {
            caller: Caller::service(),
            ..Arc::unwrap_or_clone(message(1, 1, &content))
        };
        pending.push(begin(&batching, Arc::new(of_service)));
        pending.push(begin(&batching, call("sync", 1, 1, &content)));
    }
    for answer in pending {
        let _ = answer.await.expect("a task");
    }
    assert!(database.flights().iter().all(|(_, size)| *size == 1));
    assert_eq!(database.flights().len(), 6);
}
