//! Failures of native functions, raised as errors of Postgres with the catalogue's SQLSTATE.
//!
//! pgrx's `ereport!` only knows the states of its enum, so the error is raised through `ThrowErrorData`, which also runs
//! Rust's destructors.

use std::ffi::{CStr, CString};

use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::postgres::sqlstate;

/// The error of a native function.
#[derive(Debug)]
pub enum Failure {
    /// A refusal of the catalogue. `hint` replaces the catalogue's with a more exact one; that of
    /// an internal error goes to the server's log.
    Refused {
        code: ErrorCode,
        hint: Option<String>,
        retry_after_ms: Option<u64>,
    },
    /// The server programming interface failed without raising.
    Spi(spi::Error),
    /// A row was not as the statement promises.
    Row(&'static str),
}

pub type Result<T> = std::result::Result<T, Failure>;

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Self::Refused {
            code,
            hint: None,
            retry_after_ms: None,
        }
    }
}

impl From<spi::Error> for Failure {
    fn from(error: spi::Error) -> Self {
        Self::Spi(error)
    }
}

impl Failure {
    pub fn with_hint(code: ErrorCode, hint: impl Into<String>) -> Self {
        Self::Refused {
            code,
            hint: Some(hint.into()),
            retry_after_ms: None,
        }
    }

    /// A refusal after which the same call may succeed when repeated after a wait.
    pub fn retry_after(code: ErrorCode, retry_after_ms: u64) -> Self {
        Self::Refused {
            code,
            hint: None,
            retry_after_ms: Some(retry_after_ms),
        }
    }

    /// The SQLSTATE with which it is raised.
    pub fn sqlstate(&self) -> &'static str {
        let code = match self {
            Self::Refused { code, .. } => *code,
            Self::Spi(_) | Self::Row(_) => ErrorCode::Internal,
        };
        // A code that only the edge uses is raised as an internal error.
        code.sqlstate()
            .or(ErrorCode::Internal.sqlstate())
            .unwrap_or_default()
    }

    fn raise(self) -> ! {
        let (code, hint, retry_after_ms) = match self {
            Self::Refused {
                code,
                hint,
                retry_after_ms,
            } => (code, hint, retry_after_ms),
            Self::Spi(error) => (ErrorCode::Internal, Some(error.to_string()), None),
            Self::Row(what) => (ErrorCode::Internal, Some(what.to_owned()), None),
        };
        let detail = code.detail_json(retry_after_ms);
        // The inner error is for the operator: a caller reads the catalogue's sentence alone.
        let (hint, detail_log) = match hint {
            Some(inside) if code == ErrorCode::Internal => (None, format!("{detail} {inside}")),
            hint => (hint, detail.clone()),
        };
        let hint = hint.unwrap_or_else(|| code.hint().to_owned());
        throw(
            code,
            &c_string(&detail),
            &c_string(&detail_log),
            &c_string(&hint),
        )
    }
}

/// Raises the catalogue's error in the place of another one, which only the server's log describes.
pub fn raise_instead(code: ErrorCode, inside: &str) -> ! {
    let detail = code.detail_json(None);
    let detail_log = format!("{detail} {inside}");
    throw(
        code,
        &c_string(&detail),
        &c_string(&detail_log),
        &c_string(code.hint()),
    )
}

/// Returns the value to Postgres, or raises the failure.
pub fn or_raise<T>(result: Result<T>) -> T {
    result.unwrap_or_else(|failure| failure.raise())
}

/// Refuses a null argument.
pub fn required<T>(argument: Option<T>, name: &str) -> Result<T> {
    argument.ok_or_else(|| {
        Failure::with_hint(
            ErrorCode::InvalidArgument,
            format!("{name} must not be null"),
        )
    })
}

/// Raises an error of the catalogue, for functions that are written in SQL.
#[pg_extern(volatile, parallel_restricted)]
fn refuse(code: &str) {
    match ErrorCode::parse(code) {
        Some(code) => Failure::from(code).raise(),
        None => Failure::Row("no such error code").raise(),
    }
}

/// Stands for the source file's name in our errors, by which [`server_log`](crate::postgres::server_log) recognises them.
pub const RAISED_HERE: &CStr = c"pg_stream_ext";

fn c_string(text: &str) -> CString {
    CString::new(text.replace('\0', "")).unwrap_or_default()
}

/// Raises an error. A code of the edge has no SQLSTATE: raising it is a bug, and PostgREST drops its connections at a 503.
fn throw(code: ErrorCode, detail: &CStr, detail_log: &CStr, hint: &CStr) -> ! {
    let Some(state) = code.sqlstate() else {
        Failure::Row("that error code belongs to the edge").raise()
    };
    let message = c_string(code.message());
    let mut report = pg_sys::ErrorData {
        elevel: PgLogLevel::ERROR as i32,
        sqlerrcode: sqlstate::pack(state),
        message: message.as_ptr().cast_mut(),
        detail: detail.as_ptr().cast_mut(),
        detail_log: detail_log.as_ptr().cast_mut(),
        hint: hint.as_ptr().cast_mut(),
        filename: RAISED_HERE.as_ptr(),
        funcname: c"refuse".as_ptr(),
        lineno: line!() as i32,
        ..Default::default()
    };
    // SAFETY: every pointer lives until the call; Postgres copies the strings before it jumps, and
    // pgrx turns the jump into an unwind, so the CStrings above are dropped.
    unsafe { pg_sys::ThrowErrorData(&mut report) };
    unreachable!("ThrowErrorData returned")
}
