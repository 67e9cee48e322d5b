//! Values of columns: the Rust types that hold a copy of one, and rows of results read by the names of their
//! columns.

use std::slice::Iter;

use pgrx::datum::{FromDatum, Interval, IntoDatum, TimestampWithTimeZone, Uuid};
use pgrx::spi::SpiHeapTupleData;

use crate::postgres::error::{Failure, Result};
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
impl ColumnValue for Vec<i64> {}
impl ColumnValue for Vec<String> {}
impl ColumnValue for Vec<Uuid> {}

/// What is taken from each row of a result: a struct that [`columns`] declares, or the only column.
pub trait Columns: Sized {
    /// Adds the names of the columns in the order in which `read` takes them. `field` is the name of the
    /// field that holds this, '' for a whole row.
    fn names(field: &'static str, names: &mut Vec<&'static str>);

    fn read(row: &mut ResultRow<'_>) -> Result<Self>;
}

/// One row of a result, whose columns are taken in the order of the names.
pub struct ResultRow<'row> {
    values: &'row SpiHeapTupleData<'row>,
    ordinals: Iter<'row, usize>,
}

impl<'row> ResultRow<'row> {
    pub fn new(values: &'row SpiHeapTupleData<'row>, ordinals: &'row [usize]) -> Self {
        Self {
            values,
            ordinals: ordinals.iter(),
        }
    }

    fn take<T: ColumnValue>(&mut self) -> Result<Option<T>> {
        let ordinal = self.ordinals.next();
        let ordinal = ordinal.ok_or(Failure::Row("a result has too few columns"))?;
        Ok(self.values.get(*ordinal)?)
    }
}

impl<T: ColumnValue> Columns for T {
    fn names(field: &'static str, names: &mut Vec<&'static str>) {
        names.push(field);
    }

    fn read(row: &mut ResultRow<'_>) -> Result<Self> {
        row.take()?
            .ok_or(Failure::Row("a column was unexpectedly null"))
    }
}

impl<T: ColumnValue> Columns for Option<T> {
    fn names(field: &'static str, names: &mut Vec<&'static str>) {
        names.push(field);
    }

    fn read(row: &mut ResultRow<'_>) -> Result<Self> {
        row.take()
    }
}

/// What a left join adds. Its first column is a uuid that is only null where nothing joined.
pub struct LeftJoined<T>(pub Option<T>);

impl<T: Columns> Columns for LeftJoined<T> {
    fn names(field: &'static str, names: &mut Vec<&'static str>) {
        T::names(field, names);
    }

    fn read(row: &mut ResultRow<'_>) -> Result<Self> {
        let ordinals = row.ordinals.clone();
        if row.take::<Uuid>()?.is_some() {
            row.ordinals = ordinals;
            return T::read(row).map(|joined| Self(Some(joined)));
        }
        let mut names = Vec::new();
        T::names("", &mut names);
        for _ in names.iter().skip(1) {
            row.ordinals.next();
        }
        Ok(Self(None))
    }
}

/// Declares structs whose fields are read from the columns of their names. A field may be such a struct
/// itself: its columns are those of the same row.
macro_rules! columns {
    ($(
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $kind:ty,)+
        }
    )+) => {$(
        $(#[$meta])*
        $vis struct $name {
            $($(#[$field_meta])* $field_vis $field: $kind,)+
        }

        impl $crate::postgres::column::Columns for $name {
            fn names(_: &'static str, names: &mut Vec<&'static str>) {
                $(<$kind as $crate::postgres::column::Columns>::names(stringify!($field), names);)+
            }

            fn read(
                row: &mut $crate::postgres::column::ResultRow<'_>,
            ) -> $crate::postgres::error::Result<Self> {
                Ok(Self {
                    $($field: $crate::postgres::column::Columns::read(row)?,)+
                })
            }
        }

        /// As a row of a native function.
        impl From<$name> for ($($kind,)+) {
            fn from(row: $name) -> Self {
                ($(row.$field,)+)
            }
        }
    )+};
}
pub(crate) use columns;
