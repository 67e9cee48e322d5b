//! A call of an operation, apart from the way it is sent.

use serde::Deserialize;
use tokio::time::Instant;
use uuid::Uuid;

use crate::caller::Caller;
use crate::contract::{Argument, Operation, Repeat};

/// One call of an operation. Its names are those of the contract, so an implementation may put them
/// into a statement or a path; values are parameters always.
#[derive(Debug, Clone)]
pub struct Call {
    pub operation: &'static Operation,
    /// One for each parameter, in the order of the declaration, so that each operation has one statement.
    pub arguments: Vec<Argument>,
    /// The stream or auction whose share of the connections it takes; none: nobody's.
    pub subject: Option<Subject>,
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

    /// Whether the contract lets the call be made again after its answer was lost.
    pub fn is_repeatable(&self) -> bool {
        match self.operation.repeat {
            Repeat::Safe => true,
            Repeat::SafeWith(key) => self
                .argument(key)
                .is_some_and(|value| *value != Argument::Null),
            Repeat::Unsafe => false,
        }
    }
}

/// What a call is about: whose locks it waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    Session(Uuid),
    /// An auction, where its stream is not known yet: one that is started or looked for.
    Auction(Uuid),
}

impl Subject {
    /// As far as the arguments name it; a batch names a session when all of its items do.
    pub fn of(operation: &Operation, arguments: &[Argument]) -> Option<Self> {
        let value = |name| arguments.get(operation.position(name)?);
        if let Some(Argument::Uuid(session)) = value("session_id") {
            return Some(Self::Session(*session));
        }
        if let Some(Argument::Text(channel)) = value("channel_id") {
            return Self::of_channel(channel);
        }
        if let Some(Argument::Json(items)) = value("items") {
            return session_of(items.as_str()).map(Self::Session);
        }
        match value("auction_id") {
            Some(Argument::Uuid(auction)) => Some(Self::Auction(*auction)),
            _ => None,
        }
    }

    /// A channel bears the id of its session.
    pub fn of_channel(channel: &str) -> Option<Self> {
        Uuid::try_parse(channel).ok().map(Self::Session)
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
    fn a_call_is_about_the_stream_or_else_the_auction_that_its_arguments_name() {
        let id = Uuid::from_u128(7);
        for (name, argument, expected) in [
            ("sync", Argument::Uuid(id), Subject::Session(id)),
            ("start_stream", Argument::Uuid(id), Subject::Auction(id)),
            ("get_live_stream", Argument::Uuid(id), Subject::Auction(id)),
            (
                "generate_buyer_token",
                Argument::Text(id.to_string()),
                Subject::Session(id),
            ),
        ] {
            let operation = crate::contract::Contract::get().operation(name);
            let operation = operation.expect("an operation");
            let of_the_subject = ["session_id", "channel_id", "auction_id"];
            let arguments = operation.parameters.iter().map(|parameter| {
                match of_the_subject.contains(&parameter.name) {
                    true => argument.clone(),
                    false => Argument::Null,
                }
            });
            let arguments: Vec<_> = arguments.collect();
            assert_eq!(Subject::of(operation, &arguments), Some(expected), "{name}");
        }
    }

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
