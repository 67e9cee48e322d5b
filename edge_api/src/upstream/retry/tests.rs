//! What is tried again, how often, when, and what never is.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::*;
use crate::caller::Caller;
use crate::contract::Contract;
use crate::contract::{Argument, Repeat};

/// Gives its answers in order and notes when it was asked; "null" from then on.
#[derive(Default)]
struct Script {
    errors: Mutex<VecDeque<UpstreamError>>,
    asked_at: Mutex<Vec<Instant>>,
}

impl Upstream for Script {
    fn call(&self, _: Arc<Call>) -> Pending<Box<RawValue>> {
        self.asked_at.lock().expect("no panic").push(Instant::now());
        let next = self.errors.lock().expect("no panic").pop_front();
        Box::pin(async move { next.map_or_else(|| Ok(RawValue::NULL.to_owned()), Err) })
    }

    fn ping(&self) -> Pending<DatabaseVersions> {
        Box::pin(async { Ok(DatabaseVersions::default()) })
    }
}

struct Outcome {
    is_ok: bool,
    /// The times of the tries after the call began.
    tries: Vec<Duration>,
}

async fn run(
    errors: impl IntoIterator<Item = UpstreamError>,
    (operation, keyed): (&str, bool),
    deadline: Duration,
    random: f64,
) -> Outcome {
    let operation = Contract::get().operation(operation).expect("an operation");
    let arguments = operation.parameters.iter().map(|parameter| {
        match Repeat::SafeWith(parameter.name) == operation.repeat && keyed {
            true => Argument::Text("the key".to_owned()),
            false => Argument::Null,
        }
    });
    let begun_at = Instant::now();
    let call = Call {
        operation,
        arguments: arguments.collect(),
        subject: None,
        caller: Caller::service(),
        deadline: begun_at + deadline,
    };
    let script = Script {
        errors: Mutex::new(errors.into_iter().collect()),
        ..Script::default()
    };
    let retrying = Retrying::with_random(script, Arc::new(move || random));
    let is_ok = retrying.call(Arc::new(call)).await.is_ok();
    let asked_at = retrying.upstream.asked_at.lock().expect("no panic").clone();
    Outcome {
        is_ok,
        tries: asked_at.iter().map(|at| *at - begun_at).collect(),
    }
}

fn lost() -> UpstreamError {
    UpstreamError::Unavailable {
        reason: "connection closed".to_owned(),
    }
}

fn refused(code: ErrorCode, retry_after_ms: Option<u64>) -> UpstreamError {
    UpstreamError::Refused {
        code,
        retry_after_ms,
    }
}

