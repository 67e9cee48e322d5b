//! Every way a call fails, as PostgREST words it: status, code, message, details, hint.

use axum::Json;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use deadpool_postgres::PoolError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tokio_postgres::error::DbError;
use tracing::warn;

use crate::jwt::{ApiRole, TokenError};

#[derive(Debug, thiserror::Error)]
pub enum RestError {
    #[error("supabase_local serves functions (/rest/v1/rpc/<function>), not tables")]
    NoTables,
    #[error("Invalid schema: {wanted}")]
    Schema { wanted: String, exposed: String },
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("Empty or invalid json")]
    Json,
    #[error("the query string could not be read")]
    Query,
    /// A feature of PostgREST that the stand-in lacks.
    #[error("supabase_local does not do what PostgREST does with {0}")]
    NotModelled(String),
    #[error("Content-Type not acceptable: only application/json is")]
    ContentType,
    #[error("Could not find the function {schema}.{name}({arguments}) in the schema cache")]
    NoFunction {
        schema: String,
        name: String,
        arguments: String,
    },
    #[error("Could not choose the best candidate function among several named {schema}.{name}")]
    SeveralFunctions { schema: String, name: String },
    #[error("Cannot coerce the result to a single JSON object")]
    NotOneRow(i64),
    #[error("response.status GUC must be a valid status code")]
    ResponseStatus,
    #[error(
        "response.headers GUC must be a JSON array composed of objects with a single key and a string value"
    )]
    ResponseHeaders,
    #[error("the catalogue answered something unexpected")]
    Catalog(#[source] serde_json::Error),
    #[error("Timed out acquiring connection from connection pool.")]
    PoolTimeout,
    #[error("Database connection error. Retrying the connection.")]
    Connection(#[source] Option<tokio_postgres::Error>),
    #[error("{}", .0.message())]
    Database(Box<DbError>, ApiRole),
}

/// PostgREST's error body.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ErrorBody {
    code: String,
    message: String,
    #[serde(default)]
    details: Option<String>,
    #[serde(default)]
    hint: Option<String>,
}

impl RestError {
    /// Postgres's "permission denied" means "sign in" to the anonymous role and "no" to others.
    pub fn seen_by(self, role: ApiRole) -> Self {
        match self {
            Self::Database(error, _) => Self::Database(error, role),
            other => other,
        }
    }

    fn status_and_code(&self) -> (u16, &str) {
        match self {
            Self::NoTables => (404, "PGRST205"),
            Self::Schema { .. } => (406, "PGRST106"),
            Self::Token(TokenError::Expired { .. } | TokenError::NotYetValid) => (401, "PGRST303"),
            Self::Token(_) => (401, "PGRST301"),
            Self::Json => (400, "PGRST102"),
            Self::Query => (400, "PGRST100"),
            Self::NotModelled(_) => (501, "LOCAL501"),
            Self::ContentType => (415, "PGRST102"),
            Self::NoFunction { .. } => (404, "PGRST202"),
            Self::SeveralFunctions { .. } => (300, "PGRST203"),
            Self::NotOneRow(_) => (406, "PGRST116"),
            Self::ResponseHeaders => (500, "PGRST111"),
            Self::ResponseStatus => (500, "PGRST112"),
            Self::Catalog(_) => (500, "PGRST002"),
            Self::PoolTimeout => (504, "PGRST003"),
            Self::Connection(_) => (503, "PGRST001"),
            Self::Database(error, role) => {
                let code = error.code().code();
                (status(code, error.message(), *role), code)
            }
        }
    }

    fn details(&self) -> Option<String> {
        match self {
            Self::NotOneRow(rows) => Some(format!("The result contains {rows} rows")),
            Self::NoFunction { .. } => {
                Some("No function takes exactly these argument names.".to_owned())
            }
            Self::Database(error, _) => error.detail().map(str::to_owned),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Schema { exposed, .. } => {
                Some(format!("Only the following schemas are exposed: {exposed}"))
            }
            Self::SeveralFunctions { .. } => {
                Some("Overload functions by different argument names only.".to_owned())
            }
            Self::NotModelled(_) => Some("Ask a real PostgREST.".to_owned()),
            Self::Database(error, _) => error.hint().map(str::to_owned),
            _ => None,
        }
    }
}

