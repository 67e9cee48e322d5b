//! Health: that the process answers, and that its database does.

use std::cmp::Ordering;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use serde::Serialize;

use crate::contract::Contract;
use crate::error::ApiError;
use crate::state::AppState;
use crate::upstream::breaker::State as BreakerState;

/// The route of the liveness probe.
pub const LIVENESS_PATH: &str = "/healthz";

pub const READINESS_PATH: &str = "/readyz";

/// Whether a request asks for the health of the process or of what it needs, which whoever decides about the process
/// must learn under any load.
pub(crate) fn is_about_health(target: &Uri) -> bool {
    is_probe(target) || target.path() == READINESS_PATH
}

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

/// What a balancer and an operator want to know.
#[derive(Debug, Serialize)]
pub struct Readiness {
    /// `degraded`: it serves, but a breaker is not closed, the database's contract is another, or keys are missing.
    status: &'static str,
    contract_version: &'static str,
    /// The oldest contract that a client may have been built with.
    oldest_client: &'static str,
    database: Database,
    breakers: Vec<Breaker>,
    /// Whether the keys of access tokens were read; until then tokens that name a key are refused.
    has_token_keys: bool,
}

/// What is installed in the database; null: nothing, or the way to it does not tell.
#[derive(Debug, Serialize)]
struct Database {
    extension_version: Option<String>,
    contract_version: Option<String>,
    /// The database's contract, next to the one that is built in.
    contract: ContractAge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum ContractAge {
    Same,
    /// Operations may be missing: the database is to be upgraded.
    Older,
    Newer,
    Unknown,
}

#[derive(Debug, Serialize)]
struct Breaker {
    name: &'static str,
    state: BreakerState,
}

/// The database answers too. Whoever asks gets the answer of the last second, which one question made.
pub async fn ready(State(state): State<AppState>) -> Result<Json<Readiness>, ApiError> {
    let versions = state.upstream().ping().await?;
    let contract = Contract::get();
    let age = ContractAge::of(versions.contract.as_deref(), contract.version);
    let breakers: Vec<_> = state
        .breakers()
        .iter()
        .map(|breaker| Breaker {
            name: breaker.name(),
            state: breaker.snapshot().state,
        })
        .collect();
    let are_closed = breakers
        .iter()
        .all(|breaker| breaker.state == BreakerState::Closed);
    let has_token_keys = state.verifier().has_key_set();
    let is_whole =
        are_closed && has_token_keys && matches!(age, ContractAge::Same | ContractAge::Unknown);
    Ok(Json(Readiness {
        status: if is_whole { OK.status } else { "degraded" },
        contract_version: contract.version,
        oldest_client: contract.oldest_client,
        database: Database {
            extension_version: versions.extension,
            contract_version: versions.contract,
            contract: age,
        },
        breakers,
        has_token_keys,
    }))
}

impl ContractAge {
    fn of(installed: Option<&str>, built_in: &str) -> Self {
        let Some((installed, built_in)) = installed.and_then(numbers).zip(numbers(built_in)) else {
            return Self::Unknown;
        };
        match installed.cmp(&built_in) {
            Ordering::Less => Self::Older,
            Ordering::Equal => Self::Same,
            Ordering::Greater => Self::Newer,
        }
    }
}

/// The two numbers of a version of the contract.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let (first, second) = version.split_once('.')?;
    Some((first.parse().ok()?, second.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for (installed, built_in, age) in [
            (Some("1.0"), "1.0", ContractAge::Same),
            (Some("1.9"), "1.10", ContractAge::Older),
            (Some("1.10"), "2.0", ContractAge::Older),
            (Some("2.0"), "1.10", ContractAge::Newer),
            (Some("nonsense"), "1.0", ContractAge::Unknown),
            (None, "1.0", ContractAge::Unknown),
        ] {
            assert_eq!(ContractAge::of(installed, built_in), age, "{installed:?}");
        }
    }
}
