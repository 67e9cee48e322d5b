//! Agora's notification service: signed by a secret of its own instead of an access token.

use std::time::Duration;

use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, HeaderValue};
use secrecy::ExposeSecret;
use serde_json::value::to_raw_value;
use stream_core::error::ErrorCode;
use stream_core::webhook::{
    Event, MAX_NOTICE_BYTES, Notice, NoticeError, SHA1_SIGNATURE_HEADER, SIGNATURE_HEADER,
    SignatureError, verify,
};
use tokio::time::{Instant, timeout_at};

use crate::answer::DatabaseJson;
use crate::arguments::Arguments;
use crate::body::RawBody;
use crate::caller::Caller;
use crate::contract::Contract;
use crate::error::ApiError;
use crate::state::AppState;
use crate::upstream::{Call, Subject};

pub const BODY_LIMIT_BYTES: usize = MAX_NOTICE_BYTES;

/// Agora waits 10 s for the answer, and for all of it together: half is left for the way and for a
/// busy service. It sends the notice again after any answer but 200.
pub const DATABASE_DEADLINE: Duration = Duration::from_secs(5);

/// The signature is of the bytes as they came, so nothing is parsed before it was found valid; without one, or without a
/// secret to check it by, nothing is read either. The
/// answer says what became of the notice, for people who look at a log; Agora only wants status 200
/// and JSON.
pub async fn agora(
    State(state): State<AppState>,
    headers: HeaderMap,
    request: Request,
) -> Result<DatabaseJson, ApiError> {
    let secrets = state.webhook_secrets();
    if secrets.is_empty() {
        return Err(ApiError::new(ErrorCode::WebhookNotConfigured));
    }
    let secrets: Vec<&[u8]> = secrets
        .iter()
        .map(|secret| secret.expose_secret().as_bytes())
        .collect();
    let signature = signature(&headers);
    if signature.is_none() {
        check(signature, &headers, &[], &secrets)?;
    }
    let body = RawBody::from_request(request, &()).await?;
    check(signature, &headers, &body.bytes, &secrets)?;
    let notice = Notice::parse(&body.bytes).map_err(refusal)?;
    let call = call(&notice, Instant::now() + DATABASE_DEADLINE)?;
    let answer = timeout_at(call.deadline, state.call(call)).await;
    match answer {
        Ok(result) => result.map(DatabaseJson),
        // What was begun ends as a whole or not at all, and comes again.
        Err(_) => Err(ApiError::new(ErrorCode::UpstreamUnavailable)
            .because("a notice was not applied within the deadline")),
    }
}

fn call(notice: &Notice, deadline: Instant) -> Result<Call, ApiError> {
    let operation = Contract::get().operation("apply_webhook");
    let operation =
        operation.ok_or_else(|| ApiError::internal("the contract lacks apply_webhook"))?;
    let channel = match &notice.event {
        Event::Change { channel, .. } => Some(channel.as_str()),
        Event::Unknown | Event::Test => None,
    };
    let notice = to_raw_value(&notice.to_json())
        .map_err(|_| ApiError::internal("a notice cannot be written as JSON"))?;
    let mut arguments = Arguments::of(operation);
    arguments.give_json("notice", &notice)?;
    Ok(Call {
        subject: channel.and_then(Subject::of_channel),
        ..arguments.into_call(Caller::service(), deadline)?
    })
}

fn signature(headers: &HeaderMap) -> Option<&[u8]> {
    let mut signatures = headers.get_all(SIGNATURE_HEADER).iter();
    // Of two, somebody on the way has added one.
    let signature = signatures.next().filter(|_| signatures.next().is_none());
    signature.map(HeaderValue::as_bytes)
}

/// Refuses a body whose signature is none of these secrets'.
fn check(
    signature: Option<&[u8]>,
    headers: &HeaderMap,
    body: &[u8],
    secrets: &[&[u8]],
) -> Result<(), ApiError> {
    let has_sha1 =
        headers.contains_key(SHA1_SIGNATURE_HEADER) && !headers.contains_key(SIGNATURE_HEADER);
    verify(signature, has_sha1, body, secrets).map_err(|error| {
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_notice_is_about_the_stream_of_its_channel() {
        let session = Uuid::from_u128(7);
        let channels = [
            (session.to_string(), Some(Subject::Session(session))),
            ("of somebody else".to_owned(), None),
        ];
        for (channel, expected) in channels {
            let notice = serde_json::json!({
                "noticeId": "a", "productId": 1, "eventType": 101,
                "payload": {"channelName": channel, "ts": 5},
            });
            let notice = Notice::parse(notice.to_string().as_bytes()).expect("a notice");
            let call = call(&notice, Instant::now()).expect("a call");
            assert_eq!(call.subject, expected);
        }
    }
}
