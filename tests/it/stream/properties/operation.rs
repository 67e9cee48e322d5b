//! The operations on streams, and the likelihood of each.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use uuid::Uuid;

/// Who a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Person {
    Seller,
    Ada,
    Ben,
}

impl Person {
    pub const ALL: [Self; 3] = [Self::Seller, Self::Ada, Self::Ben];

    pub fn id(self) -> Uuid {
        match self {
            Self::Seller => demo::SELLER,
            Self::Ada => demo::ADA,
            Self::Ben => demo::BEN,
        }
    }

    pub fn username(self) -> &'static str {
        match self {
            Self::Seller => "seller",
            Self::Ada => "ada",
            Self::Ben => "ben",
        }
    }
}

/// A fencing number as a client may hold it.
#[derive(Debug, Clone, Copy)]
pub enum FencingNumber {
    Nothing,
    Current,
    Stale,
}

#[derive(Debug, Clone)]
pub enum Operation {
    Start,
    Move {
        to: StreamState,
        generation: FencingNumber,
    },
    Join,
    Leave {
        join_no: FencingNumber,
    },
    /// `id` is one of a few, so that retries and conflicts happen.
    Send {
        content: String,
        id: Option<usize>,
    },
    SellerToken,
    BuyerToken,
    Sync {
        after: Option<i64>,
    },
    /// As the host with a generation, as a viewer with the number of a join.
    Heartbeat {
        number: FencingNumber,
        foreground: Option<bool>,
    },
    /// For all streams of the case; a multiple of [`TIME_STEP`].
    PassTime {
        seconds: i64,
    },
    Sweep,
    Tick,
}

/// Timeouts and passing times are multiples of this many seconds: what a case really takes is far
/// less, so the model knows which timeouts are over.
pub const TIME_STEP: i64 = 10;

/// One call: what, about whom, by the service or by themself, on the newest session or on the one
/// before it.
#[derive(Debug, Clone)]
pub struct Call {
    pub operation: Operation,
    pub person: Person,
    pub by_service: bool,
    pub on_previous: bool,
}

/// How many message ids a case uses.
pub const MESSAGE_IDS: usize = 6;

pub fn sequences() -> impl Strategy<Value = Vec<Call>> {
    vec(calls(), 1..50)
}

pub fn calls() -> impl Strategy<Value = Call> {
    let people = prop_oneof![
        2 => Just(Person::Seller),
        2 => Just(Person::Ada),
        1 => Just(Person::Ben),
    ];
    (
        operations(),
        people,
        prop::bool::weighted(0.15),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(operation, person, by_service, on_previous)| Call {
            operation,
            person,
            by_service,
            on_previous,
        })
}

fn operations() -> impl Strategy<Value = Operation> {
    prop_oneof![
        2 => Just(Operation::Start),
        4 => (select(StreamState::ALL), held())
            .prop_map(|(to, generation)| Operation::Move { to, generation }),
        4 => Just(Operation::Join),
        2 => held().prop_map(|join_no| Operation::Leave { join_no }),
        8 => (contents(), prop::option::weighted(0.6, 0..MESSAGE_IDS))
            .prop_map(|(content, id)| Operation::Send { content, id }),
        1 => Just(Operation::SellerToken),
        2 => Just(Operation::BuyerToken),
        2 => prop::option::of(0..12_i64).prop_map(|after| Operation::Sync { after }),
        6 => (held(), prop::option::of(any::<bool>()))
            .prop_map(|(number, foreground)| Operation::Heartbeat { number, foreground }),
        4 => select(&[1, 1, 2, 2, 3, 5, 6, 30, 280][..])
            .prop_map(|steps| Operation::PassTime { seconds: steps * TIME_STEP }),
        3 => Just(Operation::Sweep),
        2 => Just(Operation::Tick),
    ]
}

fn held() -> impl Strategy<Value = FencingNumber> {
    prop_oneof![
        3 => Just(FencingNumber::Nothing),
        2 => Just(FencingNumber::Current),
        1 => Just(FencingNumber::Stale),
    ]
}

fn contents() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-z' ]{1,12}",
        1 => "\\PC{0,40}",
        1 => Just("control\u{7}".to_owned()),
        1 => Just(String::new()),
    ]
}
