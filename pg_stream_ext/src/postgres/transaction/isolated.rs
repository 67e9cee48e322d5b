//! The code of the catalogue for a fault that cost only a part of a call.

use serde::Deserialize;
use stream_core::error::ErrorCode;

use crate::postgres::error::Failure;
use crate::postgres::error_replacement::{description, replacement_of};
use crate::postgres::transaction::cause::Cause;

/// What a caller is told of the part that was rolled back.
pub struct Isolated {
    pub code: ErrorCode,
    pub retry_after_ms: Option<u64>,
    /// What the server's log is told, as of a call that fails alone; none for a refusal of ours.
    pub description: Option<String>,
}

/// The JSON of a refusal's DETAIL; see `ErrorCode::detail_json`.
#[derive(Deserialize)]
struct Detail {
    code: String,
    retry_after_ms: Option<u64>,
}

impl Isolated {
    /// As whoever makes the call alone is told: what is inside is replaced, a state of the catalogue is that code, a DETAIL of
    /// ours counts where its code has that very state, and anything else is internal.
    pub fn of(cause: &Cause) -> Self {
        if let Cause::Failed(failure) = cause {
            return Self::of_failure(failure);
        }
        let Some(report) = cause.report() else {
            return Self::without_wait(ErrorCode::Internal, "a panic of ours".to_owned());
        };
        let described = description(report);
        if let Some(code) = replacement_of(report) {
            return Self::without_wait(code, described);
        }
        let sqlstate = cause.sqlstate();
        if let Some(code) = ErrorCode::from_sqlstate(&sqlstate) {
            return Self::without_wait(code, described);
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
                ..Self::without_wait(code, described)
            },
            None => Self::without_wait(ErrorCode::Internal, described),
        }
    }

    fn of_failure(failure: &Failure) -> Self {
        match failure {
            Failure::Refused {
                code,
                hint,
                retry_after_ms,
            } => Self {
                code: *code,
                retry_after_ms: *retry_after_ms,
                description: (*code == ErrorCode::Internal)
                    .then(|| hint.clone().unwrap_or_default()),
            },
            Failure::Spi(error) => Self::without_wait(ErrorCode::Internal, error.to_string()),
            Failure::Row(what) => Self::without_wait(ErrorCode::Internal, (*what).to_owned()),
        }
    }

    fn without_wait(code: ErrorCode, description: String) -> Self {
        Self {
            code,
            retry_after_ms: None,
            description: Some(description),
        }
    }
}
