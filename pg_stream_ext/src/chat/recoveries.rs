//! Counting of recoveries. `sync` runs in read-only transactions too, which change nothing but the server's own statistics:
//! it looks into an empty index, and Postgres counts how often.

use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};

statements! {
    /// By the index: the wrapper of `sync` lets no plan read the table instead.
    COMPLETE: Read [] "select from stream.recoveries as r where r.complete = 0";
    INCOMPLETE: Read [] "select from stream.recoveries as r where r.incomplete = 0";
}

/// Counts the answer to a reader who held something, unless that was continued and nothing was missed: polls would outnumber
/// those who came back.
pub fn count(recovered: bool, messages: &str) -> Result<()> {
    if !recovered {
        spi::execute(&INCOMPLETE, &[])?;
    } else if messages != "[]" {
        spi::execute(&COMPLETE, &[])?;
    }
    Ok(())
}
