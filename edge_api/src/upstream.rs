//! The seam to the database: calls of operations, and what comes back.

mod call;
pub mod sql;
mod sqlstate;

use std::pin::Pin;

use serde_json::value::RawValue;
use stream_core::error::ErrorCode;

pub use call::Call;
pub use sqlstate::from_sqlstate;

use crate::caller::Caller;

/// A future of an [`Upstream`]: boxed, because the implementation is chosen at run time.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, UpstreamError>> + Send + 'a>>;

/// A database that holds the schema `stream`, reached in one way or another.
pub trait Upstream: Send + Sync {
    /// Calls an operation as the caller, in a transaction of its own. The answer is its result as the
    /// database writes it in JSON, and is passed on as it is.
    fn call<'a>(&'a self, caller: &'a Caller, call: &'a Call) -> Pending<'a, Box<RawValue>>;

    /// Whether the database answers at all.
    fn ping(&self) -> Pending<'_, ()>;
}

/// The failure of a call. A `reason` is for the log: it names states and functions, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    #[error("refused with {}", code.as_str())]
    Refused {
        code: ErrorCode,
        retry_after_ms: Option<u64>,
    },
    #[error("the database cannot be reached: {reason}")]
    Unavailable { reason: String },
    #[error("the database failed unexpectedly: {reason}")]
    Unexpected { reason: String },
}
