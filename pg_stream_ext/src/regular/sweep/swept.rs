//! What statements of the sweep return: the rows that are due, stream by stream, and what became of them.

use pgrx::datum::{Interval, Uuid};

use crate::postgres::column::{Columns, ResultRow, columns};
use crate::postgres::error::Result;

/// A stream, and the keys of its rows that are due.
pub struct Keys<K> {
    pub session: Uuid,
    pub keys: Vec<K>,
}

impl<K> Columns for Keys<K>
where
    Vec<K>: Columns,
{
    fn names(_: &'static str, names: &mut Vec<&'static str>) {
        Uuid::names("session_id", names);
        Vec::<K>::names("keys", names);
    }

    fn read(row: &mut ResultRow<'_>) -> Result<Self> {
        Ok(Self {
            session: Uuid::read(row)?,
            keys: Vec::read(row)?,
        })
    }
}

columns! {
    /// How many rows of a stream were swept, and for how long the oldest was due.
    pub struct Swept {
        pub rows: i32,
        pub age: Option<Interval>,
    }
}
