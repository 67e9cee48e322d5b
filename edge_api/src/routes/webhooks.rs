//! Agora's notification service: signed by a secret of its own instead of an access token.

use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use stream_core::error::ErrorCode;
use stream_core::webhook::{
    MAX_NOTICE_BYTES, Notice, NoticeError, SHA1_SIGNATURE_HEADER, SIGNATURE_HEADER, SignatureError,
    verify,
};
use tokio::time::timeout;

use crate::auth::Caller;
use crate::error::ApiError;
use crate::extract::RawBody;
use crate::state::AppState;
use crate::uncached::Uncached;
use crate::upstream::functions;

pub const BODY_LIMIT_BYTES: usize = MAX_NOTICE_BYTES;

/// Agora waits 10 s for the answer, and for all of it together: half is left for the way and for a
/// busy service. It sends the notice again after any answer but 200.
pub const DATABASE_DEADLINE: Duration = Duration::from_secs(5);

/// `stream.webhook_result`: what became of the notice. For people who look at a log; Agora only wants
/// status 200 and JSON.
#[derive(Debug, Serialize, Deserialize)]
pub struct WebhookResult {
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<String>,
}

/// The signature is of the bytes as they came, so nothing is parsed before it was found valid.
pub async fn agora(
    State(state): State<AppState>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Uncached<WebhookResult>, ApiError> {
    check_signature(&state, &headers, &body)?;
    let notice = Notice::parse(&body).map_err(refusal)?;
    let call = functions::apply_webhook(notice.to_json());
    let caller = Caller::service();
    let answer = timeout(DATABASE_DEADLINE, state.ask(&caller, call)).await;
    match answer {
        Ok(result) => result.map(Uncached),
        // What was begun ends as a whole or not at all, and comes again.
        Err(_) => Err(ApiError::new(ErrorCode::UpstreamUnavailable)
            .because("a notice was not applied within the deadline")),
    }
}

fn check_signature(state: &AppState, headers: &HeaderMap, body: &[u8]) -> Result<(), ApiError> {
    let secrets: Vec<&[u8]> = state
        .webhook_secrets()
        .iter()
        .map(|secret| secret.expose_secret().as_bytes())
        .collect();
    if secrets.is_empty() {
        return Err(ApiError::new(ErrorCode::WebhookNotConfigured));
    }
    let mut signatures = headers.get_all(SIGNATURE_HEADER).iter();
    // Of two, somebody on the way has added one.
    let signature = signatures.next().filter(|_| signatures.next().is_none());
    let has_sha1 =
        headers.contains_key(SHA1_SIGNATURE_HEADER) && !headers.contains_key(SIGNATURE_HEADER);
    let signature = signature.map(|signature| signature.as_bytes());
    verify(signature, has_sha1, body, &secrets).map_err(|error| {
        ApiError::new(match error {
            SignatureError::Invalid => ErrorCode::WebhookSignatureInvalid,
            SignatureError::Outdated => ErrorCode::WebhookSignatureOutdated,
        })
    })
}

fn refusal(error: NoticeError) -> ApiError {
    match error {
        NoticeError::TooLarge => ApiError::new(ErrorCode::PayloadTooLarge),
        NoticeError::NotAnObject => ApiError::invalid("the notice is not a JSON object"),
        NoticeError::Field(field) => ApiError::invalid_field(field, "missing or malformed"),
    }
}
