//! The operations on the chat of a stream, and the people who try them.

use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Actor {
    Seller,
    /// Nobody in particular; never the one whom a call is about.
    Service,
    FirstModerator,
    SecondModerator,
    Ada,
    Ben,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RestrictionKind {
    Mute,
    Ban,
}

impl RestrictionKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mute => "mute",
            Self::Ban => "ban",
        }
    }
}

#[derive(Debug, Clone)]
pub enum Operation {
    Restrict {
        target: Actor,
        kind: RestrictionKind,
        duration_s: Option<i64>,
    },
    Lift {
        target: Actor,
        kind: RestrictionKind,
    },
    SlowMode(i64),
    ChatMode(&'static str),
    /// Messages are named by their place among those written so far.
    Pin(usize),
    Unpin,
    Delete(usize),
    DeleteAll(Actor),
    Block(&'static str),
    Unblock(&'static str),
    /// A message of the actor is in the log.
    Write,
    Join,
    End,
    /// A minute goes by.
    Minute,
}

pub type Call = (Actor, Operation);

pub fn sequences() -> impl Strategy<Value = Vec<Call>> {
    vec((actors(), operations()), 4..24)
}

fn actors() -> impl Strategy<Value = Actor> {
    prop_oneof![
        3 => Just(Actor::Seller),
        1 => Just(Actor::Service),
        3 => Just(Actor::FirstModerator),
        3 => Just(Actor::SecondModerator),
        2 => Just(Actor::Ada),
        1 => Just(Actor::Ben),
    ]
}

fn targets() -> impl Strategy<Value = Actor> {
    prop_oneof![
        1 => Just(Actor::Seller),
        2 => Just(Actor::FirstModerator),
        1 => Just(Actor::SecondModerator),
        4 => Just(Actor::Ada),
        2 => Just(Actor::Ben),
    ]
}

fn operations() -> impl Strategy<Value = Operation> {
    let kind = prop_oneof![Just(RestrictionKind::Mute), Just(RestrictionKind::Ban)];
    // Never a whole number of minutes: an end is always at least 25 s away.
    let duration_s = prop_oneof![Just(None), Just(Some(95)), Just(Some(205))];
    let term = prop_oneof![Just("scam"), Just("SC\u{C0}M!"), Just("pay me"), Just("?!")];
    prop_oneof![
        8 => (targets(), kind.clone(), duration_s).prop_map(|(target, kind, duration_s)| {
            Operation::Restrict { target, kind, duration_s }
        }),
        5 => (targets(), kind).prop_map(|(target, kind)| Operation::Lift { target, kind }),
        2 => prop_oneof![Just(0), Just(1000), Just(-1)].prop_map(Operation::SlowMode),
        2 => prop_oneof![Just("viewers"), Just("hosts"), Just("all")].prop_map(Operation::ChatMode),
        4 => (0..6_usize).prop_map(Operation::Pin),
        1 => Just(Operation::Unpin),
        4 => (0..6_usize).prop_map(Operation::Delete),
        2 => targets().prop_map(Operation::DeleteAll),
        2 => term.clone().prop_map(Operation::Block),
        1 => term.prop_map(Operation::Unblock),
        7 => Just(Operation::Write),
        3 => Just(Operation::Join),
        1 => Just(Operation::End),
        3 => Just(Operation::Minute),
    ]
}
