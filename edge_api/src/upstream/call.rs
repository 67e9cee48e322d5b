//! A call of an operation, apart from the way it is sent.

use tokio::time::Instant;

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
}
