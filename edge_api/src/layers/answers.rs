//! The memory of answers: none is begun without room for it, and each counts until it is written.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use stream_core::error::ErrorCode;

use crate::answers::Answers;
use crate::error::ApiError;
use crate::routes::health;

pub(super) async fn hold(State(answers): State<Answers>, request: Request, next: Next) -> Response {
    let is_probe = health::is_probe(request.uri());
    if answers.are_too_many() && !is_probe {
        return overloaded();
    }
    let is_repeatable = request.method().is_safe() && !is_probe;
    let (head, body) = next.run(request).await.into_parts();
    // Every answer is in memory as a whole: this neither waits nor copies.
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return ApiError::internal("an answer has no end").into_response();
    };
    if bytes.is_empty() {
        return Response::from_parts(head, Body::empty());
    }
    let held = if is_repeatable {
        answers.hold_repeatable(bytes)
    } else {
        Some(answers.hold(bytes))
    };
    match held {
        Some(bytes) => Response::from_parts(head, Body::from(bytes)),
        None => overloaded(),
    }
}

fn overloaded() -> Response {
    let error = ApiError::new(ErrorCode::Overloaded);
    error
        .because("answers take all their memory")
        .into_response()
}
