//! Setting the rules of a chat: slow mode and chat mode.

use pgrx::datum::Uuid;
use pgrx::prelude::*;
use serde_json::json;
use stream_core::limits::SLOW_MODE_MS;

use crate::moderation::decision::{Moderation, Record, invalid};
use crate::postgres::error::{Result, or_raise, required};
use crate::postgres::spi::{self, statements};

/// The chat modes, as `stream_sessions_chat_mode_check` lists them.
const CHAT_MODES: [&str; 4] = ["viewers", "verified", "hosts", "nobody"];

statements! {
    SET_SLOW_MODE: Write [UUIDOID, INT4OID] -> bool,
        "update stream.stream_sessions set slow_mode_ms = $2
         where id = $1 and slow_mode_ms <> $2 returning true";

    SET_CHAT_MODE: Write [UUIDOID, TEXTOID] -> bool,
        "update stream.stream_sessions set chat_mode = $2
         where id = $1 and chat_mode <> $2 returning true";
}

#[pg_extern]
fn set_slow_mode(session_id: Option<Uuid>, interval_ms: Option<i32>) {
    or_raise(slow_mode(session_id, interval_ms))
}

#[pg_extern]
fn set_chat_mode(session_id: Option<Uuid>, mode: Option<&str>) {
    or_raise(chat_mode(session_id, mode))
}

fn slow_mode(session_id: Option<Uuid>, interval_ms: Option<i32>) -> Result<()> {
    let moderation = Moderation::begin_live(session_id)?;
    let interval_ms = required(interval_ms, "interval_ms")?;
    if !SLOW_MODE_MS.contains(&interval_ms) {
        return Err(invalid("interval_ms is 0 to 3600000"));
    }
    moderation.lock_session()?;
    let arguments = [moderation.session.into(), interval_ms.into()];
    if spi::first(&SET_SLOW_MODE, &arguments)?.is_none() {
        return Ok(());
    }
    let sentence = if interval_ms == 0 {
        "Slow mode is off."
    } else {
        "Slow mode is on."
    };
    let metadata = json!({"kind": "slow_mode", "slow_mode_ms": interval_ms});
    moderation
        .announce("slow_mode", sentence, &metadata, Record::default())
        .map(|_| ())
}

fn chat_mode(session_id: Option<Uuid>, mode: Option<&str>) -> Result<()> {
    let moderation = Moderation::begin_live(session_id)?;
    let mode = required(mode, "mode")?;
    if !CHAT_MODES.contains(&mode) {
        return Err(invalid(format!("mode is one of {}", CHAT_MODES.join(", "))));
    }
    moderation.lock_session()?;
    let arguments = [moderation.session.into(), mode.into()];
    if spi::first(&SET_CHAT_MODE, &arguments)?.is_none() {
        return Ok(());
    }
    let sentence = match mode {
        "viewers" => "All viewers may write.",
        "verified" => "Verified viewers may write.",
        "hosts" => "Only the hosts may write.",
        _ => "The chat is closed.",
    };
    let metadata = json!({"kind": "chat_mode", "chat_mode": mode});
    moderation
        .announce("chat_mode", sentence, &metadata, Record::default())
        .map(|_| ())
}
