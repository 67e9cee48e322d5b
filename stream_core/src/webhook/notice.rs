//! Parsing of a notice, as something that anybody might have written: every field has bounds.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::event::{Cause, Change, Event, UserChange, UserKind};

/// A genuine notice has some hundred bytes.
pub const MAX_NOTICE_BYTES: usize = 16 * 1024;

/// The channel of the test that Agora's console sends.
pub const TEST_CHANNEL: &str = "test_webhook";

/// Agora's number of the product whose channels these are.
const RTC: i32 = 1;

/// A notice's id.
pub const MAX_ID_BYTES: usize = 64;

/// Agora's own limit is 63 or 64, depending on the page.
pub const MAX_CHANNEL_BYTES: usize = 64;

/// The end of the year 9999, in seconds.
pub const MAX_TS: i64 = 253_402_300_799;

/// One notice: what its sender repeats is one notice with one id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub id: String,
    pub product_id: i32,
    pub event_type: i32,
    /// The time at which it was sent, in milliseconds; another with every repetition.
    pub notify_ms: Option<i64>,
    pub event: Event,
}

/// Names fields and never repeats a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoticeError {
    #[error("a notice has at most {MAX_NOTICE_BYTES} bytes")]
    TooLarge,
    #[error("a notice is a JSON object")]
    NotAnObject,
    #[error("{0} is missing or malformed")]
    Field(&'static str),
}

#[derive(Deserialize)]
struct Fields(Map<String, Value>);

impl Fields {
    fn integer(&self, name: &'static str, max: i64) -> Result<Option<i64>, NoticeError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value
                .as_i64()
                .filter(|number| (0..=max).contains(number))
                .map(Some)
                .ok_or(NoticeError::Field(name)),
        }
    }

    fn small(&self, name: &'static str) -> Result<Option<i32>, NoticeError> {
        let number = self.integer(name, i32::MAX.into())?;
        Ok(number.and_then(|number| i32::try_from(number).ok()))
    }

    fn text(&self, name: &'static str, max_bytes: usize) -> Result<String, NoticeError> {
        self.0
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| (1..=max_bytes).contains(&text.len()))
            .filter(|text| text.bytes().all(|byte| (b' '..=b'~').contains(&byte)))
            .map(str::to_owned)
            .ok_or(NoticeError::Field(name))
    }
}

/// A field that must not be left out.
fn given<T>(value: Option<T>, name: &'static str) -> Result<T, NoticeError> {
    value.ok_or(NoticeError::Field(name))
}

impl Notice {
    /// Fields that are not known are left out; so is the payload of an event that is not known.
    pub fn parse(body: &[u8]) -> Result<Self, NoticeError> {
        if body.len() > MAX_NOTICE_BYTES {
            return Err(NoticeError::TooLarge);
        }
        let fields: Fields = serde_json::from_slice(body).map_err(|_| NoticeError::NotAnObject)?;
        let product_id = given(fields.small("productId")?, "productId")?;
        let event_type = given(fields.small("eventType")?, "eventType")?;
        Ok(Self {
            id: fields.text("noticeId", MAX_ID_BYTES)?,
            product_id,
            event_type,
            notify_ms: fields.integer("notifyMs", i64::MAX)?,
            event: if product_id == RTC {
                parse_event(event_type, &fields)?
            } else {
                Event::Unknown
            },
        })
    }

    /// The parsed fields as JSON, in the form in which the database parses them again.
    pub fn to_json(&self) -> Value {
        let mut notice = json!({
            "noticeId": self.id, "productId": self.product_id, "eventType": self.event_type,
            "notifyMs": self.notify_ms,
        });
        match &self.event {
            Event::Unknown => {}
            Event::Test => notice["payload"] = json!({"channelName": TEST_CHANNEL}),
            Event::Change { channel, change } => {
                notice["payload"] = match change {
                    Change::Channel { ts, .. } => json!({"channelName": channel, "ts": ts}),
                    Change::User(user) => json!({
                        "channelName": channel, "ts": user.ts, "uid": user.uid,
                        "clientSeq": user.client_seq, "reason": user.reason,
                        "duration": user.duration_s, "platform": user.platform,
                        "clientType": user.client_type,
                    }),
                };
            }
        }
        notice
    }
}

fn parse_event(event_type: i32, notice: &Fields) -> Result<Event, NoticeError> {
    let payload = || match notice.0.get("payload") {
        Some(Value::Object(payload)) => Ok(Fields(payload.clone())),
        _ => Err(NoticeError::Field("payload")),
    };
    let is_known = matches!(event_type, 101..=108 | 111 | 112);
    if !is_known {
        return Ok(Event::Unknown);
    }
    let payload = payload()?;
    let channel = payload.text("channelName", MAX_CHANNEL_BYTES)?;
    // Its other fields are not worth a refusal: it would keep the configuration from being saved.
    if channel == TEST_CHANNEL {
        return Ok(Event::Test);
    }
    let ts = given(payload.integer("ts", MAX_TS)?, "ts")?;
    if event_type <= 102 {
        let is_created = event_type == 101;
        let change = Change::Channel { is_created, ts };
        return Ok(Event::Change { channel, change });
    }
    let uid = given(payload.integer("uid", u32::MAX.into())?, "uid")?;
    let reason = payload.small("reason")?;
    let change = Change::User(UserChange {
        uid: u32::try_from(uid).map_err(|_| NoticeError::Field("uid"))?,
        client_seq: given(payload.integer("clientSeq", i64::MAX)?, "clientSeq")?,
        ts,
        kind: match event_type {
            103 | 107 | 111 => UserKind::Sends,
            105 | 112 => UserKind::Watches,
            _ => UserKind::Left(Cause::from_reason(reason)),
        },
        reason,
        duration_s: payload.integer("duration", i64::MAX)?,
        platform: payload.small("platform")?,
        client_type: payload.small("clientType")?,
    });
    Ok(Event::Change { channel, change })
}
