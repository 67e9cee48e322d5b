//! What does each id name? One type per thing, so that a seller's id cannot be passed as an auction's.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::upstream::Argument;

/// The text is not a uuid in its usual form (RFC 9562: 36 characters with hyphens).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a uuid")]
pub struct NotAUuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// Reads the hyphenated form only: the one in which the database writes ids.
            pub fn parse(text: &str) -> Result<Self, NotAUuid> {
                parse_hyphenated(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotAUuid;

            fn try_from(text: String) -> Result<Self, NotAUuid> {
                Self::parse(&text)
            }
        }

        impl From<$name> for Argument {
            fn from(id: $name) -> Self {
                Self::Uuid(Some(id.0))
            }
        }

        impl From<Option<$name>> for Argument {
            fn from(id: Option<$name>) -> Self {
                Self::Uuid(id.map(|id| id.0))
            }
        }

        impl From<Vec<$name>> for Argument {
            fn from(ids: Vec<$name>) -> Self {
                Self::Uuids(ids.into_iter().map(|id| id.0).collect())
            }
        }
    )*};
}

ids! {
    /// A stream session.
    SessionId
    /// A user: seller, buyer or author.
    UserId
    /// An auction of the host application.
    AuctionId
    /// A chat message; made by the client that sends it.
    MessageId
    /// That a user follows a chat.
    SubscriptionId
}

fn parse_hyphenated(text: &str) -> Result<Uuid, NotAUuid> {
    // The other forms that the parser knows (braces, urn:, no hyphens) have other lengths.
    if text.len() != uuid::fmt::Hyphenated::LENGTH {
        return Err(NotAUuid);
    }
    Uuid::try_parse(text).map_err(|_| NotAUuid)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "00000000-0000-4000-8000-000000000001";

    #[test]
    fn the_hyphenated_form_is_read_in_either_case() {
        assert_eq!(
            SessionId::parse("ABCDEF00-0000-4000-8000-000000000001"),
            SessionId::parse("abcdef00-0000-4000-8000-000000000001")
        );
        assert!(SessionId::parse(ID).is_ok());
    }

    #[test]
    fn every_other_form_is_refused() {
        let braced = format!("{{{ID}}}");
        let urn = format!("urn:uuid:{ID}");
        let bare = ID.replace('-', "");
        for text in ["", "1", &braced, &urn, &bare, &ID.replace('0', "g")] {
            assert_eq!(UserId::parse(text), Err(NotAUuid), "{text}");
        }
    }
}
