//! `GET /openapi.json`: the document of all routes, built at the first request.

use std::sync::{Arc, LazyLock};

use axum::http::HeaderMap;
use axum::routing::{MethodRouter, get};

use super::Route;
use super::built_in::BuiltIn;
use crate::contract::Contract;
use crate::openapi::document;
use crate::state::AppState;

/// The handler; table and contract are those of its router.
pub fn method_router(
    table: &'static [Route],
    contract: &'static Contract,
) -> MethodRouter<AppState> {
    let built = Arc::new(LazyLock::new(move || {
        let bytes = serde_json::to_vec(&document(table, contract)).unwrap_or_default();
        BuiltIn::new("application/json", bytes)
    }));
    get(move |headers: HeaderMap| {
        let built = Arc::clone(&built);
        async move { built.answer(&headers) }
    })
}
