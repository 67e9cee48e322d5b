//! Calls of the edge, and their refusals.

use anyhow::{Context, Result, ensure};
use hyper::Method;
use serde_json::Value;
use stream_core::error::ErrorCode;

use crate::services::Services;
use crate::services::answer::Answer;
use crate::services::request::Request;

impl Services {
    /// Calls a route without a body.
    pub async fn edge(&self, token: &str, method: Method, path: &str) -> Result<Answer> {
        Request::new(method, path)
            .bearer(token)
            .send(&self.edge_url)
            .await
    }

    /// Calls a route with a JSON body.
    pub async fn edge_json(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Value,
    ) -> Result<Answer> {
        Request::new(method, path)
            .bearer(token)
            .json(&body)
            .send(&self.edge_url)
            .await
    }

    /// Fails unless the request is refused with exactly this code and leaves no trace.
    pub async fn edge_refuses(&self, code: ErrorCode, request: Request) -> Result<()> {
        let case = format!("{request:?}");
        self.send_without_trace(&self.edge_url, request)
            .await
            .and_then(|answer| expect_problem(&answer, code))
            .with_context(|| format!("expected {} of {case:.300}", code.as_str()))
    }
}

/// Fails unless it is the problem of RFC 9457 that belongs to the code.
pub fn expect_problem(answer: &Answer, code: ErrorCode) -> Result<()> {
    let body = answer.json();
    ensure!(
        answer.status == code.http_status(),
        "answered with {answer:?}"
    );
    ensure!(
        answer.header("content-type") == "application/problem+json",
        "content type {}",
        answer.header("content-type")
    );
    for (member, expected) in [
        ("type", Value::from(format!("/v1/errors/{}", code.as_str()))),
        ("title", code.message().into()),
        ("status", code.http_status().into()),
        ("code", code.as_str().into()),
        ("category", code.category().as_str().into()),
        ("recoverable", code.recoverable().into()),
        ("recovery", serde_json::to_value(code.recovery())?),
        ("request_id", answer.header("x-request-id").into()),
    ] {
        ensure!(body[member] == expected, "member {member} of {body}");
    }
    ensure!(
        body["detail"]
            .as_str()
            .is_some_and(|detail| !detail.is_empty()),
        "no detail in {body}"
    );
    ensure!(!answer.header("x-request-id").is_empty(), "no request id");
    Ok(())
}
