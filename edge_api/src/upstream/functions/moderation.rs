//! The SQL functions that moderate a stream.

use super::super::Call;
use crate::ids::{MessageId, SessionId, UserId};

pub fn delete_message(
    session_id: SessionId,
    message_id: MessageId,
    reason: Option<String>,
) -> Call {
    Call::writing("delete_message")
        .with("session_id", session_id)
        .with("message_id", message_id)
        .with("reason", reason)
}

pub fn delete_user_messages(
    session_id: SessionId,
    user_id: UserId,
    reason: Option<String>,
) -> Call {
    Call::writing("delete_user_messages")
        .with("session_id", session_id)
        .with("user_id", user_id)
        .with("reason", reason)
}

pub fn mute_user(
    session_id: SessionId,
    user_id: UserId,
    duration_s: Option<i32>,
    reason: Option<String>,
) -> Call {
    restrict("mute_user", session_id, user_id, duration_s, reason)
}

pub fn ban_user(
    session_id: SessionId,
    user_id: UserId,
    duration_s: Option<i32>,
    reason: Option<String>,
) -> Call {
    restrict("ban_user", session_id, user_id, duration_s, reason)
}

fn restrict(
    function: &'static str,
    session_id: SessionId,
    user_id: UserId,
    duration_s: Option<i32>,
    reason: Option<String>,
) -> Call {
    Call::writing(function)
        .with("session_id", session_id)
        .with("user_id", user_id)
        .with("duration_s", duration_s)
        .with("reason", reason)
}

/// `kind` is `mute` or `ban`.
pub fn lift_restriction(session_id: SessionId, user_id: UserId, kind: String) -> Call {
    Call::writing("lift_restriction")
        .with("session_id", session_id)
        .with("user_id", user_id)
        .with("kind", kind)
}

pub fn list_restrictions(session_id: SessionId, after: Option<UserId>, page_size: i32) -> Call {
    Call::reading("list_restrictions")
        .set()
        .with("session_id", session_id)
        .with("after", after)
        .with("page_size", page_size)
}

pub fn set_slow_mode(session_id: SessionId, interval_ms: i32) -> Call {
    Call::writing("set_slow_mode")
        .with("session_id", session_id)
        .with("interval_ms", interval_ms)
}

pub fn set_chat_mode(session_id: SessionId, mode: String) -> Call {
    Call::writing("set_chat_mode")
        .with("session_id", session_id)
        .with("mode", mode)
}

pub fn pin_message(session_id: SessionId, message_id: MessageId) -> Call {
    Call::writing("pin_message")
        .with("session_id", session_id)
        .with("message_id", message_id)
}

pub fn unpin_message(session_id: SessionId) -> Call {
    Call::writing("unpin_message").with("session_id", session_id)
}

pub fn block_term(session_id: SessionId, term: String) -> Call {
    Call::writing("block_term")
        .with("session_id", session_id)
        .with("term", term)
}

pub fn unblock_term(session_id: SessionId, term: String) -> Call {
    Call::writing("unblock_term")
        .with("session_id", session_id)
        .with("term", term)
}

pub fn list_blocked_terms(session_id: SessionId) -> Call {
    Call::reading("list_blocked_terms")
        .set()
        .with("session_id", session_id)
}

pub fn get_moderation_log(session_id: SessionId, before_id: Option<i64>, page_size: i32) -> Call {
    Call::reading("get_moderation_log")
        .set()
        .with("session_id", session_id)
        .with("before_id", before_id)
        .with("page_size", page_size)
}
