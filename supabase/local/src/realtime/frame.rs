//! Phoenix frames of protocol version 2.0.0 as Realtime uses it: JSON arrays both ways, and two
//! binary kinds for broadcasts.

use axum::body::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Client to server: a broadcast push.
const USER_BROADCAST_PUSH: u8 = 3;
/// Server to client: a broadcast.
const USER_BROADCAST: u8 = 4;

/// The limit of a message, in rows and from clients: 3,000 kB and what wraps them.
pub const MAX_PAYLOAD_BYTES: usize = 3_000_500;

/// A message from a client.
#[derive(Debug, Clone, PartialEq)]
pub struct Push {
    pub join_ref: Option<String>,
    pub reference: Option<String>,
    pub topic: String,
    pub event: Event,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// `phx_join`, `heartbeat` and the like, by name.
    Named {
        name: String,
        payload: Value,
    },
    Broadcast(UserBroadcast),
}

/// A client's message to the others of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserBroadcast {
    pub event: String,
    pub encoding: Encoding,
    pub payload: Bytes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Encoding {
    Binary = 0,
    Json = 1,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("a text frame is not [join_ref, ref, topic, event, payload]")]
    Text,
    #[error("a binary frame is cut short or not UTF-8")]
    Binary,
    #[error("binary frames of this kind are not known")]
    Kind,
    /// Each length is one byte on the wire.
    #[error("a topic, an event or its metadata is longer than 255 bytes")]
    TooLong,
}

/// Reads a text frame.
pub fn parse_text(text: &str) -> Result<Push, FrameError> {
    #[derive(Deserialize)]
    struct Frame(Option<String>, Option<String>, String, String, Value);
    let Frame(join_ref, reference, topic, name, payload) =
        serde_json::from_str(text).map_err(|_| FrameError::Text)?;
    Ok(Push {
        join_ref,
        reference,
        topic,
        event: as_broadcast(&name, &payload).unwrap_or(Event::Named { name, payload }),
    })
}

/// Reads a binary frame: kind, six lengths and encoding, then the strings and the payload.
pub fn parse_binary(frame: &Bytes) -> Result<Push, FrameError> {
    let [kind, join_ref, reference, topic, event, metadata, encoding] =
        *frame.first_chunk::<7>().ok_or(FrameError::Binary)?;
    if kind != USER_BROADCAST_PUSH {
        return Err(FrameError::Kind);
    }
    let encoding = match encoding {
        0 => Encoding::Binary,
        1 => Encoding::Json,
        _ => return Err(FrameError::Binary),
    };
    let mut rest = frame.slice(7..);
    let mut take = |length: u8| {
        if rest.len() < usize::from(length) {
            return Err(FrameError::Binary);
        }
        let bytes = rest.split_to(usize::from(length));
        String::from_utf8(bytes.into()).map_err(|_| FrameError::Binary)
    };
    let join_ref = Some(take(join_ref)?).filter(|text| !text.is_empty());
    let reference = Some(take(reference)?).filter(|text| !text.is_empty());
    let topic = take(topic)?;
    let event = take(event)?;
    take(metadata)?;
    if encoding == Encoding::Json && serde_json::from_slice::<serde::de::IgnoredAny>(&rest).is_err()
    {
        return Err(FrameError::Binary);
    }
    Ok(Push {
        join_ref,
        reference,
        topic,
        event: Event::Broadcast(UserBroadcast {
            event,
            encoding,
            payload: rest,
        }),
    })
}

/// Writes a text frame.
pub fn text(
    join_ref: Option<&str>,
    reference: Option<&str>,
    topic: &str,
    event: &str,
    payload: &impl Serialize,
) -> String {
    // Fails for maps whose keys are no texts, and there are none. Not through a Value, which would round
    // the numbers of a payload that is JSON already.
    serde_json::to_string(&(join_ref, reference, topic, event, payload)).unwrap_or_default()
}

/// Writes a broadcast to clients. `topic` is the clients' name of it, with `realtime:`.
pub fn broadcast(
    topic: &str,
    event: &str,
    metadata: &str,
    encoding: Encoding,
    payload: &[u8],
) -> Result<Bytes, FrameError> {
    let length = |text: &str| u8::try_from(text.len()).map_err(|_| FrameError::TooLong);
    let header = [
        USER_BROADCAST,
        length(topic)?,
        length(event)?,
        length(metadata)?,
        encoding as u8,
    ];
    let strings = [topic.as_bytes(), event.as_bytes(), metadata.as_bytes()];
    let mut frame = Vec::with_capacity(header.len() + strings.concat().len() + payload.len());
    frame.extend_from_slice(&header);
    frame.extend_from_slice(&strings.concat());
    frame.extend_from_slice(payload);
    Ok(frame.into())
}

