//! Random calls of several sessions and users, some of whose callers go away, over flights of random lengths.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;
use stream_core::error::ErrorCode;
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

use super::database::PlayedDatabase;
use super::{Answer, batching, begin, call, id, ms, refused};
use crate::contract::Argument;
use crate::upstream::UpstreamError;
use property_seed::config;

/// One in which time passes only while everybody waits.
fn runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().start_paused(true);
    builder.build().expect("a runtime")
}

/// One call of a random play.
#[derive(Debug, Clone)]
struct Step {
    session: u128,
    user: u128,
    is_heartbeat: bool,
    arrives_after_ms: u64,
    /// When its caller goes away.
    leaves_after_ms: Option<u64>,
    outcome: &'static str,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let outcome = prop_oneof![
        8 => Just("stored"),
        1 => Just("banned"),
        1 => Just("rate_limited"),
        1 => Just("internal"),
        1 => Just("locked once"),
    ];
    let leaves = prop_oneof![4 => Just(None), 1 => (0..40_u64).prop_map(Some)];
    let step = (
        0..3_u128,
        0..9_u128,
        any::<bool>(),
        0..12_u64,
        leaves,
        outcome,
    );
    let step = step.prop_map(
        |(session, user, is_heartbeat, arrives_after_ms, leaves_after_ms, outcome)| Step {
            session,
            user,
            is_heartbeat,
            arrives_after_ms,
            leaves_after_ms,
            outcome,
        },
    );
    prop::collection::vec(step, 1..120)
}

/// What the caller of a step is to be told.
fn expected(number: usize, step: &Step) -> Answer {
    match step.outcome {
        "banned" => refused(ErrorCode::Banned),
        "rate_limited" => Err(UpstreamError::Refused {
            code: ErrorCode::RateLimited,
            retry_after_ms: Some(number as u64),
        }),
        "internal" => Err(UpstreamError::Unexpected {
            reason: String::new(),
        }),
        _ => Ok(json!({"user": id(step.user), "session": id(step.session), "number": number})),
    }
}

fn without_reason(answer: Answer) -> Answer {
    answer.map_err(|error| match error {
        UpstreamError::Unexpected { .. } => UpstreamError::Unexpected {
            reason: String::new(),
        },
        error => error,
    })
}

/// Plays the steps; `took_ms` is how long each flight takes.
async fn play(steps: &[Step], took_ms: &[u64]) -> Result<(), TestCaseError> {
    let database = PlayedDatabase::taking(took_ms);
    let batching = batching(&database);
    let mut pending = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        sleep(ms(step.arrives_after_ms)).await;
        let operation = if step.is_heartbeat {
            "heartbeat"
        } else {
            "send_message"
        };
        let content = format!("{number}:{}", step.outcome);
        let mut call = Arc::unwrap_or_clone(call(operation, step.session, step.user, &content));
        if step.is_heartbeat {
            // It has no text: the play travels in the claims.
            call.arguments[1] = Argument::Boolean(true);
        }
        let answer = begin(&batching, Arc::new(call));
        pending.push((number, step, answer));
        if let Some(leaves_after_ms) = step.leaves_after_ms {
            let leaving = pending[number].2.abort_handle();
            tokio::spawn(async move {
                sleep(ms(leaves_after_ms)).await;
                leaving.abort();
            });
        }
    }
    let mut stayed = BTreeMap::new();
    for (number, step, answer) in pending {
        if let Ok(answer) = answer.await {
            prop_assert_eq!(without_reason(answer), expected(number, step), "{}", number);
            stayed.insert(number, step);
        }
    }
    prop_assert!(database.most_at_once() <= 1, "two flights of a key at once");
    for session in 0..3 {
        let made = database.made(id(session));
        let expected: Vec<usize> = stayed
            .iter()
            .filter(|(_, step)| !step.is_heartbeat && step.session == session)
            .map(|(number, _)| *number)
            .collect();
        let of_stayed: Vec<usize> = made
            .iter()
            .copied()
            .filter(|number| stayed.contains_key(number))
            .collect();
        prop_assert_eq!(of_stayed, expected, "order of {}", session);
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(256))]

    /// Feature: streaming-realtime-fixes, Property 13: For any chat message or bulk message operation, the Chat_Service
    /// should resolve conflicts using ordering and batch operations efficiently
    #[test]
    fn every_caller_gets_the_own_answer_in_order_and_one_flight_at_a_time(
        steps in steps(),
        took_ms in prop::collection::vec(0..30_u64, 1..20),
    ) {
        runtime().block_on(play(&steps, &took_ms))?;
    }
}
