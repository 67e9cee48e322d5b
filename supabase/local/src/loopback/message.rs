//! The messages of a signalling socket, each a JSON object with one member that names it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Hosts send video and sound; the audience only receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Host,
    Audience,
}

/// The wish to be in a channel; the first message of a socket.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Join {
    pub channel: String,
    pub uid: u32,
    pub role: Role,
    pub token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    Join(Join),
    /// Another token for the same place.
    Renew {
        token: String,
    },
    /// Anything for another member, of which the server reads nothing.
    Signal {
        to: u32,
        data: Box<RawValue>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Peer {
    pub uid: u32,
    pub role: Role,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Event<'a> {
    Joined {
        peers: Vec<Peer>,
    },
    Renewed {},
    /// Of a join, after which the socket is closed, or of a renewal, after which it goes on.
    Refused {
        reason: Refusal,
    },
    PeerJoined(Peer),
    PeerLeft {
        uid: u32,
    },
    Signal {
        from: u32,
        data: &'a RawValue,
    },
    TokenWillExpire {},
    /// Said regularly: a browser's client cannot see pings, and takes silence for a broken network.
    Alive {},
    /// The socket is closed behind it.
    Ended {
        reason: End,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    #[error("no certificate of this stack signed the token")]
    TokenInvalid,
    #[error("the token has expired")]
    TokenExpired,
    #[error("the token is for another channel")]
    OtherChannel,
    #[error("the token is for another uid")]
    OtherUid,
    #[error("the token does not allow to publish")]
    NotPublisher,
    #[error("the same uid joined from elsewhere in the meantime")]
    TakenOver,
    #[error("the channel is full, or there are too many")]
    Full,
    #[error("not a message of this protocol")]
    Malformed,
    #[error("the token could not be checked")]
    Unavailable,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The same uid joined from elsewhere.
    TakenOver,
    TokenExpired,
    TooSlow,
    Restart,
}

impl Event<'_> {
    pub fn to_text(&self) -> String {
        // No map with keys that are no strings, and no value that fails: it cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_one_member_and_nothing_unknown() {
        let join = r#"{"join": {"channel": "c", "uid": 1, "role": "host", "token": "t"}}"#;
        assert!(matches!(
            serde_json::from_str(join),
            Ok(Request::Join(Join {
                uid: 1,
                role: Role::Host,
                ..
            }))
        ));
        let signal = r#"{"signal": {"to": 2, "data": {"any": [1, "thing"]}}}"#;
        let Ok(Request::Signal { to: 2, data }) = serde_json::from_str(signal) else {
            panic!("no signal");
        };
        assert_eq!(data.get(), r#"{"any": [1, "thing"]}"#);
        for wrong in [
            r#"{"join": {"channel": "c", "uid": -1, "role": "host", "token": "t"}}"#,
            r#"{"join": {"channel": "c", "uid": 1, "role": "owner", "token": "t"}}"#,
            r#"{"join": {"channel": "c", "uid": 1, "role": "host", "token": "t", "more": 1}}"#,
            r#"{"signal": {"to": 2}}"#,
            r#"{"else": {}}"#,
            "[]",
        ] {
            assert!(serde_json::from_str::<Request>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn events_name_themselves() {
        let peer = Peer {
            uid: 7,
            role: Role::Audience,
        };
        assert_eq!(
            Event::PeerJoined(peer).to_text(),
            r#"{"peer_joined":{"uid":7,"role":"audience"}}"#
        );
        let refused = Event::Refused {
            reason: Refusal::OtherChannel,
        };
        assert_eq!(
            refused.to_text(),
            r#"{"refused":{"reason":"other_channel"}}"#
        );
        assert_eq!(
            Event::TokenWillExpire {}.to_text(),
            r#"{"token_will_expire":{}}"#
        );
    }
}
