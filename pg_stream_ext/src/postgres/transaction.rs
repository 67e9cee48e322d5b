//! Running work in a transaction or subtransaction that an error rolls back without ending the caller.

mod cause;
mod isolated;
mod timer;

use std::cell::Cell;
use std::ffi::CStr;
use std::time::Duration;

use pgrx::prelude::*;

use crate::postgres::error::{Failure, Result};
use crate::postgres::setting;
use cause::{Cause, catch};
pub use isolated::Isolated;
use timer::Timer;

/// The kind of transaction in which a unit runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// A transaction for each unit; only where there is none yet, that is, in a background worker.
    Transaction,
    /// A subtransaction of the caller's transaction.
    Subtransaction,
}

/// The reason for which a unit was rolled back.
pub struct Fault {
    pub sqlstate: String,
    /// The unit's timer cancelled it.
    pub took_too_long: bool,
    /// The process was cancelled; nothing has failed.
    pub is_cancel: bool,
}

impl Fault {
    /// A fault of which only the SQLSTATE is known.
    pub fn new(sqlstate: String) -> Self {
        Self {
            sqlstate,
            took_too_long: false,
            is_cancel: false,
        }
    }

    fn of(cause: &Cause, timer: &Timer) -> Self {
        let took_too_long = cause.is_cancel() && timer.has_fired();
        Self {
            is_cancel: cause.is_cancel() && !took_too_long,
            took_too_long,
            sqlstate: cause.sqlstate(),
        }
    }
}

impl Scope {
    /// Runs `body` in this scope, and cancels it after `at_most`. In a subtransaction a cancel that is not the timer's is
    /// raised again, because it must end the caller.
    pub fn run<T>(
        self,
        at_most: Duration,
        body: impl FnOnce() -> Result<T>,
    ) -> std::result::Result<T, Fault> {
        let _inside = Inside::enter();
        let timer = Timer::start(at_most);
        match self {
            Self::Transaction => transaction(&timer, body),
            Self::Subtransaction => subtransaction(&timer, body),
        }
    }
}

thread_local! {
    static IS_INSIDE: Cell<bool> = const { Cell::new(false) };

    /// The number of units that this process has begun.
    static BEGUN: Cell<u64> = const { Cell::new(0) };
}

/// Whether a unit is running: a trigger in it could call the regular work again.
pub fn is_inside() -> bool {
    IS_INSIDE.get()
}

/// The number of the running unit, if any.
pub fn number() -> Option<u64> {
    is_inside().then(|| BEGUN.get())
}

struct Inside;

impl Inside {
    fn enter() -> Self {
        IS_INSIDE.set(true);
        BEGUN.set(BEGUN.get() + 1);
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        IS_INSIDE.set(false);
    }
}

/// Runs `body` in a subtransaction, which is released or rolled back.
fn in_subtransaction<T>(body: impl FnOnce() -> Result<T>) -> std::result::Result<T, Cause> {
    let caller = Surroundings::begin_subtransaction();
    let outcome = catch(caller.memory, body);
    caller.end_subtransaction(outcome.is_ok());
    outcome
}

/// The memory and the resource owner of a caller, which are put back after a subtransaction as PL/pgSQL does it for a
/// block with an exception clause.
struct Surroundings {
    memory: pg_sys::MemoryContext,
    owner: pg_sys::ResourceOwner,
}

impl Surroundings {
    fn begin_subtransaction() -> Self {
        // SAFETY: variables of this backend, inside a transaction.
        unsafe {
            let (memory, owner) = (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner);
            pg_sys::BeginInternalSubTransaction(std::ptr::null());
            pg_sys::MemoryContextSwitchTo(memory);
            Self { memory, owner }
        }
    }

    fn end_subtransaction(self, is_released: bool) {
        // SAFETY: ends the subtransaction that was begun. SPI drops the levels that it has opened.
        unsafe {
            match is_released {
                true => pg_sys::ReleaseCurrentSubTransaction(),
                false => pg_sys::RollbackAndReleaseCurrentSubTransaction(),
            }
            pg_sys::MemoryContextSwitchTo(self.memory);
            pg_sys::CurrentResourceOwner = self.owner;
        }
    }
}

fn subtransaction<T>(
    timer: &Timer,
    body: impl FnOnce() -> Result<T>,
) -> std::result::Result<T, Fault> {
    let outcome = in_subtransaction(|| {
        // Of this unit alone.
        let settings = setting::Level::begin();
        settings.set(c"lock_timeout", LOCK_TIMEOUT);
        let done = body()?;
        check_constraints();
        settings.end();
        Ok(done)
    });
    outcome.map_err(|cause| {
        let fault = Fault::of(&cause, timer);
        match cause {
            Cause::Raised(report) if fault.is_cancel => raise_again(report),
            cause => cause.free(),
        }
        fault
    })
}

