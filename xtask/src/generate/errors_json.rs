//! `contract/errors.json`: the error catalogue of stream_core.

use anyhow::Result;
use serde::Serialize;
use stream_core::error::ErrorCode;

#[derive(Serialize)]
struct ErrorEntry {
    code: &'static str,
    category: &'static str,
    /// Null: edge_api alone gives it.
    sqlstate: Option<&'static str>,
    status: u16,
    recoverable: bool,
    message: &'static str,
    hint: &'static str,
    recovery: Recovery,
}

#[derive(Serialize)]
struct Recovery {
    auto_retry: bool,
    max_retry_attempts: u32,
    retry_delay_ms: u64,
    fallback_action: &'static str,
    user_notification: bool,
}

pub fn write() -> Result<String> {
    let entry = |code: &ErrorCode| {
        let recovery = code.recovery();
        ErrorEntry {
            code: code.as_str(),
            category: code.category().as_str(),
            sqlstate: code.sqlstate(),
            status: code.http_status(),
            recoverable: code.recoverable(),
            message: code.message(),
            hint: code.hint(),
            recovery: Recovery {
                auto_retry: recovery.auto_retry,
                max_retry_attempts: recovery.max_retry_attempts,
                retry_delay_ms: recovery.retry_delay_ms,
                fallback_action: recovery.fallback_action,
                user_notification: recovery.user_notification,
            },
        }
    };
    super::json::pretty(&ErrorCode::ALL.iter().map(entry).collect::<Vec<_>>())
}
