//! A role that a token names and that no token may name here: refused as Postgres refuses to become it.

use crate::rest::error::RestError;
use crate::rest::service::Rest;

const EXISTS: &str =
    "select $1 = 'none' or exists (select from pg_catalog.pg_roles as r where r.rolname = $1)";

/// The refusal of a role, which says whether there is one of this name.
pub async fn refusal(rest: &Rest, name: String) -> RestError {
    match exists(rest, &name).await {
        Err(error) => error,
        Ok(true) => RestError::Role {
            code: "42501",
            message: format!("permission denied to set role \"{name}\""),
        },
        Ok(false) => RestError::Role {
            code: "22023",
            message: format!("role \"{name}\" does not exist"),
        },
    }
}

async fn exists(rest: &Rest, name: &str) -> Result<bool, RestError> {
    let client = rest.client().await?;
    Ok(client.query_one(EXISTS, &[&name]).await?.get(0))
}
