//! Reads of a table or view, as the role of the token. Filters and writes are refused as not modelled.

use axum::http::Method;
use axum::response::Response;
use deadpool_postgres::Client;

use crate::api_key::ApiKey;
use crate::rest::call::Planned;
use crate::rest::catalog::{self, Function};
use crate::rest::error::RestError;
use crate::rest::hint;
use crate::rest::request::{Caller, RpcRequest};
use crate::rest::role;
use crate::rest::service::Rest;
use crate::rest::statement;

/// `$1` schema, `$2` relation, `$3` role, `$4` privilege.
const LOOK_UP: &str = "select c.relkind::text, \
         pg_catalog.has_schema_privilege($3, n.oid, 'usage'), \
         pg_catalog.has_table_privilege($3, c.oid, $4) \
     from pg_catalog.pg_class as c \
     join pg_catalog.pg_namespace as n on n.oid = c.relnamespace \
     where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p', 'v', 'm', 'f')";
const NAMES: &str = "select c.relname::text from pg_catalog.pg_class as c \
     join pg_catalog.pg_namespace as n on n.oid = c.relnamespace \
     where n.nspname = $1 and c.relkind in ('r', 'p', 'v', 'm', 'f') order by c.relname";

/// Answers with the rows of the relation that stands where a function's name does.
pub async fn read(
    rest: &Rest,
    api_key: ApiKey,
    request: RpcRequest,
) -> Result<Response, RestError> {
    let caller = match request.caller(&rest.token_key, api_key) {
        Err(RestError::UnknownRole(name)) => return Err(role::refusal(rest, name).await),
        caller => caller?,
    };
    let schema = request.schema(&rest.schemas)?;
    check(rest, &caller, schema, &request).await?;
    let name = request.function.as_str();
    if name.is_empty() || !request.is_safe() {
        let what = "the root, and with writes of tables";
        return Err(RestError::NotModelled(what.to_owned()));
    }
    let arguments = request.arguments()?;
    // PostgREST reads a filter out of every other word.
    if let Some(column) = arguments.names.first() {
        return Err(RestError::NotModelled(format!("the filter on {column}")));
    }
    let shape = request.shape()?;
    let rows = Function {
        volatile: false,
        returns_set: true,
        returns_void: false,
        returns_row: true,
        parameters: Vec::new(),
    };
    let mut client = rest.client().await?;
    let found = catalog::look_up(&client, schema, name, caller.role).await?;
    let planned = Planned {
        request: &request,
        path: format!("/{name}"),
        caller: &caller,
        schema,
        role_settings: &found.role_settings,
        arguments: &arguments,
        rows: &rows,
        shape,
        statement: statement::of_relation(
            schema,
            name,
            &rows,
            &arguments.paging,
            shape,
            caller.role,
        ),
    };
    planned.run(&mut client).await
}

/// Refuses what there is not, and what the role may not do.
async fn check(
    rest: &Rest,
    caller: &Caller,
    schema: &str,
    request: &RpcRequest,
) -> Result<(), RestError> {
    let name = request.function.as_str();
    if name.is_empty() {
        return Ok(());
    }
    if name.contains('/') {
        return Err(RestError::Path);
    }
    let privilege = match request.method {
        Method::POST => "insert",
        Method::PATCH => "update",
        Method::DELETE => "delete",
        _ => "select",
    };
    let role = caller.role;
    let client = rest.client().await?;
    let arguments: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
        [&schema, &name, &role.as_str(), &privilege];
    let Some(row) = client.query_opt(LOOK_UP, &arguments).await? else {
        return Err(missing(&client, schema, name).await?);
    };
    let refused = |kind, name: &str| {
        let name = name.to_owned();
        Err(RestError::NotPermitted { kind, name, role })
    };
    if !row.get::<_, bool>(1) {
        return refused("schema", schema);
    }
    if !row.get::<_, bool>(2) {
        let kind = match row.get::<_, &str>(0) {
            "v" => "view",
            "m" => "materialized view",
            "f" => "foreign table",
            _ => "table",
        };
        return refused(kind, name);
    }
    Ok(())
}

async fn missing(client: &Client, schema: &str, name: &str) -> Result<RestError, RestError> {
    let rows = client.query(NAMES, &[&schema]).await?;
    let names = rows.iter().map(|row| row.get(0));
    let found = hint::most_like(name, names, hint::OF_NAMES);
    Ok(RestError::NoTable {
        schema: schema.to_owned(),
        name: name.to_owned(),
        hint: found.map(|found| format!("Perhaps you meant the table '{schema}.{found}'")),
    })
}
