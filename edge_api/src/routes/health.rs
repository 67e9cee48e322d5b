//! Health: that the process answers, and that its database does.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use serde::Serialize;

use crate::contract::Contract;
use crate::error::ApiError;
use crate::state::AppState;

/// The route of the liveness probe.
pub const LIVENESS_PATH: &str = "/healthz";

/// Whether a request asks if the process lives: no load may make that fail.
pub(crate) fn is_probe(target: &Uri) -> bool {
    target.path() == LIVENESS_PATH
}

#[derive(Debug, Serialize)]
pub struct Health {
    status: &'static str,
}

const OK: Json<Health> = Json(Health { status: "ok" });

/// The process answers; says nothing of the database, whose outage no restart would mend.
pub async fn live() -> Json<Health> {
    OK
}

#[derive(Debug, Serialize)]
pub struct Readiness {
    status: &'static str,
    contract_version: &'static str,
    /// The oldest contract that a client may have been built with.
    oldest_client: &'static str,
}

/// The database answers too.
pub async fn ready(State(state): State<AppState>) -> Result<Json<Readiness>, ApiError> {
    state.upstream().ping().await?;
    let contract = Contract::get();
    Ok(Json(Readiness {
        status: OK.status,
        contract_version: contract.version,
        oldest_client: contract.oldest_client,
    }))
}
