//! Catching the error of a body, as a copy of Postgres's report or as a failure of ours.

use std::ffi::CStr;
use std::panic::AssertUnwindSafe;

use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;

use crate::postgres::error::{Failure, Result};
use crate::postgres::sqlstate;

/// The error of a body.
pub enum Cause {
    Failed(Failure),
    /// A copy of Postgres's own report, with its SQLSTATE as it is: pgrx only knows those of its enum.
    Raised(*mut pg_sys::ErrorData),
    /// A panic of ours.
    Panicked,
}

impl Cause {
    /// Its SQLSTATE, also one that pgrx does not know.
    pub fn sqlstate(&self) -> String {
        match self {
            Self::Failed(failure) => failure.sqlstate().to_owned(),
            Self::Raised(report) => {
                // SAFETY: a copy that lives in the caller's memory.
                sqlstate::unpack(unsafe { (**report).sqlerrcode })
            }
            Self::Panicked => "XX000".to_owned(),
        }
    }

    /// The report of Postgres; none of what is ours.
    pub fn report(&self) -> Option<&pg_sys::ErrorData> {
        match self {
            // SAFETY: a copy that lives in the caller's memory until it is freed, which takes `self`.
            Self::Raised(report) => Some(unsafe { &**report }),
            Self::Failed(_) | Self::Panicked => None,
        }
    }

    /// The DETAIL of the report.
    pub fn detail(&self) -> Option<String> {
        let Self::Raised(report) = self else {
            return None;
        };
        // SAFETY: a copy that lives in the caller's memory, with terminated texts.
        unsafe {
            let detail = (**report).detail;
            (!detail.is_null()).then(|| CStr::from_ptr(detail).to_string_lossy().into_owned())
        }
    }

    /// Frees the copy of the report.
    pub fn free(self) {
        if let Self::Raised(report) = self {
            // SAFETY: a copy of this process's own, in the caller's memory, that nobody else holds.
            unsafe { pg_sys::FreeErrorData(report) };
        }
    }

    /// Whether Postgres raised it for a pending cancel. The SQLSTATE does not tell: a trigger can raise the same, and so
    /// can a foreign server that cancels its own statement.
    pub fn is_cancel(&self) -> bool {
        let Self::Raised(report) = self else {
            return false;
        };
        // SAFETY: a copy that lives in the caller's memory; the name is a constant of the server's code, if any.
        unsafe {
            let (state, raised_by) = ((**report).sqlerrcode, (**report).funcname);
            state == PgSqlErrorCode::ERRCODE_QUERY_CANCELED as i32
                && !raised_by.is_null()
                && CStr::from_ptr(raised_by) == c"ProcessInterrupts"
        }
    }
}

/// Runs `body` and catches its error; the caller must roll back at once. A report is copied into `memory`.
pub fn catch<T>(
    memory: pg_sys::MemoryContext,
    body: impl FnOnce() -> Result<T>,
) -> std::result::Result<T, Cause> {
    PgTryBuilder::new(AssertUnwindSafe(|| body().map_err(Cause::Failed)))
        .catch_others(move |error| {
            Err(match error {
                CaughtError::PostgresError(_) => {
                    // SAFETY: the report is on Postgres's stack until this handler returns.
                    unsafe {
                        pg_sys::MemoryContextSwitchTo(memory);
                        Cause::Raised(pg_sys::CopyErrorData())
                    }
                }
                _ => Cause::Panicked,
            })
        })
        .execute()
}
