//! The verdict on the way through Realtime, from what the socket and the database know.

use std::time::Duration;

use metrics::gauge;
use serde::Deserialize;
use tokio::time::Instant;
use uuid::Uuid;

use super::link::{Channel, Fault, Link};
use crate::metrics::CANARY_STATE;

/// The database sends one every ten seconds, and a round of its regular work may be a second late.
const OVERDUE: Duration = Duration::from_secs(25);

/// What has not come by then is lost: Realtime's own aim is 99 % within five seconds.
const LOST_AFTER: Duration = Duration::from_secs(5);

/// The state of the way, by its name in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing can be said: no account, no answer of the database, or no canary since the channel was joined.
    Unknown,
    Delivered,
    /// The database sends none, or sends them to somebody else.
    NotSent,
    /// Realtime does not read the database: its publication or its slot is gone.
    NotFollowed,
    /// Sent, read and not delivered, as Realtime does over the limit of the project.
    Dropped,
    RealtimeAway,
    Unauthorised,
}

impl State {
    pub const ALL: [Self; 7] = [
        Self::Unknown,
        Self::Delivered,
        Self::NotSent,
        Self::NotFollowed,
        Self::Dropped,
        Self::RealtimeAway,
        Self::Unauthorised,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Delivered => "delivered",
            Self::NotSent => "not_sent",
            Self::NotFollowed => "not_followed",
            Self::Dropped => "dropped",
            Self::RealtimeAway => "realtime_away",
            Self::Unauthorised => "unauthorised",
        }
    }

    /// Sets the metric of each state.
    pub(super) fn show(self) {
        for state in Self::ALL {
            let is_now = f64::from(u8::from(state == self));
            gauge!(CANARY_STATE, "state" => state.as_str()).set(is_now);
        }
    }
}

/// What the database knows of its canary: the answer of `report_canary`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Status {
    pub user_id: Option<Uuid>,
    pub canary_no: i64,
    pub sent_at: Option<jiff::Timestamp>,
    pub has_partition: bool,
    pub is_published: bool,
    pub is_followed: bool,
    pub server_time: jiff::Timestamp,
}

impl Status {
    /// Time since the last canary was sent, by the clock of the database. None when it lies ahead: it is from before the
    /// clock was set back, and another has not been sent since.
    fn sent_age(&self) -> Option<Duration> {
        let age = self.server_time.duration_since(self.sent_at?);
        Duration::try_from(age).ok()
    }
}

/// Judges at a moment. `status` is none while the database does not answer, and was asked at `now`.
pub(super) fn judge(link: &Link, status: Option<&Status>, now: Instant) -> State {
    let since = match link.channel {
        Channel::New => return State::Unknown,
        Channel::Failed(Fault::Away) => return State::RealtimeAway,
        Channel::Failed(Fault::Unauthorised) => return State::Unauthorised,
        Channel::Failed(Fault::Quota) => return State::Dropped,
        Channel::Failed(Fault::NoPartition) => return State::NotSent,
        Channel::Failed(Fault::NotFollowed) => return State::NotFollowed,
        Channel::Joined { since } => since,
    };
    let is_fresh = link
        .newest
        .is_some_and(|newest| now.duration_since(newest.at) < OVERDUE);
    let if_fresh = if is_fresh {
        State::Delivered
    } else {
        State::Unknown
    };
    let Some(status) = status else {
        return if_fresh;
    };
    if status.user_id != link.user {
        return State::NotSent;
    }
    let Some(sent_age) = status.sent_age().filter(|age| *age < OVERDUE) else {
        return State::NotSent;
    };
    let newest_no = link.newest.map_or(0, |newest| newest.sent.canary_no);
    if newest_no >= status.canary_no {
        return State::Delivered;
    }
    // The last one that must have come by now if the channel was joined when it was sent, and how long ago that was.
    let (due_no, due_age) = match sent_age {
        age if age >= LOST_AFTER => (status.canary_no, age),
        age => (status.canary_no - 1, age + OVERDUE),
    };
    let is_lost = newest_no < due_no && now.duration_since(since) > due_age;
    if !is_lost && is_fresh {
        return State::Delivered;
    }
    match () {
        () if !status.has_partition => State::NotSent,
        () if !status.is_published || !status.is_followed => State::NotFollowed,
        () if is_lost => State::Dropped,
        () => State::Unknown,
    }
}

#[cfg(test)]
mod tests;
