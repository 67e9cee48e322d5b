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

use crate::jwt::ApiRole;
use crate::rest::sqlstate::status;
use crate::rest::token_refusal::TokenRefusal;

#[derive(Debug, thiserror::Error)]
pub enum RestError {
    #[error("Could not find the table '{schema}.{name}' in the schema cache")]
    NoTable {
        schema: String,
        name: String,
        hint: Option<String>,
    },
    #[error("Invalid schema: {wanted}")]
    Schema { wanted: String, exposed: String },
    #[error("{}", .0.message)]
    Token(TokenRefusal),
    /// A role that no token may name here.
    #[error("role \"{0}\" does not exist")]
    UnknownRole(String),
    /// What Postgres says where the login role may not become a role, or there is no such role.
    #[error("{message}")]
    Role { code: &'static str, message: String },
    #[error("permission denied for {kind} {name}")]
    NotPermitted {
        kind: &'static str,
        name: String,
        role: ApiRole,
    },
    #[error("Empty or invalid json")]
    Json,
    #[error("the query string could not be read")]
    Query,
    /// A feature of PostgREST that the stand-in lacks.
    #[error("supabase_local does not do what PostgREST does with {0}")]
    NotModelled(String),
    #[error("Content-Type not acceptable: only application/json is")]
    ContentType,
    #[error("None of these media types are available: {0}")]
    MediaType(String),
    #[error("Invalid path specified in request URL")]
    Path,
    #[error("Could not find the function {} in the schema cache", .wanted.in_message())]
    NoFunction {
        wanted: Wanted,
        hint: Option<String>,
    },
    #[error("Could not choose the best candidate function between: {}", .0.join(", "))]
    SeveralFunctions(Vec<String>),
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

/// The function that a call named, and in which words it is missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// With its schema.
    pub name: String,
    pub arguments: Vec<String>,
    pub is_post: bool,
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

impl Wanted {
    fn in_message(&self) -> String {
        match self.arguments.as_slice() {
            [] => format!("{} without parameters", self.name),
            arguments => format!("{}({})", self.name, arguments.join(", ")),
        }
    }

    fn in_details(&self) -> String {
        let parameters = match self.arguments.as_slice() {
            [] => " without parameters".to_owned(),
            [only] => format!(" with parameter {only}"),
            arguments => format!(" with parameters {}", arguments.join(", ")),
        };
        let whole_body = if self.is_post {
            " or with a single unnamed json/jsonb parameter"
        } else {
            ""
        };
        format!("{}{parameters}{whole_body}", self.name)
    }
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
            Self::NoTable { .. } => (404, "PGRST205"),
            Self::Schema { .. } => (406, "PGRST106"),
            Self::Token(refusal) => (401, refusal.code),
            Self::Role { code, message } => (status(code, message, ApiRole::Authenticated), code),
            Self::NotPermitted { role, .. } => (status("42501", "", *role), "42501"),
            Self::Json => (400, "PGRST102"),
            Self::Query => (400, "PGRST100"),
            Self::NotModelled(_) => (501, "LOCAL501"),
            Self::ContentType => (415, "PGRST102"),
            Self::MediaType(_) => (406, "PGRST107"),
            Self::Path => (404, "PGRST125"),
            Self::UnknownRole(_) => (401, "22023"),
            Self::NoFunction { .. } => (404, "PGRST202"),
            Self::SeveralFunctions(_) => (300, "PGRST203"),
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
            Self::NoFunction { wanted, .. } => Some(format!(
                "Searched for the function {}, but no matches were found in the schema cache.",
                wanted.in_details()
            )),
            Self::Token(refusal) => refusal.details.map(str::to_owned),
            Self::Database(error, _) => error.detail().map(str::to_owned),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Schema { exposed, .. } => {
                Some(format!("Only the following schemas are exposed: {exposed}"))
            }
            Self::SeveralFunctions(_) => Some(
                "Try renaming the parameters or the function itself in the database so function overloading can be resolved".to_owned(),
            ),
            Self::NoFunction { hint, .. } | Self::NoTable { hint, .. } => hint.clone(),
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
        let challenge = match &self {
            Self::Token(refusal) => HeaderValue::from_str(&refusal.challenge()).ok(),
            _ => Some(HeaderValue::from_static("Bearer")).filter(|_| status == 401),
        };
        if let Some(challenge) = challenge {
            headers.insert(WWW_AUTHENTICATE, challenge);
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
