//! Is the service alive, and can it do its work?

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::error::ApiError;
use crate::state::AppState;

#[derive(Debug, Serialize)]
pub struct Health {
    status: &'static str,
}

const OK: Json<Health> = Json(Health { status: "ok" });

/// The process answers; says nothing of the database, whose outage no restart would mend.
pub async fn live() -> Json<Health> {
    OK
}

/// The database answers too.
pub async fn ready(State(state): State<AppState>) -> Result<Json<Health>, ApiError> {
    state.upstream().ping().await?;
    Ok(OK)
}
