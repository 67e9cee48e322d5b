//! Counting of recoveries. `sync` runs in read-only transactions too, which change nothing but the server's own statistics:
//! it reads an empty relation, and Postgres counts how often.

use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};

statements! {
    COMPLETE: Read [] "select from stream.complete_recoveries";
    INCOMPLETE: Read [] "select from stream.incomplete_recoveries";
}

/// Counts the answer to a reader who held something, unless nothing was missed: polls would outnumber those who came back.
pub fn count(recovered: bool, messages: &str) -> Result<()> {
    if !recovered {
        spi::execute(&INCOMPLETE, &[])?;
    } else if messages != "[]" {
        spi::execute(&COMPLETE, &[])?;
    }
    Ok(())
}
