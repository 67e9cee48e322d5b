//! What can happen to the chat of a stream, and who may try it?

use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Person {
    Seller,
    /// Nobody in particular; never the one whom a call is about.
    Service,
    FirstModerator,
    SecondModerator,
    Ada,
    Ben,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Mute,
    Ban,
}

impl Kind {
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
        target: Person,
        kind: Kind,
        duration_s: Option<i64>,
    },
    Lift {
        target: Person,
        kind: Kind,
    },
    SlowMode(i64),
    ChatMode(&'static str),
    /// Messages are named by their place among those written so far.
    Pin(usize),
    Unpin,
    Delete(usize),
    DeleteAll(Person),
    Block(&'static str),
    Unblock(&'static str),
    /// A message of the actor is in the log.
    Write,
    Join,
    End,
    /// A minute goes by.
    Minute,
}

pub type Call = (Person, Operation);

pub fn sequences() -> impl Strategy<Value = Vec<Call>> {
    vec((actors(), operations()), 4..24)
}

fn actors() -> impl Strategy<Value = Person> {
    prop_oneof![
        3 => Just(Person::Seller),
        1 => Just(Person::Service),
        3 => Just(Person::FirstModerator),
        3 => Just(Person::SecondModerator),
        2 => Just(Person::Ada),
        1 => Just(Person::Ben),
    ]
}

fn targets() -> impl Strategy<Value = Person> {
    prop_oneof![
        1 => Just(Person::Seller),
        2 => Just(Person::FirstModerator),
        1 => Just(Person::SecondModerator),
        4 => Just(Person::Ada),
        2 => Just(Person::Ben),
    ]
}

fn operations() -> impl Strategy<Value = Operation> {
    let kind = prop_oneof![Just(Kind::Mute), Just(Kind::Ban)];
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
