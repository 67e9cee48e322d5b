//! The four messages of a call: begin, settings, call and commit, sent without waiting in between.

use serde_json::value::RawValue;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use super::failure;
use super::pool::Connection;
use super::values;
use crate::contract::Access;
use crate::upstream::{Call, UpstreamError};

/// Role and claims as PostgREST sets them. The role comes first and lasts, like the others, to the
/// end of the transaction. SET ROLE does not bring a role's own timeouts, so they are set here. A count is
/// the answer: otherwise the server would send every value back.
const SETTINGS: &str = "select num_nulls(set_config('role', $1, true), \
    set_config('request.jwt.claims', $2, true), \
    set_config('request.method', $3, true), \
    set_config('request.path', $4, true), \
    set_config('statement_timeout', $5, true), \
    set_config('lock_timeout', $6, true))";

/// The values of [`SETTINGS`].
pub(super) type Settings<'a> = [&'a str; 6];

/// What became of each message.
pub(super) struct Exchange {
    begun: Result<(), Error>,
    set: Result<u64, Error>,
    row: Result<Row, Error>,
    ended: Result<(), Error>,
}

/// With statements that stay prepared on their connection.
pub(super) async fn prepared(
    connection: &Connection,
    statement: &str,
    call: &Call,
    settings: Settings<'_>,
) -> Result<Exchange, Error> {
    let setting = connection.prepare_cached(SETTINGS).await?;
    let settings = settings
        .each_ref()
        .map(|value| value as &(dyn ToSql + Sync));
    let arguments: Vec<_> = call
        .arguments
        .iter()
        .map(|argument| argument as &(dyn ToSql + Sync))
        .collect();
    // `biased` polls, and so sends, in the written order.
    let (begun, set, (row, ended)) = tokio::join!(
        biased;
        connection.batch_execute(begin(call)),
        connection.execute(&setting, &settings),
        async {
            // Inside the transaction: only the caller's role may look into the schema. A first
            // preparation waits for the server here, hence the end is sent from here too.
            match connection.prepare_cached(statement).await {
                Ok(function) => tokio::join!(
                    biased;
                    connection.query_one(&function, &arguments),
                    connection.batch_execute("commit"),
                ),
                Err(error) => (Err(error), connection.batch_execute("rollback").await),
            }
        },
    );
    Ok(Exchange {
        begun,
        set,
        row,
        ended,
    })
}

/// With statements that have no name and so leave nothing on their connection, for a pooler that gives each
/// transaction another one. The server parses and plans them each time.
pub(super) async fn unprepared(
    client: &Client,
    statement: &str,
    call: &Call,
    settings: Settings<'_>,
) -> Exchange {
    let settings = settings
        .each_ref()
        .map(|value| (value as &(dyn ToSql + Sync), Type::TEXT));
    let parameters = call.operation.parameters.iter();
    let arguments: Vec<_> = parameters
        .zip(&call.arguments)
        .map(|(parameter, argument)| {
            let declared = values::type_of(parameter.argument_type);
            (argument as &(dyn ToSql + Sync), declared)
        })
        .collect();
    let (begun, set, row, ended) = tokio::join!(
        biased;
        client.batch_execute(begin(call)),
        client.execute_typed(SETTINGS, &settings),
        client.query_typed_one(statement, &arguments),
        client.batch_execute("commit"),
    );
    Exchange {
        begun,
        set,
        row,
        ended,
    }
}

fn begin(call: &Call) -> &'static str {
    match call.operation.access {
        Access::Read => "begin read only",
        Access::Write => "begin read write",
    }
}

impl Exchange {
    /// Whether the transaction is known to be over, one way or the other.
    pub(super) fn is_over(&self) -> bool {
        self.ended.is_ok()
    }

    pub(super) fn into_answer(self) -> Result<Box<RawValue>, UpstreamError> {
        self.begun.map_err(failure::of_postgres)?;
        self.set.map_err(failure::of_settings)?;
        let row = self.row.map_err(failure::of_postgres)?;
        self.ended.map_err(failure::of_postgres)?;
        values::answer_of(&row).map_err(failure::of_postgres)
    }
}
