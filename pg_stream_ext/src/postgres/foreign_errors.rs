//! Replaces errors of Postgres that leave the body of an operation by those of the catalogue.
//!
//! Postgres names tables, columns, constraints and files in its messages, details and hints, and PostgREST passes all three
//! on. Every body is a SECURITY DEFINER function of `stream_private`, so Postgres calls the hook for it, as for every function
//! with a SET clause, when an error passes through, whether a statement, a trigger or native code raised it. Nothing is caught
//! in a subtransaction, and a call without an error costs a look into a small table.
//!
//! What the application says itself passes unchanged: its RAISE, a PT state of its own, a constraint of one of its tables.
//!
//! Not covered are errors of a commit (deferred constraints and triggers), which no function is left to see, and, where the
//! server does not preload the library, what the first call of a connection does before its first native function. A library that is loaded after ours and calls our hook before
//! its own work at an error, as sepgsql does, does not come to that work: our error leaves the hook. Load such a library first.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::OnceLock;

use pgrx::pg_sys::ffi::pg_guard_ffi_boundary;
use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::postgres::error::raise_instead;
use crate::postgres::error_replacement::{description, is_of_application, replacement};
use crate::postgres::{catalogue, transaction};

/// The hook that another library had set before.
static PREVIOUS: OnceLock<pg_sys::fmgr_hook_type> = OnceLock::new();

thread_local! {
    /// Whether a function is one of `stream_private`: a body, or another function there that has a SET clause. Looked up
    /// when it starts: after an error nobody may read the catalogue.
    static IS_PRIVATE: RefCell<HashMap<pg_sys::Oid, bool>> = RefCell::default();
}

/// Sets the hook for this process.
pub fn register() {
    // SAFETY: the library is loaded once in a process, which has one thread.
    unsafe {
        let previous = pg_sys::fmgr_hook;
        if PREVIOUS.set(previous).is_ok() {
            pg_sys::fmgr_hook = Some(on_call);
        }
    }
    note_bodies_of_running_call();
}

/// Notes all functions of `stream_private` where a call loads the library: it runs in some of them, whose start was not seen.
/// The caller's path counts for nothing here.
fn note_bodies_of_running_call() {
    const BODIES: &str = "select p.oid from pg_catalog.pg_proc as p
         join pg_catalog.pg_namespace as n on n.oid operator(pg_catalog.=) p.pronamespace
         where n.nspname operator(pg_catalog.=) 'stream_private'";
    // SAFETY: these read the state of this process.
    if !unsafe { pg_sys::IsTransactionState() && pg_sys::ActiveSnapshotSet() } {
        return;
    }
    let bodies: Vec<pg_sys::Oid> = Spi::connect(|client| {
        let rows = client.select(BODIES, None, &[]).into_iter().flatten();
        rows.filter_map(|row| row.get::<pg_sys::Oid>(1).ok().flatten())
            .collect()
    });
    IS_PRIVATE.with_borrow_mut(|known| known.extend(bodies.into_iter().map(|body| (body, true))));
}

/// Called when a function that is SECURITY DEFINER or has a SET clause starts, ends, and when an error leaves it.
#[pg_guard]
unsafe extern "C-unwind" fn on_call(
    event: pg_sys::FmgrHookEventType::Type,
    function: *mut pg_sys::FmgrInfo,
    argument: *mut pg_sys::Datum,
) {
    // SAFETY: Postgres passes the function that it calls. The hook before us is called as we were; the argument belongs to it
    // alone. Its errors become a panic, which `pg_guard` raises again.
    let (oid, previous) = unsafe {
        let previous = |hook: Hook| pg_guard_ffi_boundary(|| hook(event, function, argument));
        ((*function).fn_oid, previous)
    };
    react(event, oid, previous);
}

type Hook = unsafe extern "C-unwind" fn(
    pg_sys::FmgrHookEventType::Type,
    *mut pg_sys::FmgrInfo,
    *mut pg_sys::Datum,
);

fn react(
    event: pg_sys::FmgrHookEventType::Type,
    function: pg_sys::Oid,
    previous: impl FnOnce(Hook),
) {
    if event == pg_sys::FmgrHookEventType::FHET_START {
        note(function);
    }
    if let Some(Some(hook)) = PREVIOUS.get() {
        let memory = outside_of_errors();
        previous(*hook);
        // SAFETY: the context in which Postgres has called us.
        unsafe { pg_sys::MemoryContextSwitchTo(memory) };
    }
    // The errors of a unit of regular work reach no caller, and their own states are what an operator needs.
    let reaches_a_caller = !transaction::is_inside();
    if event == pg_sys::FmgrHookEventType::FHET_ABORT && reaches_a_caller && is_private(function) {
        replace();
    }
}

/// Leaves Postgres's context of errors, into which no error may be copied; returns the context that was current.
fn outside_of_errors() -> pg_sys::MemoryContext {
    // SAFETY: contexts of this process; that of the transaction outlives the hook.
    unsafe {
        match pg_sys::CurrentMemoryContext {
            current if current == pg_sys::ErrorContext => {
                pg_sys::MemoryContextSwitchTo(pg_sys::CurTransactionContext)
            }
            current => current,
        }
    }
}

fn note(function: pg_sys::Oid) {
    if IS_PRIVATE.with_borrow(|known| known.contains_key(&function)) {
        return;
    }
    let schema = catalogue::find_schema(c"stream_private");
    // SAFETY: a look-up of a function that is called.
    let is_private = schema == Some(unsafe { pg_sys::get_func_namespace(function) });
    IS_PRIVATE.with_borrow_mut(|known| known.insert(function, is_private));
}

fn is_private(function: pg_sys::Oid) -> bool {
    IS_PRIVATE.with_borrow(|known| known.get(&function).copied().unwrap_or(false))
}

/// Raises the catalogue's error in the place of the one that is on its way, unless that may pass.
fn replace() {
    // SAFETY: an error is being handled, so Postgres's stack of errors has one.
    let Some(code) = replacement(unsafe { pg_sys::geterrcode() }) else {
        return;
    };
    // It stays the current context while the replacement is raised.
    let before = outside_of_errors();
    let inside = match code {
        // Where memory is gone, nothing is copied and nothing is formatted.
        ErrorCode::OutOfMemory => Some(String::new()),
        _ => description_unless_of_application(),
    };
    // SAFETY: contexts of this process. The error was copied, and another one takes its place at once.
    unsafe {
        match inside {
            Some(inside) => {
                pg_sys::FlushErrorState();
                raise_instead(code, &inside)
            }
            None => pg_sys::MemoryContextSwitchTo(before),
        }
    };
}

/// Describes the error that is being handled; none where it is the application's.
fn description_unless_of_application() -> Option<String> {
    // SAFETY: an error is being handled, and the current context is not that of errors.
    let report = unsafe { &*pg_sys::CopyErrorData() };
    (!is_of_application(report)).then(|| description(report))
}
