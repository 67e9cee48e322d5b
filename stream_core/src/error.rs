//! The error codes, and everything that a code decides.
//!
//! Nothing but the code chooses the SQLSTATE, the HTTP status, the category and the public
//! sentence. All of them stand in one table, `error/catalogue.rs`; this file reads it.

mod catalogue;
mod entry;
mod recovery;

pub use catalogue::ErrorCode;
pub use recovery::{Category, RecoveryStrategy};

use serde::Serialize;

use entry::Remedy;

impl ErrorCode {
    /// The public name, snake_case, stable for ever.
    pub const fn as_str(self) -> &'static str {
        self.entry().code
    }

    pub const fn category(self) -> Category {
        self.entry().category
    }

    /// Five characters. `PTxyz` makes PostgREST answer with HTTP status `xyz`; the others are
    /// raised by Postgres itself and only recognised here. A code without one belongs to edge_api alone,
    /// and no SQL function can raise it.
    pub const fn sqlstate(self) -> Option<&'static str> {
        self.entry().sqlstate
    }

    /// The status of an HTTP answer that carries this code. PostgREST maps Postgres's own states
    /// by a table of its own (57014 is 500 there, 42501 is 401 for the anonymous role).
    pub const fn http_status(self) -> u16 {
        self.entry().http_status
    }

    /// True when the app can get past this error without a person changing the request: by waiting,
    /// by trying again, by renewing the sign-in or by joining first.
    pub const fn recoverable(self) -> bool {
        matches!(self.entry().remedy, Remedy::App)
    }

    /// The way in which an app recovers: by category where [`recoverable`](Self::recoverable) is true. A retry of
    /// any other code would fail the same way, so its strategy has none.
    pub const fn recovery(self) -> RecoveryStrategy {
        let usual = self.category().recovery();
        match self.entry().remedy {
            Remedy::App => usual,
            Remedy::Request => RecoveryStrategy::give_up(usual.fallback_action),
            Remedy::Operator => RecoveryStrategy::give_up(RecoveryStrategy::CONTACT_OPERATOR),
        }
    }

    /// The public sentence: short ASCII, lower case, no full stop, and nothing of the request.
    pub const fn message(self) -> &'static str {
        self.entry().message
    }

    /// Advice to the caller.
    pub const fn hint(self) -> &'static str {
        self.entry().hint
    }

    /// The code with this public name.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|known| known.as_str() == code)
    }

    /// The code of an error that Postgres raised by itself. `PTxyz` states give `None`: several
    /// codes share one, so those errors are read from their DETAIL.
    pub fn from_sqlstate(sqlstate: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|known| known.sqlstate() == Some(sqlstate) && !sqlstate.starts_with(RAISED_BY_US))
    }

    /// The DETAIL of a raised error: `{"code", "category", "recoverable", "retry_after_ms"?}`.
    pub fn detail_json(self, retry_after_ms: Option<u64>) -> String {
        let detail = Detail {
            code: self.as_str(),
            category: self.category().as_str(),
            recoverable: self.recoverable(),
            retry_after_ms,
        };
        // Strings, a boolean and a number cannot fail to serialise.
        serde_json::to_string(&detail).unwrap_or_default()
    }
}

/// The beginning of the states that only this product raises.
const RAISED_BY_US: &str = "PT";

#[derive(Serialize)]
struct Detail {
    code: &'static str,
    category: &'static str,
    recoverable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

#[cfg(test)]
mod tests;