/// Raises a caught error of Postgres again.
fn raise_again(report: *mut pg_sys::ErrorData) -> ! {
    // SAFETY: a copy of the report in the caller's memory, made by `catch`.
    unsafe { pg_sys::ReThrowError(report) };
    #[allow(
        unreachable_code,
        reason = "the headers of Postgres 18 do not say that it never returns"
    )]
    {
        unreachable!("an error was raised again")
    }
}

/// Runs `body` in a subtransaction, for a caller who goes on after a refusal; an error of Postgres is raised again. A
/// subtransaction that only reads costs no transaction id.
pub fn attempt<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    in_subtransaction(body).map_err(|cause| match cause {
        Cause::Failed(failure) => failure,
        Cause::Raised(report) => raise_again(report),
        Cause::Panicked => Failure::Row("a panic of ours"),
    })
}

/// Runs `body` in a subtransaction, and replaces an error of Postgres by `failure`: nothing of its text is kept. A cancel
/// stays one. Without the subtransaction the caller would go on in what the error left half done.
pub fn attempt_or<T>(
    failure: impl FnOnce() -> Failure,
    body: impl FnOnce() -> Result<T>,
) -> Result<T> {
    in_subtransaction(body).map_err(|cause| {
        let is_cancel = cause.is_cancel();
        match cause {
            Cause::Failed(failure) => failure,
            Cause::Raised(report) if is_cancel => raise_again(report),
            cause => {
                cause.free();
                failure()
            }
        }
    })
}

/// Runs `body` in a subtransaction that a fault rolls back, for a caller who goes on with other work. Raised again is a cancel,
/// which is the caller's. A connection that ends (57P01 to 57P05) raises nothing that could be caught, so an error of that
/// class is the application's own; where a disk, memory or another limit is used up, each part finds that by itself.
pub fn isolated<T>(body: impl FnOnce() -> Result<T>) -> std::result::Result<T, Isolated> {
    in_subtransaction(body).map_err(|cause| {
        let is_cancel = cause.is_cancel();
        match cause {
            Cause::Raised(report) if is_cancel => raise_again(report),
            cause => {
                let isolated = Isolated::of(&cause);
                cause.free();
                isolated
            }
        }
    })
}

/// The wait for locks that cannot be skipped. Shorter than any sensible deadlock_timeout, so that the regular work does
/// not stay in a deadlock.
const LOCK_TIMEOUT: &CStr = c"100ms";

/// Fires the deferred triggers and constraints of this transaction, which would otherwise fail at the caller's commit,
/// after all units.
pub fn check_constraints() {
    // SAFETY: SPI with a constant statement. Not through pgrx, which spends a transaction id before
    // it runs anything that is no query.
    unsafe {
        pg_sys::SPI_connect();
        pg_sys::SPI_execute(c"set constraints all immediate".as_ptr(), false, 0);
        pg_sys::SPI_finish();
    }
}

fn transaction<T>(
    timer: &Timer,
    body: impl FnOnce() -> Result<T>,
) -> std::result::Result<T, Fault> {
    let memory = begin_statement();
    let outcome = catch(memory, || {
        begin_transaction();
        setting::set_local(c"lock_timeout", LOCK_TIMEOUT);
        let done = body()?;
        commit();
        Ok(done)
    });
    let outcome = outcome.map_err(|cause| {
        let fault = Fault::of(&cause, timer);
        cause.free();
        // SAFETY: after an error in a transaction of this process.
        unsafe { pg_sys::AbortCurrentTransaction() };
        fault
    });
    end_statement(memory);
    outcome
}

/// Sets the time of the statement as Postgres's own workers do; returns the memory that outlives transactions.
fn begin_statement() -> pg_sys::MemoryContext {
    // SAFETY: variables of this process, outside a transaction.
    unsafe {
        pg_sys::SetCurrentStatementStartTimestamp();
        pg_sys::TopMemoryContext
    }
}

fn begin_transaction() {
    // SAFETY: outside a transaction.
    unsafe {
        pg_sys::StartTransactionCommand();
        pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
    }
}

fn commit() {
    // SAFETY: in the transaction and with the snapshot of `begin_transaction`.
    unsafe {
        pg_sys::PopActiveSnapshot();
        pg_sys::CommitTransactionCommand();
    }
}

fn end_statement(memory: pg_sys::MemoryContext) {
    // SAFETY: outside a transaction.
    unsafe {
        pg_sys::MemoryContextSwitchTo(memory);
        pg_sys::pgstat_report_stat(false);
    }
}
