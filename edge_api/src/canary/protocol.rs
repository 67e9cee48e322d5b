//! Phoenix's protocol, version 2.0.0, as far as a subscriber of one private channel speaks it.
//!
//! Texts are arrays `[join_ref, ref, topic, event, payload]`; broadcasts of the database come as binary frames of kind 4: the
//! kind, the lengths of topic, event and metadata, the encoding (1: JSON), then these and the payload.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::link::Sent;

/// With which topics begin on the wire.
const PREFIX: &str = "realtime:";

/// The topic of the connection itself.
const CONNECTION: &str = "phoenix";

const BROADCAST_KIND: u8 = 4;
const JSON_ENCODING: u8 = 1;

/// The event of the database's canary.
const CANARY: &str = "canary";

/// What the server says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The answer to a message with this number.
    Reply {
        to: String,
        refused: Option<String>,
    },
    /// A system message: all is well, or what is not.
    System {
        fault: Option<String>,
        text: String,
    },
    /// The channel is over.
    Closed,
    Canary(Sent),
    /// Anything else.
    Other,
}

/// The channel of one user's canaries.
pub(super) struct Channel {
    topic: String,
}

#[derive(Deserialize)]
struct Frame<'a>(
    IgnoredAny,
    Option<String>,
    String,
    String,
    #[serde(borrow)] &'a RawValue,
);

#[derive(Deserialize)]
struct Broadcast {
    event: String,
    payload: Value,
}

impl Channel {
    pub(super) fn new(topic: &str) -> Self {
        Self {
            topic: format!("{PREFIX}{topic}"),
        }
    }

    /// Asks to join, with the user's token.
    pub(super) fn join(&self, number: u64, token: &str) -> String {
        let number = number.to_string();
        let config = json!({
            "broadcast": {"ack": false, "self": false, "replication_ready": true},
            "presence": {"key": "", "enabled": false},
            "postgres_changes": [],
            "private": true,
        });
        let payload = json!({"config": config, "access_token": token});
        json!([number, number, self.topic, "phx_join", payload]).to_string()
    }

    /// Tells a newer token.
    pub(super) fn renew(&self, join_number: u64, number: u64, token: &str) -> String {
        json!([
            join_number.to_string(),
            number.to_string(),
            self.topic,
            "access_token",
            {"access_token": token}
        ])
        .to_string()
    }

    pub(super) fn heartbeat(number: u64) -> String {
        json!([null, number.to_string(), CONNECTION, "heartbeat", {}]).to_string()
    }

    /// Reads a text message.
    pub(super) fn read_text(&self, text: &str) -> Told {
        let Ok(Frame(_, number, topic, event, payload)) = serde_json::from_str(text) else {
            return Told::Other;
        };
        let payload = payload.get();
        if event == "phx_reply" {
            let reply: Value = serde_json::from_str(payload).unwrap_or_default();
            let is_refused = reply["status"] != "ok";
            let reason = reply["response"]["reason"].as_str().unwrap_or_default();
            return Told::Reply {
                to: number.unwrap_or_default(),
                refused: is_refused.then(|| reason.to_owned()),
            };
        }
        if topic != self.topic {
            return Told::Other;
        }
        match event.as_str() {
            "phx_close" | "phx_error" => Told::Closed,
            "system" => {
                let system: Value = serde_json::from_str(payload).unwrap_or_default();
                let text = system["message"].as_str().unwrap_or_default().to_owned();
                let is_fault = system["status"] == "error";
                Told::System {
                    fault: is_fault.then(|| text.clone()),
                    text,
                }
            }
            "broadcast" => match serde_json::from_str::<Broadcast>(payload) {
                Ok(Broadcast { event, payload }) if event == CANARY => canary(payload),
                _ => Told::Other,
            },
            _ => Told::Other,
        }
    }

    /// Reads a binary message.
    pub(super) fn read_binary(&self, bytes: &[u8]) -> Told {
        let [
            BROADCAST_KIND,
            topic,
            event,
            metadata,
            JSON_ENCODING,
            rest @ ..,
        ] = bytes
        else {
            return Told::Other;
        };
        let mut rest = rest;
        let mut take = |length: u8| {
            let (part, behind) = rest.split_at_checked(usize::from(length))?;
            rest = behind;
            Some(part)
        };
        let parts = (take(*topic), take(*event), take(*metadata));
        let (Some(topic), Some(event), Some(_)) = parts else {
            return Told::Other;
        };
        if topic != self.topic.as_bytes() || event != CANARY.as_bytes() {
            return Told::Other;
        }
        serde_json::from_slice(rest).map_or(Told::Other, canary)
    }
}

fn canary(payload: Value) -> Told {
    serde_json::from_value(payload).map_or(Told::Other, Told::Canary)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: &str = "realtime:canary:u";
    const PAYLOAD: &str = r#"{"id":"x","canary_no":3,"server_time":"2026-01-01T00:00:00.5+00:00"}"#;

    fn channel() -> Channel {
        Channel::new("canary:u")
    }

    fn sent() -> Sent {
        Sent {
            canary_no: 3,
            server_time: "2026-01-01T00:00:00.5Z".parse().expect("a time"),
        }
    }

    fn binary(topic: &str, event: &str) -> Vec<u8> {
        let metadata = r#"{"id":"x"}"#;
        let lengths = [topic, event, metadata].map(|part| u8::try_from(part.len()).expect("short"));
        let mut bytes = vec![
            BROADCAST_KIND,
            lengths[0],
            lengths[1],
            lengths[2],
            JSON_ENCODING,
        ];
        for part in [topic, event, metadata, PAYLOAD] {
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }

    #[test]
    fn a_canary_comes_as_binary_or_as_text() {
        assert_eq!(
            channel().read_binary(&binary(TOPIC, CANARY)),
            Told::Canary(sent())
        );
        let text = format!(
            r#"[null,null,"{TOPIC}","broadcast",{{"type":"broadcast","event":"canary","payload":{PAYLOAD}}}]"#
        );
        assert_eq!(channel().read_text(&text), Told::Canary(sent()));
    }

    #[test]
    fn other_topics_events_and_cut_frames_are_nothing() {
        let whole = binary(TOPIC, CANARY);
        for bytes in [
            binary("realtime:canary:v", CANARY),
            binary(TOPIC, "messages"),
            whole[..12].to_vec(),
            Vec::new(),
        ] {
            assert_eq!(channel().read_binary(&bytes), Told::Other);
        }
        assert_eq!(channel().read_text("nonsense"), Told::Other);
    }

    #[test]
    fn replies_and_system_messages_say_what_is_wrong() {
        let read = |text: &str| channel().read_text(text);
        assert_eq!(
            read(&format!(
                r#"["1","1","{TOPIC}","phx_reply",{{"status":"ok","response":{{}}}}]"#
            )),
            Told::Reply {
                to: "1".to_owned(),
                refused: None
            }
        );
        assert_eq!(
            read(&format!(
                r#"["1","1","{TOPIC}","phx_reply",{{"status":"error","response":{{"reason":"Unauthorized: no"}}}}]"#
            )),
            Told::Reply {
                to: "1".to_owned(),
                refused: Some("Unauthorized: no".to_owned())
            }
        );
        assert_eq!(
            read(&format!(
                r#"["1",null,"{TOPIC}","system",{{"status":"error","message":"Too many messages per second"}}]"#
            )),
            Told::System {
                fault: Some("Too many messages per second".to_owned()),
                text: "Too many messages per second".to_owned()
            }
        );
        assert_eq!(
            read(&format!(r#"["1","1","{TOPIC}","phx_close",{{}}]"#)),
            Told::Closed
        );
    }
}
