//! Making requests: tokens, the router without a socket, and answers read to their end.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use edge_api::auth::Verifier;
use edge_api::caller::Role;
use edge_api::contract::Contract;
use edge_api::router::router;
use edge_api::routes::ROUTES;
use edge_api::state::AppState;
use http_body_util::BodyExt;
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::database::RecordingDatabase;

pub const SECRET: &str = "the secret of the tests, which has 32 bytes or more";
pub const USER: &str = "00000000-0000-4000-8000-000000000002";
pub const SESSION: &str = "00000000-0000-4000-8000-0000000000b1";

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).map(|value| value.to_str());
        value.and_then(Result::ok).unwrap_or_default()
    }

    /// Status and code together: what a client decides by.
    pub fn refusal(&self) -> (u16, String) {
        let code = self.json()["code"].as_str().map(str::to_owned);
        (self.status.as_u16(), code.unwrap_or_default())
    }
}

pub fn service(database: &RecordingDatabase) -> Router {
    router(state(database), Vec::new())
}

/// One whose readers poll at another interval.
pub fn service_at_interval(database: &RecordingDatabase, interval: Duration) -> Router {
    let state = state(database).with_sync_poll_interval(interval);
    router(state, Vec::new())
}

fn state(database: &RecordingDatabase) -> AppState {
    AppState::new(Arc::new(database.clone()), Verifier::new(&SECRET.into()))
}

/// A request of the signed-in test user, or of the service where no user may call; `body` is sent as JSON when there is
/// one.
pub fn request(method: &str, path: &str, body: Option<&str>) -> Request<Body> {
    let token = match is_for_users(method, path) {
        true => user_token(),
        false => service_token(),
    };
    request_with(&token, method, path, body)
}

fn is_for_users(method: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let is_of = |template: &str| {
        let mut pieces = template.split('/').zip(path.split('/'));
        template.split('/').count() == path.split('/').count()
            && pieces.all(|(piece, given)| piece.starts_with('{') || piece == given)
    };
    let mut routes = ROUTES.iter();
    let route = routes.find(|route| route.verb.method() == method && is_of(route.path));
    let operation = route.and_then(|route| Contract::get().operation(route.operation));
    operation.is_none_or(|operation| operation.admits(Role::Authenticated))
}

/// The same of whoever holds the token.
pub fn request_with(token: &str, method: &str, path: &str, body: Option<&str>) -> Request<Body> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {token}"));
    let request = match body {
        Some(_) => request.header(header::CONTENT_TYPE, "application/json"),
        None => request,
    };
    let body = body.map(|body| Body::from(body.to_owned()));
    request.body(body.unwrap_or_default()).expect("a request")
}

pub async fn send(service: Router, request: Request<Body>) -> Answer {
    let response = service
        .oneshot(request)
        .await
        .expect("a router never fails");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).expect("answers are UTF-8"),
    }
}

/// One request of the test user to a database that answers `json`.
pub async fn ask(
    json: &str,
    method: &str,
    path: &str,
    body: Option<&str>,
) -> (Answer, RecordingDatabase) {
    let database = RecordingDatabase::answering(json);
    let answer = send(service(&database), request(method, path, body)).await;
    (answer, database)
}

pub fn now_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("after 1970").as_secs()
}

pub fn user_claims() -> Value {
    json!({"sub": USER, "role": "authenticated", "aud": "authenticated", "exp": now_s() + 3600})
}

pub fn user_token() -> String {
    sign(&user_claims(), SECRET)
}

pub fn service_token() -> String {
    let claims = json!({"role": "service_role", "iss": "supabase", "exp": now_s() + 60});
    sign(&claims, SECRET)
}

pub fn sign(claims: &Value, secret: &str) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    encode(&Header::default(), claims, &key).expect("claims are JSON")
}
