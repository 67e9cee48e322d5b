//! Calls of Supabase's routes, and their refusals.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;

use crate::services::Services;
use crate::services::answer::Answer;
use crate::services::request::Request;

/// The password of the demo users (`supabase/seed.sql`).
pub const DEMO_PASSWORD: &str = "demo-password";

impl Services {
    /// A call of a function of schema `stream`, with the public key alone.
    pub fn rpc_request(&self, function: &str) -> Request {
        Request::post(format!("/rest/v1/rpc/{function}"))
            .header("apikey", &self.keys.anon_key)
            .header("content-profile", "stream")
    }

    /// Calls a function with a user's access token. None may answer 503, which costs everybody PostgREST's
    /// connections.
    pub async fn rpc(&self, token: &str, function: &str, arguments: Value) -> Result<Answer> {
        let request = self.rpc_request(function).bearer(token).json(&arguments);
        let answer = request.send(&self.supabase_url).await?;
        ensure!(answer.status != 503, "{function} answered {answer:?}");
        Ok(answer)
    }

    /// Fails unless the call is refused with exactly this code and leaves no trace.
    pub async fn rpc_refuses(
        &self,
        code: ErrorCode,
        token: &str,
        function: &str,
        arguments: Value,
    ) -> Result<()> {
        let case = format!("{function} {arguments}");
        let request = self.rpc_request(function).bearer(token).json(&arguments);
        self.send_without_trace(&self.supabase_url, request)
            .await
            .and_then(|answer| expect_refusal(&answer, code))
            .with_context(|| format!("expected {} of {case:.200}", code.as_str()))
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Result<Answer> {
        Request::post("/auth/v1/token?grant_type=password")
            .header("apikey", &self.keys.anon_key)
            .json(&json!({"email": email, "password": password}))
            .send(&self.supabase_url)
            .await
    }
}

/// Fails unless it is PostgREST's answer to an error of the catalogue that the product raises.
fn expect_refusal(answer: &Answer, code: ErrorCode) -> Result<()> {
    let body = answer.json();
    ensure!(
        answer.status == code.http_status() && answer.status != 503,
        "answered with {answer:?}"
    );
    ensure!(body["code"].as_str() == code.sqlstate(), "code of {body}");
    ensure!(body["message"] == code.message(), "message of {body}");
    let details = body["details"].as_str().context("no details")?;
    let details: Value = serde_json::from_str(details)?;
    let expected: Value = serde_json::from_str(&code.detail_json(None))?;
    ensure!(details == expected, "details of {body}");
    ensure!(
        body["hint"].as_str().is_some_and(|hint| !hint.is_empty()),
        "no hint in {body}"
    );
    Ok(())
}

/// Fails unless it is PostgREST's answer to an error that is Postgres's or its own.
pub fn expect_error(answer: &Answer, status: u16, code: &str) -> Result<()> {
    ensure!(answer.status == status, "answered with {answer:?}");
    ensure!(answer.json()["code"] == code, "code of {answer:?}");
    Ok(())
}
