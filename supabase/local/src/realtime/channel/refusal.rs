//! Reasons for which a channel is not joined, or ends, in the real server's words.

use crate::realtime::authorization::AuthorizationError;
use crate::realtime::token::SubjectError;

/// The reason for which a channel is not joined, or ends. The text answers a join.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("TopicNameRequired: You must provide a topic name")]
    TopicName,
    #[error("ChannelRateLimitReached: Too many channels")]
    TooManyChannels,
    #[error("UnableToReplayMessages: Replay is not allowed for public channels")]
    ReplayOfPublicChannel,
    #[error("UnableToReplayMessages: Replay params are not valid")]
    MalformedReplay,
    #[error("UnableToReplayMessages: Realtime was unable to replay messages")]
    Replay,
    #[error("UnknownErrorOnChannel: supabase_local does not serve postgres_changes")]
    PostgresChanges,
    #[error(transparent)]
    Token(#[from] SubjectError),
    #[error("Unauthorized: You do not have permissions to read from this Channel topic: {0}")]
    Unauthorized(String),
    /// Only of a channel that was joined before.
    #[error("Unauthorized: You no longer have permission to read from this Channel topic: {0}")]
    Revoked(String),
    #[error(transparent)]
    Authorization(AuthorizationError),
}

impl Refusal {
    /// The system message to a channel that was joined before; in it no code stands before the text.
    pub fn to_channel(&self) -> String {
        const NO_CONNECTION: &str = "Realtime was unable to connect to the project database";
        match self {
            Self::Unauthorized(topic) => {
                format!("You do not have permissions to read from this Channel topic: {topic}")
            }
            Self::Revoked(topic) => {
                format!("You no longer have permission to read from this Channel topic: {topic}")
            }
            Self::Token(SubjectError::Signature) => ":signature_error".to_owned(),
            Self::Authorization(AuthorizationError::QueryCanceled) => {
                "Query was cancelled, please try again".to_owned()
            }
            Self::Authorization(AuthorizationError::PoolExhausted) => {
                ":increase_connection_pool".to_owned()
            }
            Self::Authorization(_) => NO_CONNECTION.to_owned(),
            other => {
                let text = other.to_string();
                let after_code = text.split_once(": ").map(|(_, text)| text.to_owned());
                after_code.unwrap_or(text)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_a_join_begins_with_a_code_and_a_system_message_does_not() {
        for (refusal, joining, joined) in [
            (
                Refusal::Unauthorized("t:1".to_owned()),
                "Unauthorized: You do not have permissions to read from this Channel topic: t:1",
                "You do not have permissions to read from this Channel topic: t:1",
            ),
            (
                SubjectError::Expired(7).into(),
                "InvalidJWTToken: Token has expired 7 seconds ago",
                "Token has expired 7 seconds ago",
            ),
            (
                SubjectError::Malformed.into(),
                "MalformedJWT: The token provided is not a valid JWT",
                "The token provided is not a valid JWT",
            ),
            (
                SubjectError::Claims.into(),
                "InvalidJWTToken: Fields `role` and `exp` are required in JWT",
                "Fields `role` and `exp` are required in JWT",
            ),
            (
                Refusal::Authorization(AuthorizationError::MissingPartition),
                "MissingPartition: Realtime was unable to find the expected messages partition",
                "Realtime was unable to connect to the project database",
            ),
            (
                Refusal::Authorization(AuthorizationError::QueryCanceled),
                "QueryCanceled: canceling statement due to statement timeout",
                "Query was cancelled, please try again",
            ),
        ] {
            assert_eq!(refusal.to_string(), joining);
            assert_eq!(refusal.to_channel(), joined);
        }
        let revoked = Refusal::Revoked("t".to_owned()).to_channel();
        assert_eq!(
            revoked,
            "You no longer have permission to read from this Channel topic: t"
        );
    }
}
