//! The shape of `realtime.messages`: whether the table has the columns that the statements about it name.

use crate::postgres::column::columns;
use crate::postgres::error::{Failure, Result};
use crate::postgres::spi::{self, statements};

statements! {
    FIND_SHAPE: Write [] -> ShapeRow,
        "select to_regclass('realtime.messages') is not null as is_there,
             (select count(*) = 7 from pg_catalog.pg_attribute as a
              join (values
                  ('id', 'uuid'::regtype), ('topic', 'text'::regtype), ('extension', 'text'::regtype),
                  ('payload', 'jsonb'::regtype), ('event', 'text'::regtype),
                  ('private', 'boolean'::regtype), ('inserted_at', 'timestamp'::regtype)
              ) as k (name, type) on k.name = a.attname and k.type = a.atttypid
              where a.attrelid = to_regclass('realtime.messages') and not a.attisdropped) as is_known";
}

columns! {
    struct ShapeRow {
        is_there: bool,
        is_known: bool,
    }
}

/// Whether Realtime's table exists and has the known columns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Missing,
    Known,
    Other,
}

pub fn find_shape() -> Result<Shape> {
    let row = spi::first(&FIND_SHAPE, &[])?.ok_or(Failure::Row("no answer of the catalogue"))?;
    Ok(match row {
        ShapeRow {
            is_there: false, ..
        } => Shape::Missing,
        ShapeRow { is_known: true, .. } => Shape::Known,
        ShapeRow { .. } => Shape::Other,
    })
}
