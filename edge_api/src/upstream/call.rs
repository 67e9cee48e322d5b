//! A call of an operation, apart from the way it is sent.

use serde::Deserialize;
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

    /// The session that the call is about, as far as its arguments name one: a batch names it when all of its
    /// items do, and a channel bears the id of its session.
    pub fn session(&self) -> Option<Uuid> {
        let named = ["session_id", "channel_id", "items"]
            .into_iter()
            .find_map(|name| self.argument(name))?;
        match named {
            Argument::Uuid(session) => Some(*session),
            Argument::Text(channel) => Uuid::try_parse(channel).ok(),
            Argument::Json(items) => session_of(items.as_str()),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct Item {
    session_id: Uuid,
}

fn session_of(items: &str) -> Option<Uuid> {
    let items: Vec<Item> = serde_json::from_str(items).ok()?;
    let first = items.first()?.session_id;
    items
        .iter()
        .all(|item| item.session_id == first)
        .then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_about_the_session_that_all_of_its_items_name() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        for (sessions, expected) in [
            (vec![one, one], Some(one)),
            (vec![one, two], None),
            (vec![], None),
        ] {
            let items: Vec<_> = sessions
                .iter()
                .map(|session| format!(r#"{{"session_id": "{session}", "content": "a"}}"#))
                .collect();
            assert_eq!(session_of(&format!("[{}]", items.join(","))), expected);
        }
        assert_eq!(session_of("{}"), None);
    }
}
