//! The seam to the database: calls of operations, and what comes back.

pub mod admission;
mod assembly;
pub mod batching;
pub mod breaker;
mod call;
mod entrance;
mod figure;
pub mod measured;
#[cfg(feature = "postgrest")]
pub mod postgrest;
mod question;
pub mod retry;
pub mod sql;
mod sqlstate;
mod under_way;

use std::pin::Pin;
use std::sync::Arc;

use serde_json::value::RawValue;
use stream_core::error::ErrorCode;

#[cfg(feature = "postgrest")]
pub use assembly::assemble_postgrest;
pub use assembly::{Stack, assemble};
pub use call::{Call, Subject};
pub use figure::Figure;
pub use sqlstate::from_sqlstate;

/// A future of an [`Upstream`]: boxed, because the implementation is chosen at run time, and free of
/// borrows, so that what was begun can outlive the request that asked for it.
pub type Pending<T> = Pin<Box<dyn Future<Output = Result<T, UpstreamError>> + Send>>;

/// A database that holds the schema `stream`, reached in one way or another, or a rule in front of one.
pub trait Upstream: Send + Sync {
    /// Makes the call in a transaction of its own, as its caller. The answer is the operation's result as
    /// the database writes it in JSON, and is passed on as it is.
    ///
    /// Dropping the future ends the call as a whole: it is cancelled, or has been committed; unless
    /// [`cancels`](Self::cancels) is false. The rule of [`admission`] keeps what was begun from being dropped.
    fn call(&self, call: Arc<Call>) -> Pending<Box<RawValue>>;

    /// Whether the database answers at all, and what is installed in it.
    fn ping(&self) -> Pending<DatabaseVersions>;

    /// What the view `stream.metrics` shows, on no connection of the calls.
    fn figures(&self) -> Pending<Vec<Figure>> {
        Box::pin(std::future::ready(Err(UpstreamError::Unavailable {
            reason: "this way to the database shows no figures".to_owned(),
        })))
    }

    /// Whether the database works for nobody when a call is dropped or its deadline is over: false where only the
    /// role's own timeout ends a statement.
    fn cancels(&self) -> bool {
        true
    }
}

/// The versions of what is installed in a database.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DatabaseVersions {
    /// Of the extension; none: it is not installed, or not known.
    pub extension: Option<String>,
    /// Of the contract that the database keeps; none: nothing is installed, or it is not known.
    pub contract: Option<String>,
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

impl UpstreamError {
    /// Refused before anything was begun, because too much is under way.
    pub(crate) const OVERLOADED: Self = Self::Refused {
        code: ErrorCode::Overloaded,
        retry_after_ms: Some(1000),
    };

    /// No answer came by the deadline.
    pub(crate) const NO_ANSWER: Self = Self::Refused {
        code: ErrorCode::StatementTimeout,
        retry_after_ms: None,
    };

    /// The error may quote the rows, so it is left out.
    pub(crate) fn of_figures(_: serde_json::Error) -> Self {
        Self::Unexpected {
            reason: "the rows of stream.metrics have another form".to_owned(),
        }
    }
}
