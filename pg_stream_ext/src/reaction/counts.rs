//! Counting a reaction: one more in a row of `reaction_counts` that nobody holds, or a row of its own.
//!
//! A transaction that stays open holds its row and no other. So of a stream and a kind there are as many rows as
//! transactions that react at the same moment, and none of them waits. The ticker deletes the rows that it has sent.

use pgrx::datum::Uuid;

use crate::postgres::caller::Admitted;
use crate::postgres::error::Result;
use crate::postgres::keyed::{Table, Values, equal, equal_text};

static COUNTS: Table = Table::new(c"reaction_counts");

/// Counts one reaction, without waiting for anybody.
pub fn add_one(admitted: Admitted, session: Uuid, kind: &str) -> Result<()> {
    let key = [equal(session), equal_text(kind)];
    let is_added = COUNTS.update_first_free(admitted, &key, |row| {
        let added: i64 = row.column(c"added")?;
        let changes: Values<1> = [(c"added", added.saturating_add(1).into())];
        Ok(changes)
    })?;
    if is_added {
        return Ok(());
    }
    // A random key, so that two that find no free row at the same moment do not meet.
    let id = Uuid::from_bytes(*uuid::Uuid::new_v4().as_bytes());
    let row: Values<4> = [
        (c"session_id", session.into()),
        (c"kind", kind.to_owned().into()),
        (c"id", id.into()),
        (c"added", 1_i64.into()),
    ];
    COUNTS.insert(admitted, row)
}
