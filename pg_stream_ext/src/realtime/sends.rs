//! Noting broadcasts other than frames, for what they cost of Realtime's quota: table `realtime_sends`.

use pgrx::datum::Uuid;

use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};

statements! {
    NOTE: Write [TEXTOID, UUIDOID]
        "insert into stream.realtime_sends (kind, session_id) values ($1, $2)";
}

/// Notes one broadcast, to be counted by the next plan of the governor. The topic itself is not kept: it may name a user.
pub fn note(topic: &str, event: &str) -> Result<()> {
    let (prefix, id) = topic.split_once(':').unwrap_or((topic, ""));
    let kind = match (prefix, event) {
        ("viewers", "reactions") => "reactions",
        ("viewers", _) => "viewer_counts",
        ("stream" | "live", _) => "states",
        ("user", _) => "users",
        ("canary", _) => "canary",
        _ => "others",
    };
    let is_of_stream = matches!(prefix, "viewers" | "stream" | "chat");
    let session = uuid::Uuid::parse_str(id)
        .ok()
        .filter(|_| is_of_stream)
        .map(|id| Uuid::from_bytes(*id.as_bytes()));
    spi::execute(&NOTE, &[kind.into(), session.into()]).map(|_| ())
}
