//! Verdicts in every situation that is told apart.

use std::time::SystemTime;

use super::*;
use crate::canary::link::{Received, Sent};

const USER: Uuid = Uuid::from_u128(7);

/// A channel that has been joined for long, over which number 8 came, and a database that sent number 8 a second ago.
struct Situation {
    link: Link,
    status: Status,
    now: Instant,
}

impl Situation {
    fn new() -> Self {
        // A clock may not reach back before the start of the machine.
        let began = Instant::now();
        let now = began + Duration::from_secs(3600);
        let server_time: jiff::Timestamp = "2026-01-01T12:00:00Z".parse().expect("a time");
        let received = Received {
            sent: Sent {
                canary_no: 8,
                server_time,
            },
            at: now,
            clock: SystemTime::UNIX_EPOCH,
        };
        let mut situation = Self {
            link: Link {
                user: Some(USER),
                channel: Channel::Joined { since: began },
                newest: Some(received),
            },
            status: Status {
                user_id: Some(USER),
                canary_no: 8,
                sent_at: None,
                has_partition: true,
                is_published: true,
                is_followed: true,
                server_time,
            },
            now,
        };
        situation.sent(8, 1);
        situation.received(8, 1);
        situation
    }

    fn sent(&mut self, canary_no: i64, seconds_ago: i64) -> &mut Self {
        let span = jiff::SignedDuration::from_secs(seconds_ago);
        self.status.canary_no = canary_no;
        self.status.sent_at = Some(self.status.server_time - span);
        self
    }

    fn received(&mut self, canary_no: i64, seconds_ago: u64) -> &mut Self {
        let newest = self.link.newest.as_mut().expect("one was received");
        newest.sent.canary_no = canary_no;
        newest.at = self.now - Duration::from_secs(seconds_ago);
        self
    }

    fn joined(&mut self, seconds_ago: u64) -> &mut Self {
        let since = self.now - Duration::from_secs(seconds_ago);
        self.link.channel = Channel::Joined { since };
        self
    }

    fn state(&self) -> State {
        judge(&self.link, Some(&self.status), self.now)
    }
}

#[test]
fn what_comes_back_is_delivered_also_while_the_next_is_on_its_way() {
    assert_eq!(Situation::new().state(), State::Delivered);
    let state = Situation::new().sent(9, 4).received(8, 14).state();
    assert_eq!(state, State::Delivered);
    // The last one that was sent came back, whichever of two clocks is ahead.
    let state = Situation::new().sent(8, 24).received(8, 26).state();
    assert_eq!(state, State::Delivered);
}

#[test]
fn one_that_is_lost_while_realtime_reads_the_database_was_dropped() {
    assert_eq!(
        Situation::new().sent(9, 5).received(8, 15).state(),
        State::Dropped
    );
    // The one before the last.
    assert_eq!(
        Situation::new().sent(10, 1).received(8, 21).state(),
        State::Dropped
    );
    // Ever since the channel was joined.
    let mut situation = Situation::new();
    situation.link.newest = None;
    assert_eq!(situation.sent(9, 9).joined(30).state(), State::Dropped);
}

#[test]
fn one_that_is_lost_without_publication_or_slot_was_not_followed() {
    for facts in [(false, true), (true, false)] {
        let mut situation = Situation::new();
        (situation.status.is_published, situation.status.is_followed) = facts;
        assert_eq!(situation.state(), State::Delivered, "nothing is lost yet");
        assert_eq!(
            situation.sent(9, 6).received(8, 16).state(),
            State::NotFollowed
        );
    }
}

#[test]
fn none_that_was_sent_lately_is_the_fault_of_the_database() {
    assert_eq!(Situation::new().sent(8, 25).state(), State::NotSent);
    let mut never = Situation::new();
    never.status.sent_at = None;
    assert_eq!(never.state(), State::NotSent);
    let mut not_configured = Situation::new();
    not_configured.status.user_id = None;
    assert_eq!(not_configured.state(), State::NotSent);
    let mut to_somebody_else = Situation::new();
    to_somebody_else.status.user_id = Some(Uuid::nil());
    assert_eq!(to_somebody_else.state(), State::NotSent);
    let mut without_partition = Situation::new();
    without_partition.status.has_partition = false;
    assert_eq!(without_partition.sent(9, 6).state(), State::NotSent);
}

/// Its clock was set back, and it sends none: the last one lies ahead for an hour.
#[test]
fn one_that_was_sent_before_the_clock_was_set_back_is_not_sent_lately() {
    let mut situation = Situation::new();
    situation.sent(8, -3600).received(8, 60);
    assert_eq!(situation.state(), State::NotSent);
    situation.sent(9, 0);
    assert_ne!(situation.state(), State::NotSent);
}

#[test]
fn a_channel_that_is_not_joined_says_why() {
    for (fault, state) in [
        (Fault::Away, State::RealtimeAway),
        (Fault::Unauthorised, State::Unauthorised),
        (Fault::Quota, State::Dropped),
        (Fault::NoPartition, State::NotSent),
    ] {
        let mut situation = Situation::new();
        situation.link.channel = Channel::Failed(fault);
        assert_eq!(situation.state(), state, "{fault:?}");
    }
}

#[test]
fn before_the_first_canary_after_a_join_nothing_is_known() {
    let mut situation = Situation::new();
    situation.link.newest = None;
    assert_eq!(situation.sent(8, 9).joined(3).state(), State::Unknown);
    assert_eq!(situation.sent(9, 1).joined(6).state(), State::Unknown);
    situation.link.channel = Channel::New;
    assert_eq!(situation.state(), State::Unknown);
}

#[test]
fn a_database_that_does_not_answer_leaves_what_comes_back() {
    let mut situation = Situation::new();
    assert_eq!(
        judge(&situation.link, None, situation.now),
        State::Delivered
    );
    situation.received(8, 25);
    assert_eq!(judge(&situation.link, None, situation.now), State::Unknown);
}

/// Realtime lets everybody join, and closes the channel when it could not read the database within a minute.
#[test]
fn a_realtime_that_cannot_read_the_database_is_named_over_all_joins_until_it_can() {
    let words = "Replication connection was not established in time";
    let mut situation = Situation::new();
    situation.received(8, 40).sent(12, 6);
    for is_followed in [false, true] {
        situation.status.is_followed = is_followed;
        for _ in 0..2 {
            situation.link.channel = Channel::Failed(Fault::of(words));
            assert_eq!(situation.state(), State::NotFollowed);
            situation.link.join(situation.now, false);
            assert_eq!(situation.state(), State::NotFollowed);
        }
        situation.link.join(situation.now, true);
        assert_eq!(
            situation.link.channel,
            Channel::Joined {
                since: situation.now
            }
        );
    }
    situation.link.channel = Channel::Failed(Fault::Away);
    situation.link.join(situation.now, false);
    assert_eq!(
        situation.link.channel,
        Channel::Joined {
            since: situation.now
        }
    );
}

#[test]
fn a_canary_that_comes_shows_that_the_database_is_read() {
    let mut situation = Situation::new();
    situation.received(8, 40).sent(12, 1);
    situation.link.channel = Channel::Failed(Fault::NotFollowed);
    let mut received = situation.link.newest.expect("one was received");
    received.at = situation.now;
    received.sent.canary_no = 12;
    assert!(situation.link.take(received));
    assert_eq!(situation.state(), State::Delivered);
    assert!(!situation.link.take(received));
    received.sent.canary_no = 11;
    assert!(!situation.link.take(received));
    assert_eq!(
        situation.link.newest.map(|newest| newest.sent.canary_no),
        Some(12)
    );
}
