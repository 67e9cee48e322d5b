//! Calls through the edge's upstreams in this process, without HTTP.

use std::sync::Arc;

use anyhow::{Context, Result};
use edge_api::arguments::Arguments;
use edge_api::auth::Verifier;
use edge_api::caller::Caller;
use edge_api::contract::Contract;
use edge_api::deadline::Deadline;
use edge_api::upstream::sql::tls::Tls;
use edge_api::upstream::sql::{Pooler, SqlSettings};
use edge_api::upstream::{Call, Pending, Upstream};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use uuid::Uuid;

use crate::secret;
use crate::services::access_token::{Signer, claims_of};

/// A database in clear text and without a pooler.
pub fn plain_settings(url: &str, connections: usize) -> Result<SqlSettings> {
    Ok(SqlSettings {
        database: url.parse().context("no connection string")?,
        tls: Tls::DISABLED,
        pooler: Pooler::None,
        connections,
    })
}

/// A signed-in user, as the service knows one whose access token it has verified.
pub async fn signed_in(user: Uuid) -> Result<Caller> {
    let secret = secret::random("a key of access tokens", 32)?;
    let token = Signer::new(&secret).sign(&claims_of(user));
    let verified = Verifier::new(&secret.into()).verify(&token).await?;
    Ok(Caller {
        role: verified.role,
        user_id: verified.user_id,
        claims: verified.claims.clone(),
        ..Caller::service()
    })
}

/// A call with the arguments of a JSON object.
pub fn call_of(caller: Caller, operation: &str, arguments: &Value) -> Result<Arc<Call>> {
    let operation = Contract::get().operation(operation);
    let mut given = Arguments::of(operation.context("no such operation")?);
    for (name, value) in arguments.as_object().context("no object")? {
        let value = to_raw_value(value)?;
        given
            .give_json(name, &value)
            .ok()
            .with_context(|| format!("{name} is refused"))?;
    }
    let call = given.into_call(caller, Deadline::of_new_request().0);
    Ok(Arc::new(call.ok().context("an argument is missing")?))
}

/// A call of the service in the name of a user.
pub fn call_for(user: Uuid, operation: &str, arguments: &Value) -> Result<Arc<Call>> {
    let caller = Caller {
        user_id: Some(user),
        ..Caller::service()
    };
    call_of(caller, operation, arguments)
}

/// The answer to the service in the name of a user.
pub fn ask(
    upstream: &dyn Upstream,
    user: Uuid,
    operation: &str,
    arguments: &Value,
) -> Result<Pending<Box<RawValue>>> {
    Ok(upstream.call(call_for(user, operation, arguments)?))
}
