//! `contract/errors.json`: the error catalogue of stream_core.

use anyhow::Result;
use serde::Serialize;
use stream_core::error::ErrorCode;

#[derive(Serialize)]
struct CodedEntry {
    code: &'static str,
    #[serde(flatten)]
    entry: ErrorEntry,
}

/// What the catalogue says of a code.
#[derive(Serialize)]
pub struct ErrorEntry {
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
    let coded = |code: &ErrorCode| CodedEntry {
        code: code.as_str(),
        entry: ErrorEntry::of(*code),
    };
    super::json::pretty(&ErrorCode::ALL.iter().map(coded).collect::<Vec<_>>())
}

impl ErrorEntry {
    pub fn of(code: ErrorCode) -> Self {
        let recovery = code.recovery();
        Self {
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
    }
}
