//! Calls through the edge's upstreams in this process, without HTTP.

use std::sync::Arc;

use anyhow::{Context, Result};
use edge_api::arguments::Arguments;
use edge_api::caller::Caller;
use edge_api::contract::Contract;
use edge_api::deadline::Deadline;
use edge_api::upstream::sql::tls::Tls;
use edge_api::upstream::sql::{Pooler, SqlSettings};
use edge_api::upstream::{Call, Pending, Upstream};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use uuid::Uuid;

/// A database in clear text and without a pooler.
pub fn plain_settings(url: &str, connections: usize) -> Result<SqlSettings> {
    Ok(SqlSettings {
        database: url.parse().context("no connection string")?,
        tls: Tls::DISABLED,
        pooler: Pooler::None,
        connections,
    })
}

/// A call of the service in the name of a user, with the arguments of a JSON object.
pub fn call_for(user: Uuid, operation: &str, arguments: &Value) -> Result<Arc<Call>> {
    let operation = Contract::get().operation(operation);
    let mut given = Arguments::of(operation.context("no such operation")?);
    for (name, value) in arguments.as_object().context("no object")? {
        let value = to_raw_value(value)?;
        given
            .give_json(name, &value)
            .ok()
            .with_context(|| format!("{name} is refused"))?;
    }
    let caller = Caller {
        user_id: Some(user),
        ..Caller::service()
    };
    let call = given.into_call(caller, Deadline::of_new_request().0);
    Ok(Arc::new(call.ok().context("an argument is missing")?))
}

/// The answer of a call.
pub fn ask(
    upstream: &dyn Upstream,
    user: Uuid,
    operation: &str,
    arguments: &Value,
) -> Result<Pending<Box<RawValue>>> {
    Ok(upstream.call(call_for(user, operation, arguments)?))
}
