//! The Rust types that hold a copy of a column's value.

use pgrx::datum::{FromDatum, Interval, IntoDatum, TimestampWithTimeZone, Uuid};

use crate::postgres::jsonb_text::JsonbText;

/// A value that is independent of the row it was read from. `&str` is none: it may point into a buffer that
/// is only pinned while the row is.
pub trait ColumnValue: FromDatum + IntoDatum {}

impl ColumnValue for bool {}
impl ColumnValue for i32 {}
impl ColumnValue for i64 {}
impl ColumnValue for String {}
impl ColumnValue for Uuid {}
impl ColumnValue for TimestampWithTimeZone {}
impl ColumnValue for Interval {}
impl ColumnValue for JsonbText {}
impl ColumnValue for Vec<Uuid> {}
