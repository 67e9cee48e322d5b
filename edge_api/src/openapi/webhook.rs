//! The route of Agora's notification service.

use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::webhook::{MAX_NOTICE_BYTES, SIGNATURE_HEADER};

use super::open::{self, Words};
use super::refusals::Refusals;
use super::{examples, schemas};
use crate::contract::Contract;

const OWN: &[ErrorCode] = &[
    ErrorCode::PayloadTooLarge,
    ErrorCode::WebhookSignatureInvalid,
    ErrorCode::WebhookSignatureOutdated,
    ErrorCode::WebhookNotConfigured,
    ErrorCode::UpstreamUnavailable,
];

pub fn route(contract: &Contract, refusals: &mut Refusals) -> Value {
    let operation = contract.operation("apply_webhook");
    let names = operation
        .into_iter()
        .flat_map(|operation| &operation.errors);
    let raised = names.chain(&contract.common_errors);
    let raised = raised.filter_map(|name| ErrorCode::parse(name));
    let mut answer = open::json_answer(schemas::reference("webhook_result"));
    answer["headers"] = super::headers::of(super::headers::NOT_STORED);
    if let Some(example) = examples::of("apply_webhook") {
        answer["content"]["application/json"]["example"] = example;
    }
    let words = Words(
        "apply_webhook",
        "A notice of Agora's notification service",
        "Agora sends it again after any answer but 200. Neither body nor secret is logged.",
    );
    let mut route = open::route(refusals, words, OWN.iter().copied().chain(raised), answer);
    route["security"] = json!([{"agora_signature": []}]);
    let limit = MAX_NOTICE_BYTES / 1024;
    route["requestBody"] = json!({
        "description": format!("The notice as Agora sends it; `{SIGNATURE_HEADER}` signs its bytes. At most {limit} KiB."),
        "required": true,
        "content": {"application/json": {"schema": notice()}},
    });
    route
}

/// The members that are looked at; a notice may have others.
fn notice() -> Value {
    let number = || json!({"type": "integer", "minimum": 0, "maximum": i32::MAX});
    json!({
        "type": "object",
        "required": ["noticeId", "productId", "eventType", "payload"],
        "properties": {
            "noticeId": {"type": "string", "minLength": 1, "maxLength": 64},
            "productId": number(),
            "eventType": number(),
            "notifyMs": {"type": ["integer", "null"], "minimum": 0},
            "payload": {"type": "object"},
        },
    })
}
