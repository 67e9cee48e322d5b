//! Flights that take long or fail: whom they hold up, who overtakes them, and what is made again.

use std::sync::Arc;

use stream_core::error::ErrorCode;
use tokio::time::{Instant, sleep};

use super::super::{
    ALONE, HEARTBEAT_PATIENCE, HEARTBEATS_TIME, MESSAGES_TIME, PATIENCE, SLOW_HEARTBEAT, STALL,
};
use super::database::PlayedDatabase;
use super::{Answer, batching, begin, call, id, message, ms, refused};
use crate::contract::Argument;
use crate::upstream::{Call, UpstreamError};

async fn made(answer: tokio::task::JoinHandle<Answer>) {
    answer.await.expect("a task").expect("an answer");
}

fn with_id(call: &Call, number: u128) -> Arc<Call> {
    let mut call = call.clone();
    let position = call.operation.position("id").expect("an argument");
    call.arguments[position] = Argument::Uuid(id(number));
    Arc::new(call)
}

/// As when the application holds the row of one user.
#[tokio::test(start_paused = true)]
async fn a_single_call_that_takes_long_is_overtaken_and_answered() {
    for operation in ["send_message", "heartbeat"] {
        let database = PlayedDatabase::taking(&[5000, 1]);
        let batching = batching(&database);
        let began = Instant::now();
        let call = |number: u128| call(operation, 1, number, &format!("{number}:stored"));
        let slow = begin(&batching, call(0));
        let others = [1, 2, 3].map(|number| begin(&batching, call(number)));
        for other in others {
            made(other).await;
        }
        assert_eq!(began.elapsed(), STALL + ms(1));
        let sizes: Vec<_> = database.flights().iter().map(|(_, size)| *size).collect();
        assert_eq!(sizes, [1, 3]);
        made(slow).await;
        assert_eq!(began.elapsed(), ms(5000));
    }
}

/// One that was the rest of a queue, not the first of all.
#[tokio::test(start_paused = true)]
async fn a_call_that_is_left_alone_in_the_queue_is_overtaken_too() {
    let database = PlayedDatabase::taking(&[10, 5000, 1]);
    let batching = batching(&database);
    let first = begin(&batching, message(1, 1, "0:stored"));
    let slow = begin(&batching, message(1, 2, "1:stored"));
    made(first).await;
    let began = Instant::now();
    made(begin(&batching, message(1, 3, "2:stored"))).await;
    assert_eq!(began.elapsed(), STALL + ms(1));
    made(slow).await;
}

/// As when the application holds the stream.
#[tokio::test(start_paused = true)]
async fn two_slow_messages_of_a_stream_are_overtaken_and_the_third_holds_the_others_up() {
    let database = PlayedDatabase::taking(&[5000]);
    let batching = batching(&database);
    let mut slow = Vec::new();
    for number in 0..3 {
        slow.push(begin(&batching, message(1, number, "0:stored")));
        sleep(STALL + ms(10)).await;
    }
    let waiting = begin(&batching, message(1, 9, "9:stored"));
    let others = begin(&batching, message(2, 9, "9:stored"));
    assert_eq!(
        waiting.await.expect("a task"),
        Err(UpstreamError::OVERLOADED)
    );
    assert_eq!(database.flights().len(), 4, "the other stream has its own");
    for slow in slow {
        made(slow).await;
    }
    made(others).await;
    // They count no more.
    let _slow = begin(&batching, message(1, 1, "0:stored"));
    made(begin(&batching, message(1, 2, "1:stored"))).await;
}

#[tokio::test(start_paused = true)]
async fn behind_a_batch_that_does_not_end_a_message_is_refused_and_a_heartbeat_goes_alone() {
    let database = PlayedDatabase::taking(&[10, 10, 5000, 5000, 1]);
    let batching = batching(&database);
    let mut flights = Vec::new();
    for number in 0..3 {
        flights.push(begin(&batching, message(1, number, "0:stored")));
        flights.push(begin(&batching, call("heartbeat", 1, number, "1:stored")));
    }
    sleep(ms(11)).await;
    let began = Instant::now();
    let waiting = begin(&batching, message(1, 9, "2:stored"));
    made(begin(&batching, call("heartbeat", 1, 9, "3:stored"))).await;
    assert_eq!(began.elapsed(), HEARTBEAT_PATIENCE + ms(1));
    // The next ones do not wait to find that out once more.
    made(begin(&batching, call("heartbeat", 1, 8, "4:stored"))).await;
    assert_eq!(began.elapsed(), HEARTBEAT_PATIENCE + ms(2));
    assert_eq!(
        waiting.await.expect("a task"),
        Err(UpstreamError::OVERLOADED)
    );
    assert_eq!(began.elapsed(), PATIENCE);
}

/// As during a checkpoint.
#[tokio::test(start_paused = true)]
async fn a_message_waits_for_a_batch_that_is_only_slow() {
    let database = PlayedDatabase::taking(&[10, 800, 1]);
    let batching = batching(&database);
    let mut messages: Vec<_> = (0..3)
        .map(|number| begin(&batching, message(1, number, "0:stored")))
        .collect();
    sleep(ms(20)).await;
    messages.push(begin(&batching, message(1, 9, "9:stored")));
    for message in messages {
        made(message).await;
    }
}

