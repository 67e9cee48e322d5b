//! Reading of request bodies, and the refusal that each defect gets.
//!
//! A refusal never repeats a value.

use std::error::Error;
use std::fmt;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use http_body::Body as _;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;
use stream_core::error::ErrorCode;

use crate::error::ApiError;

/// The largest body is a message of 2,000 characters with its ids, even when every character is
/// escaped; this is room for about twice that.
pub const BODY_LIMIT_BYTES: usize = 64 * 1024;

/// The largest body of a route, in the extensions of its requests; without it [`BODY_LIMIT_BYTES`].
#[derive(Debug, Clone, Copy)]
pub struct BodyLimit(pub usize);

/// The failure of a body on its way in.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    #[error("the body did not arrive in time")]
    TooSlow,
    #[error("too many bodies are held at once")]
    NoMemory,
    #[error("the body could not be read")]
    Broken(#[from] hyper::Error),
}

/// The bytes as they came, up to the route's limit.
pub struct RawBody {
    pub bytes: Bytes,
    headers: HeaderMap,
}

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = ApiError;

    async fn from_request(mut request: Request, _: &S) -> Result<Self, ApiError> {
        let headers = std::mem::take(request.headers_mut());
        let limit = request.extensions().get::<BodyLimit>();
        let limit = limit.map_or(BODY_LIMIT_BYTES, |limit| limit.0);
        let bytes = read(request.into_body(), limit).await?;
        Ok(Self { bytes, headers })
    }
}

async fn read(body: Body, limit: usize) -> Result<Bytes, ApiError> {
    // A length that is announced is refused before its first byte: a client that waits for 100 (Continue) sends none.
    if body.size_hint().lower() > limit as u64 {
        return Err(ApiError::new(ErrorCode::PayloadTooLarge));
    }
    let collected = Limited::new(body, limit).collect().await;
    let bytes = collected.map_err(|error| not_read(error.as_ref()))?;
    Ok(bytes.to_bytes())
}

/// The refusal of a body that did not arrive.
fn not_read(error: &(dyn Error + 'static)) -> ApiError {
    let causes = || std::iter::successors(Some(error), |error| (*error).source());
    if causes().any(|error| error.is::<LengthLimitError>()) {
        return ApiError::new(ErrorCode::PayloadTooLarge);
    }
    match causes().find_map(|error| error.downcast_ref::<BodyError>()) {
        Some(BodyError::TooSlow) => ApiError::body_too_slow(),
        Some(BodyError::NoMemory) => {
            ApiError::new(ErrorCode::Overloaded).because("bodies take all their memory")
        }
        _ => ApiError::invalid("the body could not be read"),
    }
}

impl RawBody {
    /// The members of the JSON object that the body is; of no body at all, none.
    pub fn members(&self) -> Result<Members<'_>, ApiError> {
        if self.bytes.is_empty() {
            return Ok(Members(Vec::new()));
        }
        self.read()
    }

    /// The JSON object that the body is, in the words of its author.
    pub fn object(&self) -> Result<&RawValue, ApiError> {
        if self.bytes.is_empty() {
            return Err(ApiError::invalid("the body is empty; send a JSON object"));
        }
        self.read::<Members<'_>>()?;
        self.read()
    }

    fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ApiError> {
        if !is_json(&self.headers) {
            return Err(ApiError::unsupported_media_type());
        }
        let text =
            std::str::from_utf8(&self.bytes).map_err(|_| ApiError::new(ErrorCode::InvalidText))?;
        serde_json::from_str(text).map_err(|error| refusal(&error))
    }
}

/// Names and values in their order; the same name may stand there twice.
pub struct Members<'a>(pub Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(Object).map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let essence = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

fn refusal(error: &serde_json::Error) -> ApiError {
    match error.classify() {
        Category::Data => ApiError::invalid("the body is not a JSON object"),
        Category::Io | Category::Syntax | Category::Eof => {
            let (line, column) = (error.line(), error.column());
            ApiError::invalid(format!(
                "the body is not valid JSON at line {line} column {column}"
            ))
        }
    }
}
