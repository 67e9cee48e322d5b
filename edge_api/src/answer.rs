//! Answers of the database on their way to the caller: the bytes that it wrote.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::value::RawValue;

use crate::entity_tag::EntityTag;

/// JSON of the database. Nobody on the way may store it (RFC 9111, section 5.2.2.5): it is true for
/// one caller at one moment, and may hold a token.
#[derive(Debug)]
pub struct DatabaseJson(pub Box<RawValue>);

impl IntoResponse for DatabaseJson {
    fn into_response(self) -> Response {
        let json = HeaderValue::from_static("application/json");
        let body = String::from(Box::<str>::from(self.0));
        ([(CACHE_CONTROL, NO_STORE), (CONTENT_TYPE, json)], body).into_response()
    }
}

/// JSON of the database that its reader asks for again and again. The reader alone may keep it, and must ask before
/// each use (RFC 9111, sections 5.2.2.7 and 5.2.2.4); another caller has another answer.
#[derive(Debug)]
pub struct PolledJson {
    json: Box<RawValue>,
    /// None: the answer names no version, so nothing can be compared with it.
    tag: Option<EntityTag>,
    interval: Duration,
}

impl PolledJson {
    /// `version` is the member that names the version. Weak: times in the answer change without it.
    pub fn new(json: Box<RawValue>, version: &str, interval: Duration) -> Self {
        let tag = serde_json::from_str::<BTreeMap<Cow<'_, str>, &RawValue>>(json.get())
            .ok()
            .and_then(|members| serde_json::from_str::<String>(members.get(version)?.get()).ok())
            .and_then(|version| EntityTag::weak(&version));
        Self {
            json,
            tag,
            interval,
        }
    }

    /// The whole answer, or 304 for a reader who holds this version.
    pub fn answer(self, request: &HeaderMap) -> Response {
        let is_held = self.tag.as_ref().is_some_and(|tag| tag.is_held_by(request));
        let mut response = match is_held {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false => DatabaseJson(self.json).into_response(),
        };
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        headers.insert(VARY, HeaderValue::from_static("authorization"));
        let interval_ms = self.interval.as_millis();
        headers.insert(
            X_POLL_INTERVAL_MS,
            u64::try_from(interval_ms).unwrap_or(u64::MAX).into(),
        );
        if let Some(tag) = self.tag {
            headers.insert(ETAG, tag.to_header());
        }
        response
    }
}

/// How long a reader waits before it asks again. A header, because 304 has no body.
pub const X_POLL_INTERVAL_MS: HeaderName = HeaderName::from_static("x-poll-interval-ms");

/// The answer of a function without a result: 204, as from PostgREST.
#[derive(Debug)]
pub struct Nothing;

impl IntoResponse for Nothing {
    fn into_response(self) -> Response {
        (StatusCode::NO_CONTENT, [(CACHE_CONTROL, NO_STORE)]).into_response()
    }
}

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