impl From<tokio_postgres::Error> for RestError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(database) => Self::Database(Box::new(database.clone()), ApiRole::Anon),
            None => Self::Connection(Some(error)),
        }
    }
}

impl From<PoolError> for RestError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Timeout(_) => Self::PoolTimeout,
            PoolError::Backend(error) => Self::Connection(Some(error)),
            _ => Self::Connection(None),
        }
    }
}

impl IntoResponse for RestError {
    fn into_response(self) -> Response {
        if let Self::Database(error, _) = &self
            && error.code().code() == "PGRST"
        {
            return raised_response(error);
        }
        let (status, code) = self.status_and_code();
        if let Self::Connection(Some(error)) = &self {
            warn!(%error, "the database cannot be reached");
        }
        let mut headers = HeaderMap::new();
        if status == 401 {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        let body = ErrorBody {
            code: code.to_owned(),
            message: self.to_string(),
            details: self.details(),
            hint: self.hint(),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        with_code(status, headers, body)
    }
}

/// The HTTP status of an SQLSTATE.
pub fn status(sqlstate: &str, message: &str, role: ApiRole) -> u16 {
    if let Some(custom) = sqlstate.strip_prefix("PT") {
        return custom
            .parse()
            .ok()
            .filter(|code| (200..600).contains(code))
            .unwrap_or(500);
    }
    match sqlstate {
        "21000" if message.ends_with("requires a WHERE clause") => 400,
        "22023" if message.starts_with("role \"") && message.ends_with("does not exist") => 401,
        "23503" | "23505" => 409,
        "25006" => 405,
        "42501" if role == ApiRole::Anon => 401,
        "42501" => 403,
        "42883" if message.starts_with("function xmlagg(") => 406,
        "42883" | "42P01" => 404,
        "42P17" | "53400" => 500,
        "57P01" => 503,
        "P0001" => 400,
        _ => match sqlstate.get(..2).unwrap_or_default() {
            "08" | "53" => 503,
            "0L" | "0P" | "28" => 403,
            "09" | "21" | "25" | "2D" | "38" | "39" | "3B" | "40" | "54" | "55" | "57" | "58"
            | "F0" | "HV" | "P0" | "XX" => 500,
            _ => 400,
        },
    }
}

/// `raise sqlstate 'PGRST'`: MESSAGE is the JSON body, DETAIL the JSON status and headers.
fn raised_response(error: &DbError) -> Response {
    #[derive(Deserialize)]
    struct Answer {
        status: u16,
        #[serde(default)]
        headers: BTreeMap<String, String>,
    }
    let body = serde_json::from_str::<ErrorBody>(error.message()).ok();
    let answer = error
        .detail()
        .and_then(|detail| serde_json::from_str::<Answer>(detail).ok());
    let parsed = body.zip(answer).and_then(|(body, answer)| {
        let status = StatusCode::from_u16(answer.status).ok()?;
        let mut headers = HeaderMap::new();
        for (name, value) in answer.headers {
            headers.insert(name.parse::<HeaderName>().ok()?, value.parse().ok()?);
        }
        Some((status, headers, body))
    });
    match parsed {
        Some((status, headers, body)) => with_code(status, headers, body),
        None => with_code(
            StatusCode::INTERNAL_SERVER_ERROR,
            HeaderMap::new(),
            ErrorBody {
                code: "PGRST121".to_owned(),
                message: "Could not parse JSON in the \"RAISE SQLSTATE 'PGRST'\" error".to_owned(),
                details: None,
                hint: None,
            },
        ),
    }
}

fn with_code(status: StatusCode, mut headers: HeaderMap, body: ErrorBody) -> Response {
    if let Ok(value) = format!("PostgREST; error={}", body.code).parse() {
        headers.insert("proxy-status", value);
    }
    (status, headers, Json(body)).into_response()
}

#[cfg(test)]
mod tests;