#[tokio::test(start_paused = true)]
async fn heartbeats_of_a_batch_that_takes_long_are_made_alone() {
    let database = PlayedDatabase::taking(&[10, 5000, 1]);
    let batching = batching(&database);
    let began = Instant::now();
    let heartbeats: Vec<_> = (0..3)
        .map(|number| begin(&batching, call("heartbeat", 1, number, "0:stored")))
        .collect();
    for heartbeat in heartbeats {
        made(heartbeat).await;
    }
    assert_eq!(began.elapsed(), ms(10) + HEARTBEATS_TIME + ms(1));
    let flights = ["heartbeat", "heartbeats", "heartbeat", "heartbeat"];
    let made: Vec<_> = database.flights().iter().map(|(name, _)| *name).collect();
    assert_eq!(made, flights);
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_heartbeats_has_no_more_time_than_its_callers() {
    let database = PlayedDatabase::taking(&[10, 5000, 1]);
    let batching = batching(&database);
    let deadline = Instant::now() + ms(300);
    let heartbeats: Vec<_> = (0..3)
        .map(|number| {
            let call = Arc::unwrap_or_clone(call("heartbeat", 1, number, "0:stored"));
            begin(&batching, Arc::new(Call { deadline, ..call }))
        })
        .collect();
    sleep(ms(20)).await;
    assert_eq!(database.last_deadline(), deadline);
    drop(heartbeats);
}

/// The answer was lost behind the commit: without an id, a second try would be a second message.
#[tokio::test(start_paused = true)]
async fn after_an_answer_that_nobody_understands_only_what_has_an_id_is_made_again() {
    let database = PlayedDatabase::taking(&[10]);
    let batching = batching(&database);
    let first = begin(&batching, message(1, 1, "0:stored"));
    let without = begin(&batching, message(1, 1, "1:made and failed"));
    let with = begin(&batching, with_id(&message(1, 2, "2:stored"), 7));
    let also_without = begin(&batching, message(1, 3, "3:stored"));
    made(first).await;
    made(with).await;
    for answer in [without, also_without] {
        let answer = answer.await.expect("a task");
        assert!(
            matches!(answer, Err(UpstreamError::Unexpected { .. })),
            "{answer:?}"
        );
    }
    assert_eq!(database.made(id(1)), [0, 1, 2, 3, 2]);

    let heartbeats: Vec<_> = (0..3)
        .map(|number| begin(&batching, call("heartbeat", 1, number, "4:made and failed")))
        .collect();
    for heartbeat in heartbeats {
        made(heartbeat).await;
    }
}

/// As where a hook of the application waits for one of the users.
#[tokio::test(start_paused = true)]
async fn a_slow_item_costs_a_batch_of_messages_its_time_once() {
    let database = PlayedDatabase::taking(&[10, 60_000, 1]);
    let batching = batching(&database);
    let began = Instant::now();
    let send = |number: u128| {
        let call = message(1, number, &format!("{number}:stored"));
        begin(&batching, with_id(&call, number))
    };
    for message in [0, 1, 2].map(send) {
        made(message).await;
    }
    assert_eq!(began.elapsed(), ms(10) + MESSAGES_TIME + ms(2));
    for message in [3, 4, 5].map(send) {
        made(message).await;
    }
    let others = [1, 2, 3].map(|number| begin(&batching, message(2, number, "9:stored")));
    for message in others {
        made(message).await;
    }
    let sizes = || -> Vec<usize> {
        let flights = database.flights();
        flights.iter().map(|(_, size)| *size).collect()
    };
    assert_eq!(sizes(), [1, 2, 1, 1, 1, 1, 1, 1, 2]);
    assert_eq!(database.made(id(1)), [0, 1, 2, 3, 4, 5]);
    sleep(ALONE).await;
    for message in [6, 7, 8].map(send) {
        made(message).await;
    }
    assert_eq!(sizes()[9..], [1, 2]);
}

/// As where a hook of the application waits for one of the users: theirs go alone, and hold nobody up.
#[tokio::test(start_paused = true)]
async fn a_slow_heartbeat_costs_the_others_of_its_batch_their_time_once() {
    let slow_ms = u64::try_from(SLOW_HEARTBEAT.as_millis()).expect("is short");
    // One alone, two together, these alone, and then those of another time.
    let database = PlayedDatabase::taking(&[10, 5000, slow_ms, 1]);
    let batching = batching(&database);
    let heartbeat = |user: u128| begin(&batching, call("heartbeat", 1, user, "0:stored"));
    for heartbeat in [1, 2, 3].map(heartbeat) {
        made(heartbeat).await;
    }
    let before = database.flights().len();
    // Of the two that were made alone the first took long.
    let heartbeats = [1, 2, 3, 4].map(heartbeat);
    for heartbeat in heartbeats {
        made(heartbeat).await;
    }
    let flights = database.flights();
    assert_eq!(
        flights[before..],
        [("heartbeat", 1), ("heartbeat", 1), ("heartbeats", 2)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_without_an_id_that_waited_too_long_is_not_made_again() {
    let database = PlayedDatabase::taking(&[10, 60_000, 1]);
    let batching = batching(&database);
    let first = begin(&batching, message(1, 1, "0:stored"));
    let others = [1, 2].map(|number| begin(&batching, message(1, number, "1:stored")));
    made(first).await;
    for other in others {
        let answer = other.await.expect("a task");
        assert_eq!(answer, refused(ErrorCode::StatementTimeout));
    }
    assert_eq!(database.flights().len(), 2);
}
