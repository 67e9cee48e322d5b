//! Replaces errors of Postgres that leave the body of an operation by those of the catalogue.
//!
//! Postgres names tables, columns, constraints and files in its messages, details and hints, and PostgREST passes all three
//! on. Every body is a SECURITY DEFINER function of `stream_private`, so Postgres calls the hook for it, as for every function
//! with a SET clause, when an error passes through, whether a statement, a trigger or native code raised it. Nothing is caught
//! in a subtransaction, and a call without an error costs a look into a small table.
//!
//! What the application says itself passes unchanged: its RAISE, a PT state of its own, a constraint of one of its tables.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int};
use std::sync::OnceLock;

use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::postgres::catalogue;
use crate::postgres::error::raise_instead;
use crate::postgres::{sqlstate, transaction};

/// The hook that another library had set before.
static PREVIOUS: OnceLock<pg_sys::fmgr_hook_type> = OnceLock::new();

thread_local! {
    /// Whether a SECURITY DEFINER function is one of `stream_private`. Looked up when it starts: after an error nobody may
    /// read the catalogue.
    static IS_BODY: RefCell<HashMap<pg_sys::Oid, bool>> = RefCell::default();
}

/// From now on, in this process. Where the library is not preloaded, the call that loads it is not covered.
pub fn register() {
    // SAFETY: the library is loaded once in a process, which has one thread.
    unsafe {
        let previous = pg_sys::fmgr_hook;
        if PREVIOUS.set(previous).is_ok() {
            pg_sys::fmgr_hook = Some(on_call);
        }
    }
}

/// Called when a SECURITY DEFINER function starts, ends, and when an error leaves it.
#[pg_guard]
unsafe extern "C-unwind" fn on_call(
    event: pg_sys::FmgrHookEventType::Type,
    function: *mut pg_sys::FmgrInfo,
    argument: *mut pg_sys::Datum,
) {
    // SAFETY: Postgres passes the function that it calls.
    let oid = unsafe { (*function).fn_oid };
    if event == pg_sys::FmgrHookEventType::FHET_START {
        note(oid);
    }
    if let Some(Some(previous)) = PREVIOUS.get() {
        // SAFETY: as we were called; the argument belongs to the hook before us alone.
        unsafe { previous(event, function, argument) };
    }
    // The errors of a unit of regular work reach no caller, and their own states are what an operator needs.
    let reaches_a_caller = !transaction::is_inside();
    if event == pg_sys::FmgrHookEventType::FHET_ABORT && reaches_a_caller && is_body(oid) {
        replace();
    }
}

fn note(function: pg_sys::Oid) {
    if IS_BODY.with_borrow(|known| known.contains_key(&function)) {
        return;
    }
    let schema = catalogue::find_schema(c"stream_private");
    // SAFETY: a look-up of a function that is called.
    let is_body = schema == Some(unsafe { pg_sys::get_func_namespace(function) });
    IS_BODY.with_borrow_mut(|known| known.insert(function, is_body));
}

fn is_body(function: pg_sys::Oid) -> bool {
    IS_BODY.with_borrow(|known| known.get(&function).copied().unwrap_or(false))
}

/// Raises the catalogue's error in the place of the one that is on its way, unless that may pass.
fn replace() {
    // SAFETY: an error is being handled, so Postgres's stack of errors has one.
    if replacement(unsafe { pg_sys::geterrcode() }).is_none() {
        return;
    }
    // SAFETY: the context lives as long as the transaction. It stays the current one while the replacement is raised: errors
    // may not be copied in Postgres's context of errors.
    let (before, report) = unsafe {
        let before = pg_sys::MemoryContextSwitchTo(pg_sys::CurTransactionContext);
        (before, &*pg_sys::CopyErrorData())
    };
    let Some(code) = replacement(report.sqlerrcode).filter(|_| !is_of_application(report)) else {
        // SAFETY: the context in which Postgres called the hook.
        unsafe { pg_sys::MemoryContextSwitchTo(before) };
        return;
    };
    let inside = description(report);
    // SAFETY: the error was copied, and another one takes its place at once.
    unsafe { pg_sys::FlushErrorState() };
    raise_instead(code, &inside)
}

/// What a caller is told in the place of an error of this state; nothing where it may pass.
fn replacement(state: c_int) -> Option<ErrorCode> {
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
fn is_of_application(report: &pg_sys::ErrorData) -> bool {
    let is_about_theirs =
        text(report.schema_name).is_some_and(|schema| !HIDDEN_SCHEMAS.contains(&schema.as_str()));
    text(report.funcname).is_some_and(|name| name == "exec_stmt_raise") || is_about_theirs
}

/// For the server's log. Never with DETAIL, which quotes rows; of a bad value (class 22), which message and context quote,
/// the message up to the value and the functions.
fn description(report: &pg_sys::ErrorData) -> String {
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
