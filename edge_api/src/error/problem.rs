//! The wire form of a refusal: a problem of RFC 9457 with the members of the catalogue.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde::Serialize;
use stream_core::error::{ErrorCode, RecoveryStrategy};

use super::ApiError;
use crate::request_id::RequestId;

const MEDIA_TYPE: &str = "application/problem+json";

/// The route that explains a code; problems point to it with their `type`.
pub fn type_of(code: ErrorCode) -> String {
    format!("/v1/errors/{}", code.as_str())
}

/// The members in the order of RFC 9457, section 3.1; then ours.
#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: &'static str,
    category: &'static str,
    recoverable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    recovery: RecoveryStrategy,
    request_id: &'a str,
}

/// The pause after a refusal that lasts for a moment.
const MOMENT_MS: u64 = 1000;
/// The pause after a refusal that a person has to end.
const WHILE_MS: u64 = 60_000;

/// The pause that the error names, or the usual one: every 429 and 503 has one.
fn retry_after_ms(error: &ApiError) -> Option<u64> {
    let is_due = matches!(error.status.as_u16(), 429 | 503);
    let usual = if error.code.recoverable() {
        MOMENT_MS
    } else {
        WHILE_MS
    };
    error.retry_after_ms.or_else(|| is_due.then_some(usual))
}

/// The header's whole seconds, never too early.
fn retry_after_s(wait_ms: u64) -> u64 {
    wait_ms.div_ceil(1000)
}

/// A whole answer of HTTP/1.1 that ends its connection, for who has no request to answer.
pub(crate) fn as_bytes(error: &ApiError, request_id: &RequestId) -> Vec<u8> {
    let body = body(error, request_id);
    let (status, length) = (error.status, body.len());
    let reason = status.canonical_reason().unwrap_or_default();
    let retry_after = retry_after_ms(error)
        .map(|wait_ms| format!("retry-after: {}\r\n", retry_after_s(wait_ms)))
        .unwrap_or_default();
    let head = format!(
        "HTTP/1.1 {} {reason}\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {length}\r\n\
         cache-control: no-store\r\n{retry_after}x-request-id: {}\r\nconnection: close\r\n\r\n",
        status.as_u16(),
        request_id.as_str()
    );
    [head.as_bytes(), &body].concat()
}

/// Makes an answer a problem: body and headers.
pub(crate) fn write(response: &mut Response, error: &ApiError, request_id: &RequestId) {
    let body = body(error, request_id);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, body.len().into());
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    // 404, 405 and 410 may be cached when nobody says otherwise (RFC 9110, section 15.1).
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(challenge) = challenge(error.code) {
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    if let Some(wait_ms) = retry_after_ms(error) {
        headers.insert(header::RETRY_AFTER, retry_after_s(wait_ms).into());
    }
    *response.body_mut() = Body::from(body);
}

fn body(error: &ApiError, request_id: &RequestId) -> Vec<u8> {
    let code = error.code;
    let problem = Problem {
        r#type: type_of(code),
        title: code.message(),
        status: error.status.as_u16(),
        detail: error.detail.as_deref().unwrap_or(code.hint()),
        code: code.as_str(),
        category: code.category().as_str(),
        recoverable: code.recoverable(),
        field: error.field.as_deref(),
        retry_after_ms: retry_after_ms(error),
        recovery: code.recovery(),
        request_id: request_id.as_str(),
    };
    // Strings, numbers and booleans cannot fail to serialise.
    serde_json::to_vec(&problem).unwrap_or_default()
}

/// A 401 must name the scheme (RFC 9110, section 15.5.2); RFC 6750, section 3.1 adds the error only
/// when a token was sent.
fn challenge(code: ErrorCode) -> Option<HeaderValue> {
    match code {
        ErrorCode::Unauthenticated => Some(HeaderValue::from_static("Bearer")),
        ErrorCode::TokenExpired | ErrorCode::TokenInvalid => {
            Some(HeaderValue::from_static(r#"Bearer error="invalid_token""#))
        }
        // No registered scheme; it names what is missing.
        ErrorCode::WebhookSignatureInvalid | ErrorCode::WebhookSignatureOutdated => {
            Some(HeaderValue::from_static("Agora-Signature-V2"))
        }
        _ => None,
    }
}
