//! The routes of those who run the service.

use std::sync::Arc;

use axum::Router;
use edge_api::auth::Verifier;
use edge_api::router::router;
use edge_api::state::AppState;
use edge_api::upstream::breaker::{Breaker, Guarded, State};
use serde_json::json;

use crate::database::RecordingDatabase;
use crate::requests::{
    Answer, SECRET, SESSION, request, request_with, send, service_token, user_token,
};

fn guarded(database: &RecordingDatabase) -> (Router, Arc<Breaker>) {
    let breaker = Breaker::new("database");
    let upstream = Guarded::new(breaker.clone(), database.clone());
    let state = AppState::new(Arc::new(upstream), Verifier::new(&SECRET.into()));
    let state = state.with_breakers(vec![breaker.clone()]);
    (router(state, Vec::new()), breaker)
}

async fn operate(service: &Router, token: &str, name: &str, what: &str) -> Answer {
    let path = format!("/v1/operator/breakers/{name}/{what}");
    send(service.clone(), request_with(token, "POST", &path, None)).await
}

#[tokio::test(start_paused = true)]
async fn an_operator_opens_and_closes_the_breaker_of_this_copy() {
    let database = RecordingDatabase::answering(r#""active""#);
    let (service, breaker) = guarded(&database);
    let state_of_stream = || request("GET", &format!("/v1/streams/{SESSION}/state"), None);

    let answer = operate(&service, &service_token(), "database", "trip").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let copy = "this copy of the service only";
    let expected = json!({"breaker": "database", "state": "OPEN", "copy": copy});
    assert_eq!(answer.json(), expected);

    let refused = send(service.clone(), state_of_stream()).await;
    assert_eq!(refused.refusal(), (503, "upstream_unavailable".to_owned()));
    assert_eq!(refused.header("retry-after"), "30");
    assert_eq!(refused.json()["retry_after_ms"], 30_000);
    assert!(database.asked().is_empty());

    let answer = operate(&service, &service_token(), "database", "reset").await;
    assert_eq!(answer.json()["state"], "CLOSED");
    assert_eq!(send(service, state_of_stream()).await.status, 200);
    assert_eq!(breaker.snapshot().state, State::Closed);
}

#[tokio::test]
async fn nobody_but_the_service_role_operates() {
    let (service, breaker) = guarded(&RecordingDatabase::answering("null"));
    for what in ["trip", "reset"] {
        let answer = operate(&service, &user_token(), "database", what).await;
        assert_eq!(answer.refusal(), (403, "permission_denied".to_owned()));
        let answer = operate(&service, "no token", "database", what).await;
        assert_eq!(answer.refusal().0, 401);
    }
    assert_eq!(breaker.snapshot().state, State::Closed);
}

#[tokio::test]
async fn a_breaker_that_does_not_exist_is_not_found() {
    let (service, _) = guarded(&RecordingDatabase::answering("null"));
    for name in ["agora", "Database", "%ff"] {
        let answer = operate(&service, &service_token(), name, "trip").await;
        assert_eq!(answer.refusal(), (404, "route_not_found".to_owned()));
    }
}
