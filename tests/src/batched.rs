//! One call as a user makes it alone and as an item of the service's batch, and the refusals of both.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use tokio_postgres::Error;
use uuid::Uuid;

use crate::contract;
use crate::database::TestDatabase;
use crate::identity::Identity;
use crate::trace::Trace;

/// An operation that users call alone, and the one by which the service makes many of these calls.
#[derive(Clone, Copy)]
pub struct Batched {
    pub single: &'static str,
    pub batch: &'static str,
}

/// A call of a user, in the way of the single operation.
#[derive(Debug, Clone)]
pub struct UserCall {
    pub identity: Identity,
    pub arguments: Value,
}

/// The code of a refusal and its wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: String,
    pub retry_after_ms: Option<u64>,
}

impl UserCall {
    /// The call as an item of a batch: the same arguments, and the claims.
    ///
    /// # Panics
    ///
    /// When the arguments are no object.
    pub fn item(&self) -> Value {
        let mut item = self.arguments.clone();
        let members = item.as_object_mut().expect("named arguments");
        members.insert("claims".to_owned(), self.identity.claims.clone());
        item
    }
}

/// Claims that no item may come with, though they name a user: null and those of other roles, and the refusal.
pub fn claims_of_nobody(user: Uuid) -> [(Value, &'static str); 6] {
    [
        (Value::Null, "token_invalid"),
        (json!("text"), "token_invalid"),
        (json!({"sub": user}), "unauthenticated"),
        (json!({"sub": user, "role": "anon"}), "unauthenticated"),
        (
            json!({"sub": user, "role": "service_role"}),
            "unauthenticated",
        ),
        (
            json!({"sub": user, "role": ["authenticated"]}),
            "unauthenticated",
        ),
    ]
}

impl Batched {
    /// The codes with which the contract says that the single call may be refused.
    pub fn codes(self) -> Vec<String> {
        let contract = contract::part("operations");
        let codes = contract["operations"][self.single]["errors"].as_array();
        let codes = codes.into_iter().flatten();
        codes
            .filter_map(|code| code.as_str().map(str::to_owned))
            .collect()
    }

    /// Makes the call alone, which must be refused without a trace.
    pub async fn refused_alone(self, database: &TestDatabase, call: &UserCall) -> Result<Refusal> {
        let caller = database.session(call.identity.clone()).await?;
        let before = state(database).await?;
        let refused = caller.rpc(self.single, call.arguments.clone()).await;
        let changed = state(database).await?;
        let changed = changed.changed_since(&before);
        ensure!(changed.is_empty(), "a refused call changed {changed:?}");
        refusal(&refused.err().context("the call was answered")?)
    }

    /// Makes the calls as one batch of the service.
    pub async fn send(self, database: &TestDatabase, items: &Value) -> Result<Vec<Value>> {
        let service = database.service().await?;
        Ok(service
            .rpc_rows(self.batch, json!({"items": items}))
            .await?)
    }

    /// Makes the call twice in one batch that holds nothing else: both must be refused alike, without a trace.
    pub async fn refused_in_batch(
        self,
        database: &TestDatabase,
        call: &UserCall,
    ) -> Result<Refusal> {
        let before = state(database).await?;
        let answers = self
            .send(database, &json!([call.item(), call.item()]))
            .await?;
        let changed = state(database).await?;
        let changed = changed.changed_since(&before);
        ensure!(changed.is_empty(), "a refused item changed {changed:?}");
        let mut refusals = answers.iter().map(item_refusal);
        let (first, second) = (refusals.next(), refusals.next());
        let (Some(Some(first)), Some(Some(second))) = (first, second) else {
            anyhow::bail!("an item was not refused: {answers:?}");
        };
        ensure!(first.code == second.code, "{first:?} and {second:?}");
        Ok(first)
    }
}

/// The refusal of an item; none where it was answered.
pub fn item_refusal(answer: &Value) -> Option<Refusal> {
    let code = answer["status"].as_str()?;
    (code != "ok").then(|| Refusal {
        code: code.to_owned(),
        retry_after_ms: answer["retry_after_ms"].as_u64(),
    })
}

/// What a caller of the edge is told of an error: the catalogue's code, `internal` for what is not in it.
pub fn refusal(error: &Error) -> Result<Refusal> {
    let error = error.as_db_error().context("the connection was lost")?;
    let detail: Option<Value> = error
        .detail()
        .and_then(|detail| serde_json::from_str(detail).ok());
    let code = detail.as_ref().and_then(|detail| detail["code"].as_str());
    let code = match code {
        Some(code) => ErrorCode::parse(code),
        None => ErrorCode::from_sqlstate(error.code().code()),
    };
    Ok(Refusal {
        code: code.unwrap_or(ErrorCode::Internal).as_str().to_owned(),
        retry_after_ms: detail.and_then(|detail| detail["retry_after_ms"].as_u64()),
    })
}

/// Everything that a call could have left behind.
async fn state(database: &TestDatabase) -> Result<Trace> {
    Trace::take(&database.owner).await
}
