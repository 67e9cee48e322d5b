//! Expecting a refusal: the catalogue's own SQLSTATE, sentence and DETAIL, and no trace of the attempt.

use std::fmt::Debug;
use std::panic::Location;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use stream_core::error::ErrorCode;
use tokio_postgres::Error;

use crate::database::TestDatabase;
use crate::session::Session;
use crate::trace::Trace;

impl TestDatabase {
    /// Fails unless the call is refused with exactly this code and leaves no trace.
    #[track_caller]
    pub fn refuses<T: Debug>(
        &self,
        code: ErrorCode,
        call: impl Future<Output = Result<T, Error>>,
    ) -> impl Future<Output = Result<()>> {
        let place = Location::caller();
        async move {
            let before = Trace::take(&self.owner).await?;
            let refused = expect_refusal(code, call.await);
            let after = Trace::take(&self.owner).await?;
            refused
                .and_then(|()| {
                    let changed = after.changed_since(&before);
                    ensure!(changed.is_empty(), "a refused call changed {changed:?}");
                    Ok(())
                })
                .with_context(|| format!("expected {} at {place}", code.as_str()))
        }
    }

    /// Fails unless the call succeeds and leaves no trace.
    #[track_caller]
    pub fn changes_nothing<T>(
        &self,
        call: impl Future<Output = Result<T, Error>>,
    ) -> impl Future<Output = Result<T>> {
        let place = Location::caller();
        async move {
            let before = Trace::take(&self.owner).await?;
            let answer = call.await.with_context(|| format!("at {place}"))?;
            let after = Trace::take(&self.owner).await?;
            let changed = after.changed_since(&before);
            ensure!(changed.is_empty(), "{changed:?} changed at {place}");
            Ok(answer)
        }
    }
}

/// Fails unless the call, written in SQL, is refused with this code before it has locked or written a row:
/// such a refusal takes no transaction id and leaves no dead row behind.
pub async fn refuses_before_writing(caller: &Session, code: ErrorCode, call: &str) -> Result<()> {
    let state = code.sqlstate().context("no function raises that")?;
    let name = code.as_str();
    caller.begin().await?;
    caller
        .execute_within(&format!(
            "do $$
             declare detail text;
             begin
                 perform {call};
                 raise 'the call was answered';
             exception when sqlstate '{state}' then
                 get stacked diagnostics detail = pg_exception_detail;
                 assert detail::jsonb ->> 'code' = '{name}', detail;
             end $$"
        ))
        .await
        .with_context(|| format!("{call} should be refused as {name}"))?;
    let has_written = caller.has_written().await?;
    caller.rollback().await?;
    ensure!(!has_written, "{call} wrote before it was refused as {name}");
    Ok(())
}

/// Fails unless the outcome is a refusal with exactly this code.
pub fn expect_refusal<T: Debug>(code: ErrorCode, outcome: Result<T, Error>) -> Result<()> {
    let error = match outcome {
        Ok(answer) => anyhow::bail!("the call was answered: {answer:?}"),
        Err(error) => error,
    };
    let refusal = error
        .as_db_error()
        .with_context(|| format!("no error of the server: {error}"))?;
    let state = refusal.code().code();
    ensure!(
        Some(state) == code.sqlstate(),
        "refused with {state}: {} {:?} {:?}",
        refusal.message(),
        refusal.detail(),
        refusal.hint()
    );
    if !state.starts_with("PT") {
        // Postgres's own error; only its state is promised.
        return Ok(());
    }
    let mut detail: Value = serde_json::from_str(refusal.detail().context("no DETAIL")?)?;
    let wait_ms = detail
        .as_object_mut()
        .and_then(|detail| detail.remove("retry_after_ms"))
        .and_then(|wait_ms| wait_ms.as_u64());
    let is_a_limit = code.http_status() == 429;
    ensure!(
        wait_ms > Some(0) || !is_a_limit,
        "DETAIL says no wait of a limit"
    );
    ensure!(
        wait_ms.is_none() || is_a_limit || code == ErrorCode::Muted,
        "DETAIL says a wait"
    );
    let expected: Value = serde_json::from_str(&code.detail_json(None))?;
    ensure!(detail == expected, "DETAIL is {detail}");
    ensure!(
        refusal.message() == code.message(),
        "MESSAGE is {}",
        refusal.message()
    );
    ensure!(
        refusal.hint().is_some_and(|hint| !hint.is_empty()),
        "no HINT"
    );
    Ok(())
}

/// How long a refused caller is told to wait.
pub fn retry_after_ms(error: &Error) -> Option<u64> {
    let detail: Value = serde_json::from_str(error.as_db_error()?.detail()?).ok()?;
    detail["retry_after_ms"].as_u64()
}
