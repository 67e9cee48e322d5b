//! Reports to a database whose numbers go back.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::canary::link::{Channel, Sent};
use crate::contract::Argument;
use crate::upstream::{Call, DatabaseVersions, Pending, UpstreamError};

/// A database that has just sent its last canary.
#[derive(Default)]
struct Played {
    canary_no: Mutex<i64>,
    /// The numbers that it was told.
    told: Mutex<Vec<String>>,
    is_down: AtomicBool,
    /// What is received while it answers, and on which link.
    meanwhile: Mutex<Option<(i64, watch::Sender<Link>)>>,
}

impl Upstream for Played {
    fn call(&self, call: Arc<Call>) -> Pending<Box<RawValue>> {
        match call.argument("canary_no") {
            None | Some(Argument::Null) => {}
            Some(number) => self
                .told
                .lock()
                .expect("no panic")
                .push(format!("{number:?}")),
        }
        let answer = json!({
            "user_id": null,
            "canary_no": *self.canary_no.lock().expect("no panic"),
            "sent_at": "2026-01-01T12:00:00Z",
            "has_partition": true,
            "is_published": true,
            "is_followed": true,
            "server_time": "2026-01-01T12:00:01Z",
        });
        if let Some((number, link)) = self.meanwhile.lock().expect("no panic").take() {
            link.send_modify(|link| link.newest = Some(received(number)));
        }
        let answer = if self.is_down.load(Ordering::Relaxed) {
            Err(UpstreamError::NO_ANSWER)
        } else {
            Ok(RawValue::from_string(answer.to_string()).expect("JSON"))
        };
        Box::pin(async { answer })
    }

    fn ping(&self) -> Pending<DatabaseVersions> {
        Box::pin(async { Ok(DatabaseVersions::default()) })
    }
}

fn received(canary_no: i64) -> Received {
    Received {
        sent: Sent {
            canary_no,
            server_time: "2026-01-01T12:00:00Z".parse().expect("a time"),
        },
        at: Instant::now(),
        clock: SystemTime::UNIX_EPOCH,
    }
}

fn reporter(database: &Arc<Played>) -> Reporter {
    Reporter {
        upstream: Arc::clone(database) as Arc<dyn Upstream>,
        state: State::Unknown,
        reported_no: 0,
        clock_offset_ms: 0,
    }
}

/// Joined at this moment, and with this canary.
fn joined(newest: i64) -> watch::Sender<Link> {
    watch::Sender::new(Link {
        user: None,
        channel: Channel::Joined {
            since: Instant::now(),
        },
        newest: Some(received(newest)),
    })
}

#[tokio::test(start_paused = true)]
async fn what_a_recovered_database_has_not_sent_is_forgotten() {
    let database = Arc::new(Played::default());
    let mut reporter = reporter(&database);
    let link = joined(500);
    *database.canary_no.lock().expect("no panic") = 500;
    reporter.report(&link).await;
    assert_eq!(link.borrow().newest, Some(received(500)));

    tokio::time::advance(INTERVAL).await;
    *database.canary_no.lock().expect("no panic") = 300;
    reporter.report(&link).await;
    assert_eq!(link.borrow().newest, None);
    let since = Instant::now();
    assert_eq!(link.borrow().channel, Channel::Joined { since });

    // The next one is a receipt again.
    link.send_modify(|link| link.newest = Some(received(301)));
    *database.canary_no.lock().expect("no panic") = 301;
    reporter.report(&link).await;
    assert_eq!(link.borrow().newest, Some(received(301)));
    let told = database.told.lock().expect("no panic");
    assert_eq!(*told, ["500", "301"]);
}

/// The database may have sent it after it answered.
#[tokio::test(start_paused = true)]
async fn what_comes_while_the_database_answers_is_kept_when_numbers_go_back() {
    let database = Arc::new(Played::default());
    let link = joined(500);
    *database.canary_no.lock().expect("no panic") = 300;
    *database.meanwhile.lock().expect("no panic") = Some((301, link.clone()));
    reporter(&database).report(&link).await;
    assert_eq!(link.borrow().newest, Some(received(301)));
}

#[tokio::test(start_paused = true)]
async fn what_a_database_was_told_in_vain_it_is_told_again_and_then_no_more() {
    let database = Arc::new(Played::default());
    let mut reporter = reporter(&database);
    let link = joined(8);
    *database.canary_no.lock().expect("no panic") = 8;
    for is_down in [true, false, false] {
        database.is_down.store(is_down, Ordering::Relaxed);
        reporter.report(&link).await;
    }
    let told = database.told.lock().expect("no panic");
    assert_eq!(*told, ["8", "8"]);
}

#[test]
fn a_channel_that_is_not_joined_stays_so_when_numbers_go_back() {
    let fault = Channel::Failed(crate::canary::link::Fault::Away);
    let mut link = Link {
        user: None,
        channel: fault,
        newest: Some(received(2)),
    };
    assert!(!link.forget_above(2, Instant::now()));
    assert!(link.newest.is_some());
    assert!(link.forget_above(1, Instant::now()));
    assert_eq!((link.newest, link.channel), (None, fault));
}
