//! One call, one transaction: switch role, set the request's settings, call, commit.

use std::collections::BTreeMap;

use axum::http::header::{CONTENT_RANGE, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use deadpool_postgres::{Client, Transaction};
use serde::Deserialize;
use tokio_postgres::Row;

use crate::api_key::ApiKey;
use crate::rest::catalog::{self, Function};
use crate::rest::error::RestError;
use crate::rest::paging::quote;
use crate::rest::request::{Arguments, Caller, RpcRequest, Shape};
use crate::rest::role;
use crate::rest::service::Rest;
use crate::rest::statement::{self, Statement};

/// In PostgREST's order. The first argument of every pair is a constant here and never input.
const SET_REQUEST: &str = "select \
     pg_catalog.set_config('search_path', $1, true), \
     pg_catalog.set_config('role', $2, true), \
     pg_catalog.set_config('request.jwt.claims', $3, true), \
     pg_catalog.set_config('request.method', $4, true), \
     pg_catalog.set_config('request.path', $5, true), \
     pg_catalog.set_config('request.headers', $6, true), \
     pg_catalog.set_config('request.cookies', '{}', true)";
const SET_ROLE_SETTING: &str = "select pg_catalog.set_config($1, $2, true)";

/// Calls the function that the request names.
pub async fn call(
    rest: &Rest,
    api_key: ApiKey,
    request: RpcRequest,
) -> Result<Response, RestError> {
    let caller = match request.caller(&rest.token_key, api_key) {
        Err(RestError::UnknownRole(name)) => return Err(role::refusal(rest, name).await),
        caller => caller?,
    };
    let schema = request.schema(&rest.schemas)?;
    let arguments = request.arguments()?;
    let shape = request.shape()?;

    let mut client = rest.client().await?;
    let found = catalog::look_up(&client, schema, &request.function, caller.role).await?;
    let wanted = request.wanted(schema, &arguments);
    let function = catalog::choose(found.functions, &found.others, wanted, &arguments)?;
    let statement = statement::build(
        schema,
        &request.function,
        &function,
        &arguments,
        shape,
        caller.role,
    )?;

    let planned = Planned {
        request: &request,
        path: format!("/rpc/{}", request.function),
        caller: &caller,
        schema,
        role_settings: &found.role_settings,
        arguments: &arguments,
        rows: &function,
        shape,
        statement,
    };
    planned.run(&mut client).await
}

/// A request that is understood, and the statement that answers it.
pub struct Planned<'a> {
    pub request: &'a RpcRequest,
    /// What the statement is told of it.
    pub path: String,
    pub caller: &'a Caller,
    pub schema: &'a str,
    pub role_settings: &'a [(String, String)],
    pub arguments: &'a Arguments,
    /// Decides the form of the answer.
    pub rows: &'a Function,
    pub shape: Shape,
    pub statement: Statement,
}

impl Planned<'_> {
    pub async fn run(&self, client: &mut Client) -> Result<Response, RestError> {
        let response = self.run_in_transaction(client).await;
        response.map_err(|error| error.seen_by(self.caller.role))
    }

    async fn run_in_transaction(&self, client: &mut Client) -> Result<Response, RestError> {
        // Dropped without a commit it rolls back, also when the client goes away in between.
        let transaction = client
            .build_transaction()
            .read_only(self.request.is_safe() || !self.rows.volatile)
            .start()
            .await?;
        self.set_request(&transaction).await?;
        let prepared = transaction.prepare_cached(&self.statement.sql).await?;
        let row = if self.statement.has_parameter {
            let arguments = &self.arguments.json;
            transaction.query_one(&prepared, &[arguments]).await?
        } else {
            transaction.query_one(&prepared, &[]).await?
        };
        let offset = self.arguments.paging.offset();
        let response = answer(&row, self.rows, self.shape, self.schema, offset)?;
        transaction.commit().await?;
        Ok(response)
    }

    async fn set_request(&self, transaction: &Transaction<'_>) -> Result<(), RestError> {
        if !self.role_settings.is_empty() {
            let set = transaction.prepare_cached(SET_ROLE_SETTING).await?;
            for (name, value) in self.role_settings {
                transaction.query_one(&set, &[name, value]).await?;
            }
        }
        let Caller { role, claims } = self.caller;
        let set = transaction.prepare_cached(SET_REQUEST).await?;
        transaction
            .query_one(
                &set,
                &[
                    &format!("{}, public, extensions", quote(self.schema)),
                    &role.as_str(),
                    &claims.to_json(*role),
                    &self.request.method.as_str(),
                    &self.path,
                    &self.request.headers_json(),
                ],
            )
            .await?;
        Ok(())
    }
}

fn answer(
    row: &Row,
    function: &Function,
    shape: Shape,
    schema: &str,
    offset: u64,
) -> Result<Response, RestError> {
    let rows: i64 = row.get(1);
    if shape == Shape::Object && function.returns_set && rows != 1 {
        return Err(RestError::NotOneRow(rows));
    }
    let mut response = if function.returns_void {
        StatusCode::NO_CONTENT.into_response()
    } else {
        let body = row.get::<_, Option<String>>(0);
        let mut response = body.unwrap_or_else(|| "null".to_owned()).into_response();
        let content_type = HeaderValue::from_static(shape.content_type());
        response.headers_mut().insert(CONTENT_TYPE, content_type);
        if let Ok(schema) = HeaderValue::from_str(schema) {
            response.headers_mut().insert("content-profile", schema);
        }
        response
    };
    if let Ok(range) = content_range(offset, rows).parse() {
        response.headers_mut().insert(CONTENT_RANGE, range);
    }
    let wish = |column| {
        row.get::<_, Option<String>>(column)
            .filter(|text| !text.is_empty())
    };
    if let Some(status) = wish(2) {
        *response.status_mut() = response_status(&status)?;
    }
    if let Some(headers) = wish(3) {
        for (name, value) in response_headers(&headers)? {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// The rows of an answer, from the offset; the number of all is never counted.
fn content_range(offset: u64, rows: i64) -> String {
    match u64::try_from(rows) {
        Ok(rows) if rows > 0 => format!("{offset}-{}/*", offset + rows - 1),
        _ => "*/*".to_owned(),
    }
}

/// `response.status` as the function set it.
fn response_status(text: &str) -> Result<StatusCode, RestError> {
    text.parse::<u16>()
        .ok()
        .and_then(|code| StatusCode::from_u16(code).ok())
        .ok_or(RestError::ResponseStatus)
}

/// `response.headers` as the function set it: `[{"Name": "value"}, ...]`.
fn response_headers(text: &str) -> Result<Vec<(HeaderName, HeaderValue)>, RestError> {
    #[derive(Deserialize)]
    struct Headers(Vec<BTreeMap<String, String>>);
    let Headers(headers) = serde_json::from_str(text).map_err(|_| RestError::ResponseHeaders)?;
    headers
        .into_iter()
        .flatten()
        .map(|(name, value)| match (name.parse(), value.parse()) {
            (Ok(name), Ok(value)) => Ok((name, value)),
            _ => Err(RestError::ResponseHeaders),
        })
        .collect()
}
