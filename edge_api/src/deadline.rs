//! The instant by which the answer to a request is due.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use tokio::time::Instant;

use crate::error::ApiError;

/// The header in which a caller asks for an earlier deadline, in milliseconds.
pub const X_REQUEST_TIMEOUT_MS: HeaderName = HeaderName::from_static("x-request-timeout-ms");

/// The least and the most that a caller may ask for; without the header it is the most.
const SHORTEST: Duration = Duration::from_millis(100);
pub const LONGEST: Duration = Duration::from_secs(8);

/// A request is cut off this much later, so that the refusal of the database, which names the reason,
/// comes first.
pub const GRACE: Duration = Duration::from_secs(1);

/// A request's deadline, which the layers around the handlers put into its extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(pub Instant);

impl Deadline {
    /// The deadline of a request that comes in now, and asks for no other.
    pub fn of_new_request() -> Self {
        Self(Instant::now() + LONGEST)
    }

    /// The deadline of a request that comes in now with these headers.
    pub fn asked_for(headers: &HeaderMap) -> Result<Self, ApiError> {
        let mut values = headers.get_all(X_REQUEST_TIMEOUT_MS).iter();
        let Some(value) = values.next() else {
            return Ok(Self::of_new_request());
        };
        let asked = value
            .to_str()
            .ok()
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|text| text.parse().ok())
            .map(Duration::from_millis)
            .filter(|asked| (SHORTEST..=LONGEST).contains(asked) && values.next().is_none());
        let asked = asked.ok_or_else(|| {
            ApiError::invalid_field(
                X_REQUEST_TIMEOUT_MS.as_str(),
                "not one number from 100 to 8000",
            )
        })?;
        Ok(Self(Instant::now() + asked))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Deadline {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let known = parts.extensions.get::<Self>().copied();
        Ok(known.unwrap_or_else(Self::of_new_request))
    }
}
