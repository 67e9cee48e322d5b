//! A call of an operation, apart from the way it is sent.

use tokio::time::Instant;
use uuid::Uuid;

use crate::caller::Caller;
use crate::contract::{Argument, Operation};

/// One call of an operation. Its names are those of the contract, so an implementation may put them
/// into a statement or a path; values are parameters always.
#[derive(Debug, Clone)]
pub struct Call {
    pub operation: &'static Operation,
    /// One for each parameter, in the order of the declaration, so that each operation has one statement.
    pub arguments: Vec<Argument>,
    pub caller: Caller,
    /// By when the answer is due; behind it nobody waits for one.
    pub deadline: Instant,
}

impl Call {
    /// The value of an argument; none: the operation has no argument of that name.
    pub fn argument(&self, name: &str) -> Option<&Argument> {
        let position = self.operation.position(name)?;
        self.arguments.get(position)
    }

    /// The session that the call is about, as far as its arguments name one. A channel bears the id of its
    /// session.
    pub fn session(&self) -> Option<Uuid> {
        match self
            .argument("session_id")
            .or_else(|| self.argument("channel_id"))?
        {
            Argument::Uuid(session) => Some(*session),
            Argument::Text(channel) => Uuid::try_parse(channel).ok(),
            _ => None,
        }
    }
}
