//! The code of the catalogue for a fault that cost only a part of a call.

use serde::Deserialize;
use stream_core::error::ErrorCode;

use crate::postgres::error::Failure;
use crate::postgres::transaction::cause::Cause;

/// What a caller is told of the part that was rolled back.
#[derive(Clone, Copy)]
pub struct Isolated {
    pub code: ErrorCode,
    pub retry_after_ms: Option<u64>,
    /// Whether nothing of it is for the server's log: a refusal of ours.
    pub is_refusal: bool,
}

/// The JSON of a refusal's DETAIL; see `ErrorCode::detail_json`.
#[derive(Deserialize)]
struct Detail {
    code: String,
    retry_after_ms: Option<u64>,
}

impl Isolated {
    /// As whoever makes the call alone is told: a state of the catalogue is that code, a DETAIL of ours counts where its
    /// code has that very state, and anything else is internal.
    pub fn of(cause: &Cause) -> Self {
        if let Cause::Failed(Failure::Refused {
            code,
            retry_after_ms,
            ..
        }) = cause
        {
            return Self {
                code: *code,
                retry_after_ms: *retry_after_ms,
                is_refusal: *code != ErrorCode::Internal,
            };
        }
        let sqlstate = cause.sqlstate();
        if let Some(code) = ErrorCode::from_sqlstate(&sqlstate) {
            return Self::without_wait(code);
        }
        let detail = cause
            .detail()
            .and_then(|detail| serde_json::from_str::<Detail>(&detail).ok());
        let ours = detail
            .and_then(|detail| Some((ErrorCode::parse(&detail.code)?, detail.retry_after_ms)))
            .filter(|(code, _)| code.sqlstate() == Some(sqlstate.as_str()));
        match ours {
            Some((code, retry_after_ms)) => Self {
                retry_after_ms,
                ..Self::without_wait(code)
            },
            None => Self::without_wait(ErrorCode::Internal),
        }
    }

    fn without_wait(code: ErrorCode) -> Self {
        Self {
            code,
            retry_after_ms: None,
            is_refusal: false,
        }
    }
}
