//! A parsed call: its schema, its caller, its arguments and the shape of its answer.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, Method};
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::api_key::{self, ApiKey};
use crate::jwt::{self, ApiRole, Claims, REST_LEEWAY_S, TokenKey};
use crate::rest::error::RestError;
use crate::rest::paging::{Paging, Pair};

const OBJECT: &str = "application/vnd.pgrst.object+json";

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
            Some(token) => key.verify(token, jwt::now_s(), REST_LEEWAY_S)?,
            None => api_key.claims,
        };
        let role = claims.role()?.unwrap_or(ApiRole::Anon);
        Ok(Caller { role, claims })
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

    pub fn shape(&self) -> Shape {
        let accept = self
            .headers
            .get(ACCEPT)
            .and_then(|value| value.to_str().ok());
        match accept {
            Some(accept) if accept.contains(OBJECT) => Shape::Object,
            _ => Shape::Natural,
        }
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
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method, query: &str, body: &str) -> RpcRequest {
        RpcRequest {
            function: "f".to_owned(),
            method,
            query: query.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::from(body.to_owned()),
        }
    }

    #[test]
    fn a_body_keeps_its_text_and_names_its_keys() {
        let arguments = request(Method::POST, "", r#"{"b": 1.10, "a": [1]}"#)
            .arguments()
            .unwrap();
        assert_eq!(arguments.names, ["a", "b"]);
        assert_eq!(arguments.json, r#"{"b": 1.10, "a": [1]}"#);
    }

    #[test]
    fn an_empty_body_is_no_argument() {
        let arguments = request(Method::POST, "", "").arguments().unwrap();
        assert!(arguments.names.is_empty());
        assert_eq!(arguments.json, "{}");
    }

    #[test]
    fn malformed_bodies_are_refused() {
        for body in ["{", "[]", "1", "null", "{\"a\":1} trailing", "{a:1}"] {
            let refused = request(Method::POST, "", body).arguments();
            assert!(matches!(refused, Err(RestError::Json)), "{body}");
        }
    }

    #[test]
    fn a_query_gives_the_arguments_of_a_get() {
        let arguments = request(Method::GET, "session_id=a%20b&skip=5&limit=5", "")
            .arguments()
            .unwrap();
        assert_eq!(arguments.names, ["session_id", "skip"]);
        assert_eq!(arguments.json, r#"{"session_id":"a b","skip":"5"}"#);
        assert!(!arguments.paging.is_empty());
    }

    #[test]
    fn the_query_of_a_post_shapes_its_answer_and_holds_no_arguments() {
        let arguments = request(Method::POST, "limit=1", "{}").arguments().unwrap();
        assert!(!arguments.paging.is_empty());
        let refused = request(Method::POST, "skip=1", "{}").arguments();
        assert!(matches!(refused, Err(RestError::NotModelled(_))));
    }

    #[test]
    fn the_schema_must_be_exposed() {
        let schemas = ["public".to_owned(), "stream".to_owned()];
        let mut asked = request(Method::POST, "", "");
        assert_eq!(asked.schema(&schemas).unwrap(), "public");
        asked
            .headers
            .insert("content-profile", "stream".parse().unwrap());
        assert_eq!(asked.schema(&schemas).unwrap(), "stream");
        asked
            .headers
            .insert("content-profile", "auth".parse().unwrap());
        assert!(matches!(
            asked.schema(&schemas),
            Err(RestError::Schema { .. })
        ));
    }

    #[test]
    fn a_get_reads_the_other_profile_header() {
        let schemas = ["public".to_owned(), "stream".to_owned()];
        let mut asked = request(Method::GET, "", "");
        asked
            .headers
            .insert("content-profile", "stream".parse().unwrap());
        assert_eq!(asked.schema(&schemas).unwrap(), "public");
        asked
            .headers
            .insert("accept-profile", "stream".parse().unwrap());
        assert_eq!(asked.schema(&schemas).unwrap(), "stream");
    }
}
