//! Results of native functions that are composite types of schema `stream`.
//!
//! The extension is created before the types, so such a function is declared to return a record; the row itself
//! names its type, and plpgsql passes it on unchanged. Called as an expression it costs no statement, unlike a
//! function that returns a table.

use pgrx::heap_tuple::PgHeapTuple;
use pgrx::prelude::*;
use pgrx::{AllocatedByRust, IntoDatum, PgTupleDesc};

use crate::postgres::catalogue::KnownRelation;
use crate::postgres::error::{Failure, Result};

pub type Composite = PgHeapTuple<'static, AllocatedByRust>;

/// One attribute's value and type.
pub struct Attribute {
    type_oid: pg_sys::Oid,
    datum: Option<pg_sys::Datum>,
}

impl<T: IntoDatum> From<T> for Attribute {
    fn from(value: T) -> Self {
        let type_oid = value.composite_type_oid().unwrap_or_else(T::type_oid);
        Self {
            type_oid,
            datum: value.into_datum(),
        }
    }
}

impl Attribute {
    /// A composite that may be null, whose type only a value has.
    pub fn composite(value: Option<Composite>) -> Self {
        value.map_or(
            Self {
                type_oid: pg_sys::InvalidOid,
                datum: None,
            },
            Into::into,
        )
    }
}

/// A value of a composite type of schema `stream`, from all its attributes in their order.
pub fn form<const N: usize>(
    composite: &KnownRelation,
    attributes: [Attribute; N],
) -> Result<Composite> {
    let descriptor = descriptor(composite)?;
    // A null has the type of its place.
    let agrees = |(place, attribute): (&pg_sys::FormData_pg_attribute, &Attribute)| {
        attribute.datum.is_none() || place.type_oid().value() == attribute.type_oid
    };
    if descriptor.len() != N || !descriptor.iter().zip(&attributes).all(agrees) {
        return Err(Failure::Row("a composite type is not the extension's"));
    }
    let datums = attributes.map(|attribute| attribute.datum);
    // SAFETY: number and types of the attributes were compared just now.
    unsafe { PgHeapTuple::from_datums(descriptor, datums) }
        .map_err(|_| Failure::Row("a composite type is not the extension's"))
}

fn descriptor(composite: &KnownRelation) -> Result<PgTupleDesc<'static>> {
    let composite = composite
        .find()
        .ok_or(Failure::Row("a composite type is gone"))?;
    // SAFETY: the type of a relation that is there; the descriptor is counted, and given back when it is
    // dropped.
    unsafe {
        let type_oid = pg_sys::get_rel_type_id(composite);
        Ok(PgTupleDesc::from_pg(pg_sys::lookup_rowtype_tupdesc(
            type_oid, -1,
        )))
    }
}
