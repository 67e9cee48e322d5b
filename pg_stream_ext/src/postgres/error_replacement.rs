//! What a caller is told in the place of an error of Postgres, and what the server's log is told of it.

use std::ffi::{CStr, c_char, c_int};

use pgrx::pg_sys;
use stream_core::error::ErrorCode;

use crate::postgres::sqlstate;

/// What a caller is told in the place of this error; nothing where it may pass. For a part of a call that failed alone.
pub fn replacement_of(report: &pg_sys::ErrorData) -> Option<ErrorCode> {
    let code = replacement(report.sqlerrcode)?;
    (code == ErrorCode::OutOfMemory || !is_of_application(report)).then_some(code)
}

/// What a caller is told in the place of an error of this state; nothing where it may pass.
pub fn replacement(state: c_int) -> Option<ErrorCode> {
    let is = |text: &str| state == sqlstate::pack(text);
    // The catalogue's own, the isolation of the caller's transaction, and what an operator or a time limit ended: no
    // internals in their texts.
    let passes = sqlstate::begins_with(state, "PT")
        || sqlstate::begins_with(state, "57")
        || sqlstate::begins_with(state, "25")
        || sqlstate::begins_with(state, "40") && !is("40P01");
    if passes {
        return None;
    }
    let same = [
        ErrorCode::Deadlock,
        ErrorCode::LockTimeout,
        ErrorCode::TooManyConnections,
        ErrorCode::DiskFull,
        ErrorCode::OutOfMemory,
        ErrorCode::ResourceLimit,
        ErrorCode::StorageFailed,
        ErrorCode::InvalidText,
        ErrorCode::InvalidEscape,
        ErrorCode::OutOfRange,
        ErrorCode::InvalidSyntax,
    ];
    let same = same
        .into_iter()
        .find(|code| code.sqlstate().is_some_and(is));
    Some(same.unwrap_or(ErrorCode::Internal))
}

/// Schemas whose tables no application may show to its callers: ours and those of Supabase that operations use.
const HIDDEN_SCHEMAS: [&str; 5] = [
    "stream",
    "stream_private",
    "stream_ext",
    "realtime",
    "vault",
];

/// Raised by a RAISE of PL/pgSQL, which no body of ours has, or about a table or type of the application.
pub fn is_of_application(report: &pg_sys::ErrorData) -> bool {
    let is_about_theirs =
        text(report.schema_name).is_some_and(|schema| !HIDDEN_SCHEMAS.contains(&schema.as_str()));
    text(report.funcname).is_some_and(|name| name == "exec_stmt_raise") || is_about_theirs
}

/// For the server's log. Never with DETAIL, which quotes rows; of a bad value (class 22), which message and context quote,
/// the message up to the value and the functions.
pub fn description(report: &pg_sys::ErrorData) -> String {
    let state = sqlstate::unpack(report.sqlerrcode);
    let message = text(report.message).unwrap_or_default();
    let context = text(report.context).unwrap_or_default();
    if !sqlstate::begins_with(report.sqlerrcode, "22") {
        return format!("{state} {message}\n{context}");
    }
    let message = message.split('"').next().unwrap_or_default();
    let functions: Vec<&str> = context
        .lines()
        .filter(|line| line.starts_with("PL/pgSQL function "))
        .collect();
    format!("{state} {message}\n{}", functions.join("\n"))
}

fn text(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: a terminated text of the copied error.
    Some(
        unsafe { CStr::from_ptr(text) }
            .to_string_lossy()
            .into_owned(),
    )
}
