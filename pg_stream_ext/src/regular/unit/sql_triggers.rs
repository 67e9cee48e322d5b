//! Units of the worker in a database of the SQL edition: triggers there learn from a setting that a unit runs, and then do not
//! wait for a locked `realtime.messages`.

use crate::postgres::catalogue;
use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};

statements! {
    /// As that edition begins a unit; it holds until the transaction ends.
    BEGIN_UNIT: Read [] -> String,
        "select pg_catalog.set_config('stream_ext.unit', stream_ext.regular_token() || ':', true)";
}

/// Marks the transaction as a unit, where triggers are of the SQL edition.
pub fn begin_unit() -> Result<()> {
    // A function that the SQL edition alone has. Every unit looks it up, as a move between the editions may come before it.
    if catalogue::has_function(c"stream_ext", c"regular_token") {
        spi::execute(&BEGIN_UNIT, &[])?;
    }
    Ok(())
}
