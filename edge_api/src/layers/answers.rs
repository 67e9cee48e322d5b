//! The memory of answers: nothing that can be asked for again is begun without room for its answer, no change when all
//! memory is taken, nothing of a client that leaves too many answers unread; and each answer counts until it is written.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use stream_core::error::ErrorCode;

use crate::answers::Answers;
use crate::client::Client;
use crate::error::ApiError;
use crate::routes::health;

pub(super) async fn hold(State(answers): State<Answers>, request: Request, next: Next) -> Response {
    let client: Option<&Client> = request.extensions().get();
    let client = client.and_then(|client| client.counted());
    let is_about_health = health::is_about_health(request.uri());
    let is_repeatable = request.method().is_safe() && !is_about_health;
    // A change, whose answer is never refused, is refused before it is begun: else many addresses, each within its own
    // part, would hold any number of answers.
    let has_no_room = || {
        (is_repeatable && answers.are_too_many_to_repeat())
            || answers.are_too_many()
            || answers.are_too_many_of(client)
    };
    if !is_about_health && has_no_room() {
        return overloaded();
    }
    let (head, body) = next.run(request).await.into_parts();
    // Every answer is in memory as a whole: this neither waits nor copies.
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return ApiError::internal("an answer has no end").into_response();
    };
    if bytes.is_empty() {
        return Response::from_parts(head, Body::empty());
    }
    let held = if is_repeatable {
        answers.hold_repeatable(bytes, client)
    } else {
        Some(answers.hold(bytes, client))
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
