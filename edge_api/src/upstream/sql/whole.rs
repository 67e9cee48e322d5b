//! A call in one statement, whose transaction begins and ends with it.
//!
//! The function of schema `stream_edge` sets what [`exchange`](super::exchange) sets with a message of its own. A statement
//! cannot set its own `statement_timeout`, so this is a setting of the session, sent before the statement where it differs.

use serde_json::value::RawValue;
use tokio_postgres::Error;
use tokio_postgres::error::{Severity, SqlState};
use tokio_postgres::types::ToSql;

use super::pool::Connection;
use super::timeouts::Timeouts;
use super::values;
use crate::upstream::Call;

/// Makes the call. The answer is there when the transaction has been committed.
pub(super) async fn make(
    connection: &Connection,
    statement: &str,
    call: &Call,
    timeouts: &Timeouts,
) -> Result<Box<RawValue>, Error> {
    let lock_timeout = timeouts.lock();
    let caller = &call.caller;
    let settings = [
        caller.role.as_str(),
        caller.claims.as_json(),
        &caller.method,
        &caller.path,
        &lock_timeout,
    ];
    let settings = settings
        .each_ref()
        .map(|value| value as &(dyn ToSql + Sync));
    let arguments = call
        .arguments
        .iter()
        .map(|argument| argument as &(dyn ToSql + Sync));
    let parameters: Vec<_> = settings.into_iter().chain(arguments).collect();
    let statement = connection.prepare_cached(statement).await?;
    let session_ms = timeouts.of_session_ms();
    let row = if connection.has_statement_timeout(session_ms) {
        connection.query_one(&statement, &parameters).await?
    } else {
        // `biased` polls, and so sends, in the written order.
        let (_, row) = tokio::join!(
            biased;
            // Not set, it is sent again with the next call, and this one ends at its deadline all the same.
            connection.set_statement_timeout(session_ms),
            connection.query_one(&statement, &parameters),
        );
        row?
    };
    values::answer_of(&row)
}

/// Whether the call may get further in four messages: the function is not there or not granted, or one of two refusals of
/// which only the messages tell which it is, that of the role and that of the wrapper. Nothing was done.
pub(super) fn is_refused(error: &Error) -> bool {
    [
        SqlState::INSUFFICIENT_PRIVILEGE,
        SqlState::INVALID_PARAMETER_VALUE,
        SqlState::INVALID_SCHEMA_NAME,
        SqlState::UNDEFINED_FUNCTION,
    ]
    .iter()
    .any(|state| error.code() == Some(state))
}

/// Whether the server has ended the transaction and goes on with the session.
pub(super) fn is_over(error: &Error) -> bool {
    let severity = error
        .as_db_error()
        .map(|reported| reported.parsed_severity());
    matches!(severity, Some(Some(Severity::Error)))
}
