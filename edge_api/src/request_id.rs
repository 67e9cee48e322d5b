//! The id that ties a request's log line, its answer and a bug report together.
//!
//! Not the argument `request_id` of some operations, with which a caller repeats a call safely.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// Read from the request, and set on every answer.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Enough for a uuid, a ULID or a W3C trace id with a prefix; short enough for a log line.
const MAX_LENGTH: usize = 128;

/// An id made of letters, digits, `.`, `_` and `-`, so that it can stand in a log, a header and a
/// JSON string without escaping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// The caller's id when it is well formed, else a new one (uuid version 7: sorts by time).
    pub fn of(headers: &HeaderMap) -> Self {
        headers
            .get(X_REQUEST_ID)
            .and_then(|value| value.to_str().ok())
            .and_then(Self::parse)
            .unwrap_or_else(Self::new)
    }

    #[expect(clippy::new_without_default, reason = "each is another")]
    pub fn new() -> Self {
        Self(Uuid::now_v7().to_string())
    }

    pub fn parse(text: &str) -> Option<Self> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_sane = (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(is_allowed);
        is_sane.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn to_header(&self) -> HeaderValue {
        // The alphabet of a request id is a part of what a header may hold.
        HeaderValue::from_str(&self.0).unwrap_or_else(|_| HeaderValue::from_static("invalid"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sane_id_is_kept() {
        for id in ["a", "checkout_7.retry-2", &"x".repeat(MAX_LENGTH)] {
            assert_eq!(
                RequestId::parse(id).as_ref().map(RequestId::as_str),
                Some(id)
            );
        }
    }

    #[test]
    fn an_id_that_could_break_a_log_line_is_replaced() {
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_ID, HeaderValue::from_static("a b\",\"c"));
        let id = RequestId::of(&headers);
        assert!(Uuid::try_parse(id.as_str()).is_ok(), "{id:?}");
    }

    #[test]
    fn empty_and_endless_ids_are_refused() {
        assert_eq!(RequestId::parse(""), None);
        assert_eq!(RequestId::parse(&"x".repeat(MAX_LENGTH + 1)), None);
    }
}
