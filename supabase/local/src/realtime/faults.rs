//! Faults that a test asks for: rows that are lost, sockets and channels that end, a gateway that is away.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;
use uuid::Uuid;

/// Interruptions that a socket may fall behind by; the tests make a few a second.
const INTERRUPTIONS: usize = 256;

/// Which rows of realtime.messages are lost.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowLoss {
    /// Of this topic alone, as it is stored; none: of all.
    topic: Option<String>,
    /// The next so many rows; none: until the faults are taken back.
    count: Option<u64>,
    /// The part of them that is lost, from 0 to 1; none: all. An id decides, so that a row is lost or not by itself.
    share: Option<f64>,
}

/// The end of something that a socket has open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interruption {
    /// All sockets are closed with 1012, as before a restart.
    Restart,
    /// Sockets with a channel of this topic, or all, are cut without a word.
    CutSockets { topic: Option<String> },
    /// Channels of this topic, or all, end with this system message.
    EndChannels {
        topic: Option<String>,
        message: String,
    },
}

/// The faults in force, and the ways to those whom they strike.
pub struct Faults {
    losses: Mutex<Vec<RowLoss>>,
    interruptions: broadcast::Sender<Interruption>,
    /// The number of cuts of the message stream, and how long the last one holds.
    cuts: watch::Sender<(u64, Duration)>,
    away_until: Mutex<Option<Instant>>,
    rows_lost: AtomicU64,
}

impl RowLoss {
    fn strikes(&self, topic: &str, id: Uuid) -> bool {
        let is_of_topic = self.topic.as_deref().is_none_or(|of| of == topic);
        // The first bits of a random uuid are as good as any other chance, and the same for the same row.
        let chance = f64::from(id.as_fields().0) / (f64::from(u32::MAX) + 1.0);
        is_of_topic && self.share.is_none_or(|share| chance < share)
    }
}

impl Faults {
    pub fn new() -> Self {
        Self {
            losses: Mutex::default(),
            interruptions: broadcast::Sender::new(INTERRUPTIONS),
            cuts: watch::Sender::new((0, Duration::ZERO)),
            away_until: Mutex::default(),
            rows_lost: AtomicU64::new(0),
        }
    }

    pub fn lose_rows(&self, loss: RowLoss) {
        self.losses().push(loss);
    }

    /// Rows are no longer lost.
    pub fn stop_losing_rows(&self) {
        self.losses().clear();
    }

    /// Whether this row is lost; counts it.
    pub fn loses(&self, topic: &str, id: Uuid) -> bool {
        let mut losses = self.losses();
        let Some(at) = losses.iter().position(|loss| loss.strikes(topic, id)) else {
            return false;
        };
        if let Some(left) = &mut losses[at].count {
            *left = left.saturating_sub(1);
            if *left == 0 {
                losses.remove(at);
            }
        }
        self.rows_lost.fetch_add(1, Ordering::Relaxed);
        true
    }

    pub fn rows_lost(&self) -> u64 {
        self.rows_lost.load(Ordering::Relaxed)
    }

    pub fn interrupt(&self, interruption: Interruption) {
        // Fails where no socket is open, and then there is nothing to end.
        let _ = self.interruptions.send(interruption);
    }

    pub fn interruptions(&self) -> broadcast::Receiver<Interruption> {
        self.interruptions.subscribe()
    }

    /// Ends the message stream, and keeps it from being made anew for some time.
    pub fn cut_stream(&self, pause: Duration) {
        self.cuts
            .send_modify(|(number, last)| (*number, *last) = (*number + 1, pause));
    }

    pub fn cuts(&self) -> watch::Receiver<(u64, Duration)> {
        self.cuts.subscribe()
    }

    /// Lets no socket in for some time.
    pub fn go_away(&self, pause: Duration) {
        *self.away() = Some(Instant::now() + pause);
    }

    pub fn is_away(&self) -> bool {
        self.away().is_some_and(|until| Instant::now() < until)
    }

    fn losses(&self) -> MutexGuard<'_, Vec<RowLoss>> {
        self.losses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn away(&self) -> MutexGuard<'_, Option<Instant>> {
        self.away_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(topic: Option<&str>, count: Option<u64>, share: Option<f64>) -> RowLoss {
        RowLoss {
            topic: topic.map(str::to_owned),
            count,
            share,
        }
    }

    #[test]
    fn so_many_rows_of_a_topic_are_lost_and_no_others() {
        let faults = Faults::new();
        faults.lose_rows(loss(Some("chat:1"), Some(2), None));
        let lost = ["chat:2", "chat:1", "chat:1", "chat:1"]
            .map(|topic| faults.loses(topic, Uuid::new_v4()));
        assert_eq!(lost, [false, true, true, false]);
        assert_eq!(faults.rows_lost(), 2);
    }

    #[test]
    fn rows_are_lost_until_it_is_taken_back() {
        let faults = Faults::new();
        faults.lose_rows(loss(None, None, None));
        assert!((0..100).all(|_| faults.loses("t", Uuid::new_v4())));
        faults.stop_losing_rows();
        assert!(!faults.loses("t", Uuid::new_v4()));
    }

    #[test]
    fn a_share_of_the_rows_is_lost_and_the_same_row_always() {
        let half = loss(None, None, Some(0.5));
        let first = Uuid::from_u128(0x7fff_ffff << 96);
        let second = Uuid::from_u128(0x8000_0000 << 96);
        assert!(half.strikes("t", first) && half.strikes("t", first));
        assert!(!half.strikes("t", second));
        assert!(!loss(None, None, Some(0.0)).strikes("t", Uuid::nil()));
        assert!(loss(None, None, Some(1.0)).strikes("t", Uuid::max()));
    }
}