/// The clients' name of the topic of a broadcast to them.
pub fn topic_of(broadcast: &[u8]) -> Option<&str> {
    let length = usize::from(*broadcast.get(1)?);
    std::str::from_utf8(broadcast.get(5..5 + length)?).ok()
}

/// The text form of a broadcast, from clients that do not use the binary one.
fn as_broadcast(name: &str, payload: &Value) -> Option<Event> {
    if name != "broadcast" {
        return None;
    }
    let event = payload.get("event")?.as_str()?.to_owned();
    let body = payload.get("payload").unwrap_or(&Value::Null);
    Some(Event::Broadcast(UserBroadcast {
        event,
        encoding: Encoding::Json,
        payload: body.to_string().into(),
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn push_bytes(encoding: u8, payload: &[u8]) -> Bytes {
        let mut frame = vec![3, 1, 2, 10, 1, 2, encoding];
        frame.extend_from_slice(b"1");
        frame.extend_from_slice(b"22");
        frame.extend_from_slice(b"realtime:a");
        frame.extend_from_slice(b"e");
        frame.extend_from_slice(b"{}");
        frame.extend_from_slice(payload);
        frame.into()
    }

    #[test]
    fn a_text_frame_is_read_with_its_nulls() {
        let push = parse_text(r#"[null,"7","phoenix","heartbeat",{}]"#).unwrap();
        assert_eq!(
            push,
            Push {
                join_ref: None,
                reference: Some("7".to_owned()),
                topic: "phoenix".to_owned(),
                event: Event::Named {
                    name: "heartbeat".to_owned(),
                    payload: json!({}),
                },
            }
        );
    }

    #[test]
    fn malformed_text_is_refused() {
        for text in ["", "{}", "[]", "[1,2,3,4,5]", r#"[null,null,"t","e"]"#] {
            assert_eq!(parse_text(text), Err(FrameError::Text), "{text}");
        }
    }

    #[test]
    fn a_binary_push_is_read() {
        let push = parse_binary(&push_bytes(1, b"{\"x\":1}")).unwrap();
        assert_eq!(push.join_ref.as_deref(), Some("1"));
        assert_eq!(push.reference.as_deref(), Some("22"));
        assert_eq!(push.topic, "realtime:a");
        assert_eq!(
            push.event,
            Event::Broadcast(UserBroadcast {
                event: "e".to_owned(),
                encoding: Encoding::Json,
                payload: Bytes::from_static(b"{\"x\":1}"),
            })
        );
    }

    #[test]
    fn a_binary_push_cut_short_anywhere_is_refused() {
        let whole = push_bytes(0, b"");
        for length in 0..whole.len() {
            let cut = whole.slice(..length);
            assert!(parse_binary(&cut).is_err(), "{length} bytes");
        }
        assert!(parse_binary(&whole).is_ok());
    }

    #[test]
    fn a_binary_push_that_is_not_the_json_it_says_is_refused() {
        assert_eq!(parse_binary(&push_bytes(1, b"{")), Err(FrameError::Binary));
        assert!(parse_binary(&push_bytes(0, b"{")).is_ok());
        assert_eq!(parse_binary(&push_bytes(2, b"{}")), Err(FrameError::Binary));
    }

    #[test]
    fn other_binary_kinds_are_refused() {
        let frame = Bytes::from_static(&[4, 0, 0, 0, 0, 0, 0]);
        assert_eq!(parse_binary(&frame), Err(FrameError::Kind));
    }

    #[test]
    fn a_text_broadcast_equals_a_binary_one() {
        let text = r#"["1","22","realtime:a","broadcast",{"type":"broadcast","event":"e","payload":{"x":1}}]"#;
        assert_eq!(
            parse_text(text).unwrap(),
            parse_binary(&push_bytes(1, b"{\"x\":1}")).unwrap()
        );
    }

    #[test]
    fn a_broadcast_to_clients_has_its_lengths_first() {
        let frame = broadcast("realtime:a", "e", "{}", Encoding::Json, b"[]").unwrap();
        assert_eq!(&frame[..5], &[4, 10, 1, 2, 1]);
        assert_eq!(&frame[5..], b"realtime:ae{}[]");
        assert_eq!(topic_of(&frame), Some("realtime:a"));
    }

    #[test]
    fn a_topic_of_more_than_255_bytes_cannot_be_sent() {
        let long = "t".repeat(256);
        assert_eq!(
            broadcast(&long, "e", "", Encoding::Json, b"{}"),
            Err(FrameError::TooLong)
        );
        assert!(broadcast(&long[..255], "e", "", Encoding::Json, b"{}").is_ok());
    }
}
