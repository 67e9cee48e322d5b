//! A log hook that keeps refusals of calls out of the server's log.
//!
//! A refused call would leave about a kilobyte there (message, DETAIL, HINT, the lines of its functions, the statement), so
//! any caller could fill the disk. Errors that only an operator can mend (PT500) are still logged, and so are those that
//! no client received.

use std::ffi::{CStr, c_char};
use std::sync::OnceLock;

use pgrx::pg_sys::ffi::pg_guard_ffi_boundary;
use pgrx::prelude::*;

use crate::postgres::caller;
use crate::postgres::error::{RAISED_HERE, or_raise};
use crate::postgres::{setting, sqlstate};

/// The hook that another library had set before.
static PREVIOUS: OnceLock<pg_sys::emit_log_hook_type> = OnceLock::new();

/// The roles of the API, whose arguments come from outside.
const API_ROLES: [&[u8]; 3] = [b"anon", b"authenticated", b"service_role"];

/// Sets the hook for this process: when the server preloads the library, or at a session's first call.
pub fn register() {
    // SAFETY: the library is loaded once in a process, which has one thread.
    unsafe {
        let previous = pg_sys::emit_log_hook;
        if PREVIOUS.set(previous).is_ok() {
            pg_sys::emit_log_hook = Some(on_log);
        }
    }
}

/// Whether new connections load the library before their first statement. Later, an argument that Postgres cannot read in a
/// connection's first statement is logged.
#[pg_extern(stable)]
fn is_preloaded() -> bool {
    or_raise(caller::enter_as_owner());
    const SETTINGS: [&CStr; 2] = [c"shared_preload_libraries", c"session_preload_libraries"];
    SETTINGS.iter().any(|name| {
        setting::get(name).is_some_and(|text| contains(text.to_bytes(), b"pg_stream_ext"))
    })
}

/// Called before an entry is logged. It must neither allocate nor raise: an error is being handled. An error of the hook
/// before us goes on as one.
#[pg_guard]
unsafe extern "C-unwind" fn on_log(report: *mut pg_sys::ErrorData) {
    // SAFETY: Postgres passes the report that it handles; the hook may take away `output_to_server`.
    unsafe {
        if is_told_to_caller(&*report) && (is_refusal(&*report) || is_bad_argument(&*report)) {
            (*report).output_to_server = false;
        }
        if let Some(Some(previous)) = PREVIOUS.get() {
            pg_guard_ffi_boundary(|| previous(report));
        }
    }
}

fn is_told_to_caller(report: &pg_sys::ErrorData) -> bool {
    report.elevel == PgLogLevel::ERROR as i32 && report.output_to_client
}

/// Whether it is an error of our catalogue about the call (PT4xx).
fn is_refusal(report: &pg_sys::ErrorData) -> bool {
    bytes(report.filename) == RAISED_HERE.to_bytes()
        && sqlstate::begins_with(report.sqlerrcode, "PT4")
}

/// Whether it is an argument of a call of the API that Postgres could not parse (class 22), before any function was
/// called. Such an error quotes the argument: the text of a message for example, in the JSON that PostgREST passes on.
fn is_bad_argument(report: &pg_sys::ErrorData) -> bool {
    sqlstate::begins_with(report.sqlerrcode, "22")
        && !is_inside_function(report)
        && is_call_of_api()
}

/// Whether a function was running. Every function of the API is one of PL/pgSQL, whose frame is the last line of the
/// context. The single line in which Postgres's JSON parser quotes its text is not such a frame, whatever it contains.
fn is_inside_function(report: &pg_sys::ErrorData) -> bool {
    let context = bytes(report.context);
    let mut lines = context.rsplit(|byte| *byte == b'\n');
    let last = lines.next().unwrap_or_default();
    let is_only = lines.next().is_none();
    let is_quoted = is_only && bytes(report.filename).starts_with(b"json");
    contains(last, b"PL/pgSQL") && !is_quoted
}

/// Whether a role of the API runs a statement that names schema `stream`.
fn is_call_of_api() -> bool {
    let role = setting::get(c"role").map_or(&b""[..], CStr::to_bytes);
    // SAFETY: a text of this process, or null.
    let statement = bytes(unsafe { pg_sys::debug_query_string });
    API_ROLES.contains(&role) && names_schema(statement)
}

fn names_schema(statement: &[u8]) -> bool {
    const SCHEMA: &[u8] = b"stream";
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    statement
        .windows(SCHEMA.len())
        .enumerate()
        .filter(|(_, window)| *window == SCHEMA)
        .any(|(at, _)| {
            let (before, after) = (&statement[..at], &statement[at + SCHEMA.len()..]);
            !before.last().is_some_and(is_of_name)
                && (after.starts_with(b".") || after.starts_with(b"\"."))
        })
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// The bytes of a text of Postgres; none for null.
fn bytes<'a>(text: *const c_char) -> &'a [u8] {
    if text.is_null() {
        return &[];
    }
    // SAFETY: a terminated text that lives while the report is handled.
    unsafe { CStr::from_ptr(text) }.to_bytes()
}
