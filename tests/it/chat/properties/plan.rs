//! The operations that a case makes at the same time.

use proptest::collection::vec;
use proptest::prelude::*;

pub const SESSIONS: usize = 2;
/// Those who send for themselves: three viewers and the seller.
pub const PEOPLE: usize = 4;
/// Connections of the service, which sends for anybody.
pub const SERVICES: usize = 2;
/// Ids that the connections of one sender have in common.
pub const COMMON_IDS: usize = 2;

#[derive(Debug, Clone)]
pub struct Plan {
    /// What each connection does, one thing after the other: the people's first.
    pub scripts: Vec<Vec<Transaction>>,
    /// A tick after so many steps of anybody; without one there is no ticker.
    pub tick_every: Option<usize>,
    /// The first stream ends after so many steps of anybody.
    pub end_after: Option<usize>,
    /// Which frames do not reach one of the readers.
    pub lost: Vec<bool>,
}

#[derive(Debug, Clone)]
pub struct Transaction {
    pub messages: Vec<PlannedMessage>,
    pub fate: TransactionEnd,
}

#[derive(Debug, Clone)]
pub struct PlannedMessage {
    pub session: usize,
    /// Whose it is; a connection of one person has no choice.
    pub person: usize,
    pub id: MessageId,
}

#[derive(Debug, Clone, Copy)]
pub enum MessageId {
    New,
    /// One that this connection used before, whatever became of it.
    Again(usize),
    /// One that others may use at the same moment.
    Common(usize),
}

/// How the transaction of a step goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionEnd {
    /// Each message alone; a service's together.
    Commit,
    /// All messages in one transaction, committed late.
    CommitLate,
    /// The same, rolled back.
    Abort,
    /// The server process is terminated while the call is on its way.
    KillCall,
    /// The server process is terminated before the transaction commits.
    KillTransaction,
    /// The server process is terminated while the commit is on its way.
    KillCommit,
}

pub fn plans() -> impl Strategy<Value = Plan> {
    let script = || vec(step(), 2..5);
    (
        vec(script(), PEOPLE + SERVICES),
        prop_oneof![1 => Just(None), 3 => (1..5_usize).prop_map(Some)],
        prop_oneof![2 => Just(None), 1 => (1..16_usize).prop_map(Some)],
        vec(prop::bool::weighted(0.3), 1..12),
    )
        .prop_map(|(scripts, tick_every, end_after, lost)| Plan {
            scripts,
            tick_every,
            end_after,
            lost,
        })
}

fn step() -> impl Strategy<Value = Transaction> {
    let id = prop_oneof![
        6 => Just(MessageId::New),
        2 => (0..8_usize).prop_map(MessageId::Again),
        2 => (0..COMMON_IDS).prop_map(MessageId::Common),
    ];
    let message = (0..SESSIONS, 0..PEOPLE, id).prop_map(|(session, person, id)| PlannedMessage {
        session,
        person,
        id,
    });
    let fate = prop_oneof![
        16 => Just(TransactionEnd::Commit),
        2 => Just(TransactionEnd::CommitLate),
        2 => Just(TransactionEnd::Abort),
        1 => Just(TransactionEnd::KillCall),
        1 => Just(TransactionEnd::KillTransaction),
        1 => Just(TransactionEnd::KillCommit),
    ];
    (vec(message, 1..4), fate).prop_map(|(messages, fate)| Transaction { messages, fate })
}
