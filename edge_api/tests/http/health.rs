//! What a balancer is told: which contract the database has, and which breakers are open.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use edge_api::auth::Verifier;
use edge_api::contract::Contract;
use edge_api::router::router;
use edge_api::state::AppState;
use edge_api::upstream::breaker::Breaker;
use serde_json::json;

use crate::database::RecordingDatabase;
use crate::requests::{SECRET, send, service};

#[tokio::test]
async fn readiness_tells_what_is_installed_and_when_that_is_older() {
    let ask = async |version: &str| {
        let database = RecordingDatabase::answering("null").with_contract_version(version);
        let request = Request::get("/readyz").body(Body::empty());
        let answer = send(service(&database), request.expect("a request")).await;
        assert_eq!(answer.status, 200);
        answer.json()
    };
    let same = ask(Contract::get().version).await;
    assert_eq!(same["status"], "ok");
    assert_eq!(same["database"]["contract"], "same");
    assert_eq!(same["database"]["extension_version"], "0.1.0");
    let older = ask("0.9").await;
    assert_eq!(older["status"], "degraded");
    assert_eq!(older["database"]["contract"], "older");
    assert_eq!(older["database"]["contract_version"], "0.9");
}

#[tokio::test]
async fn readiness_tells_a_breaker_that_is_open() {
    let database = RecordingDatabase::answering("null");
    let breaker = Breaker::new("database");
    let state = AppState::new(Arc::new(database), Verifier::new(&SECRET.into()));
    let service = router(state.with_breakers(vec![breaker.clone()]), Vec::new());
    let ask = async || {
        let request = Request::get("/readyz").body(Body::empty());
        send(service.clone(), request.expect("a request"))
            .await
            .json()
    };
    let closed = ask().await;
    assert_eq!(closed["status"], "ok");
    assert_eq!(
        closed["breakers"][0],
        json!({"name": "database", "state": "CLOSED"})
    );
    breaker.trip();
    let open = ask().await;
    assert_eq!(open["status"], "degraded");
    assert_eq!(open["breakers"][0]["state"], "OPEN");
}
