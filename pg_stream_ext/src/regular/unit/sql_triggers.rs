//! Units of the worker in a database of the SQL edition: triggers there learn from a setting that a unit runs, and then do not
//! wait for a locked `realtime.messages`.

use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};

statements! {
    /// A function that the SQL edition alone has.
    IS_SQL_EDITION: Read [] -> bool,
        "select pg_catalog.to_regprocedure('stream_ext.regular_token()') is not null";

    /// As that edition begins a unit; it holds until the transaction ends.
    BEGIN_UNIT: Read [] -> String,
        "select pg_catalog.set_config('stream_ext.unit', stream_ext.regular_token() || ':', true)";
}

/// Marks the transaction as a unit, where triggers are of the SQL edition.
pub fn begin_unit() -> Result<()> {
    if spi::first(&IS_SQL_EDITION, &[])?.unwrap_or(false) {
        spi::execute(&BEGIN_UNIT, &[])?;
    }
    Ok(())
}
