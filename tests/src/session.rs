//! Calls as a caller of the API makes them through PostgREST: one transaction per call, in which the login role
//! becomes the caller's role and the claims are set.

use std::error::Error as StdError;

use bytes::BytesMut;
use serde_json::Value;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Error, SimpleQueryMessage};

use crate::contract;
use crate::identity::Identity;

/// A connection of `authenticator` that acts as one identity.
pub struct Session {
    client: Client,
    identity: Identity,
}

impl Session {
    pub(crate) fn new(client: Client, identity: Identity) -> Self {
        Self { client, identity }
    }

    /// The same connection for another caller, as a pool lends it.
    pub fn lend(self, identity: Identity) -> Self {
        Self { identity, ..self }
    }

    /// Calls a function of schema `stream` with named arguments; the answer is its first row as
    /// JSON, null when there is none.
    pub async fn rpc(&self, function: &str, arguments: Value) -> Result<Value, Error> {
        let rows = self.rpc_rows(function, arguments).await?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    /// Like [`Session::rpc`], for functions that return a set.
    pub async fn rpc_rows(&self, function: &str, arguments: Value) -> Result<Vec<Value>, Error> {
        self.begin().await?;
        self.finish(self.call(function, &arguments)).await
    }

    /// Like [`Session::rpc`] in a transaction at another isolation level.
    pub async fn rpc_at(
        &self,
        isolation: &str,
        function: &str,
        arguments: Value,
    ) -> Result<Value, Error> {
        self.begin_at(&format!("{isolation} read write")).await?;
        let answer = self.finish(self.call(function, &arguments)).await?;
        Ok(answer.into_iter().next().unwrap_or_default())
    }

    /// Like [`Session::rpc`], as PostgREST makes a call by GET.
    pub async fn rpc_read_only(&self, function: &str, arguments: Value) -> Result<Value, Error> {
        self.begin_at("read committed read only").await?;
        let answer = self.finish(self.call(function, &arguments)).await?;
        Ok(answer.into_iter().next().unwrap_or_default())
    }

    /// Runs any statement in a transaction of its own; its rows' first columns must be JSON.
    pub async fn run(&self, statement: &str) -> Result<Vec<Value>, Error> {
        self.begin().await?;
        self.finish(self.query(statement)).await
    }

    /// Runs a statement with bound parameters in a transaction of its own.
    pub async fn execute(
        &self,
        statement: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, Error> {
        self.begin().await?;
        let outcome = self.client.execute(statement, parameters).await;
        self.end(outcome.is_ok()).await?;
        outcome
    }

    /// Opens a transaction as the identity; [`Session::rpc_within`] calls in it.
    pub async fn begin(&self) -> Result<(), Error> {
        self.begin_at("read committed read write").await
    }

    pub async fn rpc_within(&self, function: &str, arguments: Value) -> Result<Value, Error> {
        let rows = self.call(function, &arguments).await?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    /// Like [`Session::rpc_within`], for functions that return a set.
    pub async fn rpc_rows_within(
        &self,
        function: &str,
        arguments: Value,
    ) -> Result<Vec<Value>, Error> {
        self.call(function, &arguments).await
    }

    /// Runs any statement in the open transaction.
    pub async fn execute_within(&self, statement: &str) -> Result<(), Error> {
        self.client.batch_execute(statement).await
    }

    /// Runs a query in the open transaction; its rows' first columns must be JSON.
    pub async fn query_within(&self, statement: &str) -> Result<Vec<Value>, Error> {
        self.query(statement).await
    }

    /// Runs a statement in the open transaction; returns what it did and read, calls within it included.
    pub async fn explain_within(&self, statement: &str) -> Result<Value, Error> {
        let statement = format!("explain (analyze, buffers, format json) {statement}");
        Ok(self.client.query_one(&statement, &[]).await?.get(0))
    }

    /// Whether the open transaction, or a subtransaction of it that was rolled back, locked or wrote a row.
    pub async fn has_written(&self) -> Result<bool, Error> {
        let statement = "select pg_current_xact_id_if_assigned() is not null";
        Ok(self.client.query_one(statement, &[]).await?.get(0))
    }

    pub async fn commit(&self) -> Result<(), Error> {
        self.client.batch_execute("commit").await
    }

    pub async fn rollback(&self) -> Result<(), Error> {
        self.client.batch_execute("rollback").await
    }

    /// The server process behind this connection.
    pub async fn backend(&self) -> Result<i32, Error> {
        let row = self
            .client
            .query_one("select pg_backend_pid()", &[])
            .await?;
        Ok(row.get(0))
    }

    pub async fn begin_at(&self, modes: &str) -> Result<(), Error> {
        let begin = format!(
            "begin isolation level {modes};
             select set_config('role', {}, true), set_config('request.jwt.claims', {}, true)",
            literal(self.identity.role),
            literal(&self.identity.claims_text()),
        );
        self.client.batch_execute(&begin).await
    }

    async fn finish(
        &self,
        query: impl Future<Output = Result<Vec<Value>, Error>>,
    ) -> Result<Vec<Value>, Error> {
        let answer = query.await;
        self.end(answer.is_ok()).await?;
        answer
    }

    async fn end(&self, succeeded: bool) -> Result<(), Error> {
        if succeeded {
            self.commit().await
        } else {
            self.rollback().await
        }
    }

    async fn call(&self, function: &str, arguments: &Value) -> Result<Vec<Value>, Error> {
        let arguments = arguments.as_object().into_iter().flatten();
        let (names, values): (Vec<String>, Vec<Argument>) = (1..)
            .zip(arguments)
            .map(|(number, (name, value))| {
                (format!("\"{name}\" => ${number}"), Argument::new(value))
            })
            .unzip();
        let statement = format!(
            "select to_jsonb(answer) from stream.\"{function}\"({}) as answer",
            names.join(", ")
        );
        let bound: Vec<(&(dyn ToSql + Sync), Type)> = values
            .iter()
            .map(|value| (value as &(dyn ToSql + Sync), Type::UNKNOWN))
            .collect();
        let rows = self.client.query_typed(&statement, &bound).await;
        let rows = rows.inspect_err(|error| contract::check_refusal(function, error))?;
        let answer = |row: &tokio_postgres::Row| row.get::<_, Option<Value>>(0);
        let rows: Vec<Value> = rows
            .iter()
            .map(|row| answer(row).unwrap_or_default())
            .collect();
        contract::check_answer(function, &rows);
        Ok(rows)
    }

    async fn query(&self, statement: &str) -> Result<Vec<Value>, Error> {
        let messages = self.client.simple_query(statement).await?;
        let rows = messages.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(0).map_or(Value::Null, |text| {
                serde_json::from_str(text).expect("the column is JSON")
            })),
            _ => None,
        });
        Ok(rows.collect())
    }
}

/// An argument of a call, bound as a text without a type, so that the function's own parameter types
/// hold. A literal would get into the server's log with the statement of a refused call.
#[derive(Debug)]
pub struct Argument(Option<String>);

impl Argument {
    pub fn new(value: &Value) -> Self {
        Self(match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        })
    }
}

impl ToSql for Argument {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        let Some(text) = &self.0 else {
            return Ok(IsNull::Yes);
        };
        out.extend_from_slice(text.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// An SQL string constant.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
