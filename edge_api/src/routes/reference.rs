//! `GET /docs`: the document of all routes for people, from this host alone.

mod html;
mod words;

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::http::header::{
    CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::routing::get;

use super::Route;
use super::built_in::BuiltIn;
use crate::contract::Contract;
use crate::openapi::document;
use crate::state::AppState;

/// The page needs its own style sheet and script, and nothing else from anywhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

static STYLE: LazyLock<BuiltIn> = LazyLock::new(|| {
    BuiltIn::new(
        "text/css; charset=utf-8",
        include_str!("reference/page.css"),
    )
});

static SCRIPT: LazyLock<BuiltIn> = LazyLock::new(|| {
    BuiltIn::new(
        "text/javascript; charset=utf-8",
        include_str!("reference/page.js"),
    )
});

/// The page with its style sheet and its script; table and contract are those of its router.
pub fn router(table: &'static [Route], contract: &'static Contract) -> Router<AppState> {
    let page = Arc::new(LazyLock::new(move || {
        let page = html::page(&document(table, contract));
        BuiltIn::new("text/html; charset=utf-8", page)
    }));
    let page = move |headers: HeaderMap| {
        let page = Arc::clone(&page);
        async move { (HEADERS, page.answer(&headers)) }
    };
    Router::new()
        .route("/docs", get(page))
        .route(
            "/docs/page.css",
            get(async |headers: HeaderMap| STYLE.answer(&headers)),
        )
        .route(
            "/docs/page.js",
            get(async |headers: HeaderMap| SCRIPT.answer(&headers)),
        )
}
