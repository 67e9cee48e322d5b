//! The shape of `realtime.messages`: whether the table has the columns that the statements about it name.

use crate::postgres::error::{Failure, Result};
use crate::postgres::spi::{self, column, statements};

statements! {
    FIND_SHAPE: Write []
        "select to_regclass('realtime.messages') is not null,
             (select count(*) = 7 from pg_catalog.pg_attribute as a
              join (values
                  ('id', 'uuid'::regtype), ('topic', 'text'::regtype), ('extension', 'text'::regtype),
                  ('payload', 'jsonb'::regtype), ('event', 'text'::regtype),
                  ('private', 'boolean'::regtype), ('inserted_at', 'timestamp'::regtype)
              ) as k (name, type) on k.name = a.attname and k.type = a.atttypid
              where a.attrelid = to_regclass('realtime.messages') and not a.attisdropped)";
}

/// Whether Realtime's table exists and has the known columns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Missing,
    Known,
    Other,
}

pub fn find_shape() -> Result<Shape> {
    let shape = spi::first(&FIND_SHAPE, &[], |row| {
        Ok(match (column(row, 1)?, column(row, 2)?) {
            (false, _) => Shape::Missing,
            (true, true) => Shape::Known,
            (true, false) => Shape::Other,
        })
    })?;
    shape.ok_or(Failure::Row("no answer of the catalogue"))
}
