//! A parsed call: its schema, its caller, its arguments and the shape of its answer.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, Method};
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::api_key::{self, ApiKey};
use crate::jwt::{self, ApiRole, Claims, REST_LEEWAY_S, TokenKey};
use crate::rest::error::{RestError, Wanted};
use crate::rest::paging::{Paging, Pair};
use crate::rest::token_refusal::TokenRefusal;

const OBJECT: &str = "application/vnd.pgrst.object+json";
const CSV: &str = "text/csv";

/// One HTTP request, undigested.
pub struct RpcRequest {
    pub function: String,
    pub method: Method,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// The caller: the role to switch to and the claims to set.
pub struct Caller {
    pub role: ApiRole,
    pub claims: Claims,
}

/// The arguments as JSON text, passed to Postgres whole so that no number is rounded on the way.
pub struct Arguments {
    /// Sorted.
    pub names: Vec<String>,
    pub json: String,
    pub paging: Paging,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The form of the function's return type.
    Natural,
    /// One object; anything but one row is refused.
    Object,
    /// A line of names, and a line for each row.
    Csv,
}

impl RpcRequest {
    /// GET and HEAD may not write, whatever the function says of itself.
    pub fn is_safe(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }

    /// The schema of `Content-Profile` (`Accept-Profile` for GET and HEAD), else the first one.
    pub fn schema<'a>(&self, schemas: &'a [String]) -> Result<&'a str, RestError> {
        let header = if self.is_safe() {
            "accept-profile"
        } else {
            "content-profile"
        };
        let Some(wanted) = self.headers.get(header) else {
            return Ok(&schemas[0]);
        };
        schemas
            .iter()
            .find(|schema| schema.as_bytes() == wanted.as_bytes())
            .map(String::as_str)
            .ok_or_else(|| RestError::Schema {
                wanted: String::from_utf8_lossy(wanted.as_bytes()).into_owned(),
                exposed: schemas.join(", "),
            })
    }

    /// The bearer token's user, or the API key's role when there is no such token.
    pub fn caller(&self, key: &TokenKey, api_key: ApiKey) -> Result<Caller, RestError> {
        let claims = match api_key::bearer(&self.headers) {
            Some(token) => key
                .verify(token, jwt::now_s(), REST_LEEWAY_S)
                .map_err(|error| RestError::Token(TokenRefusal::new(token, error)))?,
            None => api_key.claims,
        };
        let Ok(role) = claims.role() else {
            return Err(RestError::UnknownRole(claims.role_name()));
        };
        let role = role.unwrap_or(ApiRole::Anon);
        Ok(Caller { role, claims })
    }

    /// What is called, for the words of a refusal.
    pub fn wanted(&self, schema: &str, arguments: &Arguments) -> Wanted {
        Wanted {
            name: format!("{schema}.{}", self.function),
            arguments: arguments.names.clone(),
            is_post: !self.is_safe(),
        }
    }

    pub fn arguments(&self) -> Result<Arguments, RestError> {
        let pairs = serde_urlencoded::from_str(&self.query).map_err(|_| RestError::Query)?;
        let (paging, others) = Paging::split(pairs)?;
        if self.is_safe() {
            return Ok(Arguments::of_query(others, paging));
        }
        if let Some((name, _)) = others.first() {
            return Err(RestError::NotModelled(format!("{name} in a POST's query")));
        }
        let content_type = self.headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
        if content_type.is_some_and(|value| !value.starts_with(b"application/json")) {
            return Err(RestError::ContentType);
        }
        let text = std::str::from_utf8(&self.body).map_err(|_| RestError::Json)?;
        if text.trim().is_empty() {
            return Ok(Arguments {
                names: Vec::new(),
                json: "{}".to_owned(),
                paging,
            });
        }
        let keys: BTreeMap<String, IgnoredAny> =
            serde_json::from_str(text).map_err(|_| RestError::Json)?;
        Ok(Arguments {
            names: keys.into_keys().collect(),
            json: text.to_owned(),
            paging,
        })
    }

    /// The first media type of `Accept` that there is.
    pub fn shape(&self) -> Result<Shape, RestError> {
        let Some(accept) = self.headers.get(ACCEPT) else {
            return Ok(Shape::Natural);
        };
        let accept = String::from_utf8_lossy(accept.as_bytes());
        let types = || {
            let types = accept.split(',').map(|one| one.split(';').next());
            types.map(|one| one.unwrap_or_default().trim())
        };
        let known = types().find_map(|one| match one {
            OBJECT => Some(Shape::Object),
            CSV => Some(Shape::Csv),
            "application/json" | "application/vnd.pgrst.array+json" | "application/*" | "*/*" => {
                Some(Shape::Natural)
            }
            _ => None,
        });
        known.ok_or_else(|| RestError::MediaType(types().collect::<Vec<_>>().join(", ")))
    }

    /// Headers for `request.headers`: lower-case names, the last of several values.
    pub fn headers_json(&self) -> String {
        let headers: Map<String, Value> = self
            .headers
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), Value::String(value))
            })
            .collect();
        Value::Object(headers).to_string()
    }
}

impl Arguments {
    fn of_query(pairs: Vec<Pair>, paging: Paging) -> Self {
        let pairs: BTreeMap<String, String> = pairs.into_iter().collect();
        Self {
            json: serde_json::json!(pairs).to_string(),
            names: pairs.into_keys().collect(),
            paging,
        }
    }
}

impl Shape {
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Natural => "application/json; charset=utf-8",
            Self::Object => "application/vnd.pgrst.object+json; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }
}

#[cfg(test)]
mod tests;
