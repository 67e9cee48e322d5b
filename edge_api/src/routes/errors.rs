//! The catalogue of errors, open to everybody: problems point here.

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use serde::Serialize;
use stream_core::error::{ErrorCode, RecoveryStrategy};

use crate::error::{ApiError, problem};

#[derive(Debug, Serialize)]
pub struct CatalogueEntry {
    r#type: String,
    code: &'static str,
    category: &'static str,
    status: u16,
    /// Nothing for a code that no SQL function raises.
    sqlstate: Option<&'static str>,
    recoverable: bool,
    title: &'static str,
    hint: &'static str,
    recovery: RecoveryStrategy,
}

impl From<ErrorCode> for CatalogueEntry {
    fn from(code: ErrorCode) -> Self {
        Self {
            r#type: problem::type_of(code),
            code: code.as_str(),
            category: code.category().as_str(),
            status: code.http_status(),
            sqlstate: code.sqlstate(),
            recoverable: code.recoverable(),
            title: code.message(),
            hint: code.hint(),
            recovery: code.recovery(),
        }
    }
}

pub async fn list() -> Json<Vec<CatalogueEntry>> {
    Json(ErrorCode::ALL.iter().copied().map(Into::into).collect())
}

pub async fn one(
    code: Result<Path<String>, PathRejection>,
) -> Result<Json<CatalogueEntry>, ApiError> {
    let code = code.ok().and_then(|Path(code)| ErrorCode::parse(&code));
    code.map(|code| Json(code.into()))
        .ok_or_else(ApiError::route_not_found)
}
