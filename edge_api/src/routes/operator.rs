//! Routes of those who run the service: opening and closing the circuit breakers of this copy.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::Serialize;
use stream_core::error::ErrorCode;

use crate::caller::{Caller, Role};
use crate::error::ApiError;
use crate::state::AppState;
use crate::upstream::breaker::{Breaker, State as BreakerState};

#[derive(Debug, Serialize)]
pub struct BreakerChange {
    breaker: &'static str,
    state: BreakerState,
    /// The other copies of the service have breakers of their own.
    copy: &'static str,
}

/// Opens a breaker: calls are refused for 30 s, then one probes.
pub async fn trip(
    State(state): State<AppState>,
    caller: Caller,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<BreakerChange>, ApiError> {
    change(&state, &caller, name, Breaker::trip)
}

/// Closes a breaker.
pub async fn reset(
    State(state): State<AppState>,
    caller: Caller,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<BreakerChange>, ApiError> {
    change(&state, &caller, name, Breaker::reset)
}

fn change(
    state: &AppState,
    caller: &Caller,
    name: Result<Path<String>, PathRejection>,
    change: impl FnOnce(&Breaker),
) -> Result<Json<BreakerChange>, ApiError> {
    if caller.role != Role::ServiceRole {
        return Err(ApiError::new(ErrorCode::PermissionDenied));
    }
    let name = name.ok().map(|Path(name)| name);
    let mut breakers = state.breakers().iter();
    let breaker = breakers.find(|breaker| Some(breaker.name()) == name.as_deref());
    let breaker = breaker.ok_or_else(ApiError::route_not_found)?;
    change(breaker);
    let snapshot = breaker.snapshot();
    tracing::warn!(
        breaker = snapshot.breaker,
        state = ?snapshot.state,
        "an operator changed a circuit breaker"
    );
    Ok(Json(BreakerChange {
        breaker: snapshot.breaker,
        state: snapshot.state,
        copy: "this copy of the service only",
    }))
}
