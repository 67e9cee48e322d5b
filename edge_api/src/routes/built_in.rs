//! Documents that the service makes once and keeps: bytes, media type and entity tag.

use axum::body::Bytes;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::entity_tag::EntityTag;

/// A document that is the same for everybody.
#[derive(Debug)]
pub struct BuiltIn {
    media_type: HeaderValue,
    bytes: Bytes,
    tag: EntityTag,
}

impl BuiltIn {
    pub fn new(media_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self {
            media_type: HeaderValue::from_static(media_type),
            tag: EntityTag::of_bytes(&bytes),
            bytes,
        }
    }

    /// The document, or that the reader's copy is current.
    pub fn answer(&self, request: &HeaderMap) -> Response {
        let kept = [
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (ETAG, self.tag.to_header()),
        ];
        if self.tag.is_held_by(request) {
            return (StatusCode::NOT_MODIFIED, kept).into_response();
        }
        let media_type = [(CONTENT_TYPE, self.media_type.clone())];
        (kept, media_type, self.bytes.clone()).into_response()
    }
}
