//! The parameters that many requests share.

use serde_json::{Value, json};

/// Of every request.
pub const EVERYWHERE: &[&str] = &["x-request-id", "x-request-timeout-ms", "traceparent"];

/// Of requests whose answer is kept by its reader.
pub const KEPT: &[&str] = &["if-none-match"];

pub fn of(names: &[&str]) -> Vec<Value> {
    let references = names
        .iter()
        .map(|name| format!("#/components/parameters/{name}"));
    references
        .map(|reference| json!({"$ref": reference}))
        .collect()
}

pub fn components() -> Value {
    let text = || json!({"type": "string"});
    let header = |name: &str, description: &str, schema: Value, example: Value| json!({"name": name, "in": "header", "description": description, "schema": schema, "example": example});
    json!({
        "x-request-id": header(
            "x-request-id",
            "An id of the caller's for the answer and the log: up to 128 letters, digits, `.`, `_` and `-`. Another one is \
             replaced.",
            text(),
            "checkout-7".into(),
        ),
        "x-request-timeout-ms": header(
            "x-request-timeout-ms",
            "How long the caller waits. What has not been done by then is given up.",
            json!({"type": "integer", "minimum": 100, "maximum": 8000, "default": 8000}),
            2000.into(),
        ),
        "traceparent": header(
            "traceparent",
            "The trace that the request belongs to (W3C Trace Context). Another text is passed over.",
            text(),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into(),
        ),
        "if-none-match": header(
            "if-none-match",
            "The entity tags that the reader holds, or `*`: where one is current, the answer is 304 without a body.",
            text(),
            "\"1-7a1f\"".into(),
        ),
    })
}