const LONG: Duration = Duration::from_secs(8);
const SYNC: (&str, bool) = ("sync", false);

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_tried_again_where_the_contract_allows_it() {
    for (operation, is_retried) in [
        (SYNC, true),
        (("send_message", true), true),
        (("send_message", false), false),
    ] {
        let outcome = run([lost()], operation, LONG, 0.5).await;
        assert_eq!(outcome.is_ok, is_retried, "{operation:?}");
    }
    let is_unsafe = |name: &&str| {
        let operation = Contract::get().operation(name).expect("an operation");
        operation.repeat == Repeat::Unsafe
    };
    let operations = Contract::get().operations().map(|operation| operation.name);
    for name in operations.filter(is_unsafe) {
        assert!(
            !run([lost()], (name, true), LONG, 0.5).await.is_ok,
            "{name}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_passes_by_itself_is_tried_again() {
    use ErrorCode::{Deadlock, ServerCrashed, ServerStarting, ServerStopping, TooManyConnections};
    for &code in ErrorCode::ALL {
        let transient = [
            Deadlock,
            ServerCrashed,
            ServerStarting,
            ServerStopping,
            TooManyConnections,
        ];
        let outcome = run([refused(code, None)], SYNC, LONG, 0.5).await;
        assert_eq!(outcome.is_ok, transient.contains(&code), "{code:?}");
    }
    let unexpected = UpstreamError::Unexpected {
        reason: "SQLSTATE XX000".to_owned(),
    };
    assert!(!run([unexpected], SYNC, LONG, 0.5).await.is_ok);
}

#[tokio::test(start_paused = true)]
async fn the_waits_are_random_up_to_a_bound_that_doubles() {
    for (random, waits_ms) in [(0.0, [0, 0]), (0.5, [25, 75]), (1.0, [50, 150])] {
        let script = || [lost(), lost()];
        // Two calls pay for two retries: the budget is another test's.
        let outcome = paid(script(), random).await;
        let expected: Vec<_> = [0].into_iter().chain(waits_ms).collect();
        let tries: Vec<_> = outcome.iter().map(Duration::as_millis).collect();
        assert_eq!(tries, expected, "{random}");
    }
}

/// The tries of the second of two calls, of which the first fails in no way.
async fn paid(errors: impl IntoIterator<Item = UpstreamError>, random: f64) -> Vec<Duration> {
    let retrying = Retrying::with_random(Script::default(), Arc::new(move || random));
    let call = || {
        let operation = Contract::get().operation("tick").expect("an operation");
        Arc::new(Call {
            operation,
            arguments: Vec::new(),
            subject: None,
            caller: Caller::service(),
            deadline: Instant::now() + LONG,
        })
    };
    retrying.call(call()).await.expect("an answer");
    retrying.upstream.asked_at.lock().expect("no panic").clear();
    *retrying.upstream.errors.lock().expect("no panic") = errors.into_iter().collect();
    let begun_at = Instant::now();
    let _ = retrying.call(call()).await;
    let asked_at = retrying.upstream.asked_at.lock().expect("no panic").clone();
    asked_at.iter().map(|at| *at - begun_at).collect()
}

#[tokio::test(start_paused = true)]
async fn a_call_is_tried_three_times_at_most() {
    assert_eq!(paid([lost(), lost(), lost(), lost()], 1.0).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_the_database_asks_to_wait_is_waited() {
    let error = refused(ErrorCode::TooManyConnections, Some(700));
    let outcome = run([error], SYNC, LONG, 0.0).await;
    assert_eq!(outcome.tries, [Duration::ZERO, Duration::from_millis(700)]);
    assert!(outcome.is_ok);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_tried_beyond_the_deadline() {
    let error = || refused(ErrorCode::TooManyConnections, Some(700));
    for (deadline_ms, is_retried) in [(800, true), (799, false), (100, false)] {
        let outcome = run([error()], SYNC, Duration::from_millis(deadline_ms), 0.0).await;
        assert_eq!(outcome.is_ok, is_retried, "{deadline_ms}");
        assert_eq!(outcome.tries.len(), 1 + usize::from(is_retried));
    }
}

#[tokio::test(start_paused = true)]
async fn in_an_outage_the_load_at_most_doubles() {
    let retrying = Retrying::with_random(Script::default(), Arc::new(|| 0.5));
    let operation = Contract::get().operation("tick").expect("an operation");
    let calls = 100;
    *retrying.upstream.errors.lock().expect("no panic") = (0..1000).map(|_| lost()).collect();
    for _ in 0..calls {
        let call = Call {
            operation,
            arguments: Vec::new(),
            subject: None,
            caller: Caller::service(),
            deadline: Instant::now() + LONG,
        };
        assert!(retrying.call(Arc::new(call)).await.is_err());
    }
    let asked = retrying.upstream.asked_at.lock().expect("no panic").len();
    assert_eq!(asked, 2 * calls);
}

#[test]
fn the_random_source_stays_within_its_bounds() {
    let numbers: Vec<f64> = (0..100).map(|_| random_fraction()).collect();
    assert!(numbers.iter().all(|number| (0.0..=1.0).contains(number)));
    assert!(numbers.iter().any(|number| *number != numbers[0]));
}
