//! Values of type `jsonb` as the texts that Postgres writes, which keep every digit and every level of nesting.
//!
//! pgrx's own type goes through `serde_json::Value`, which rounds numbers to 64 bits and raises at 1e400 and at
//! 128 levels: a bid with such a column would fail, and a page of the log would show another price than
//! its frame.

use std::ffi::{CStr, CString};

use pgrx::callconv::{BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::direct_function_call_as_datum;
use pgrx::prelude::*;
use serde_json::value::RawValue;
use stream_core::error::ErrorCode;

use crate::postgres::error::{Failure, Result};

/// The text of a `jsonb`.
#[derive(Clone, Debug)]
pub struct JsonbText(pub String);

impl JsonbText {
    pub fn empty_object() -> Self {
        Self("{}".to_owned())
    }

    /// Parses a JSON text whose escapes can be stored. Refuses numbers beyond Postgres's range, and nesting too deep for
    /// its stack.
    pub fn parse(json: &str) -> Result<Self> {
        let value = Self(json.to_owned());
        PgTryBuilder::new(move || {
            // SAFETY: a jsonb that was made just now.
            unsafe { Self::from_datum(value.into_datum()?, false) }
        })
        // The transaction ends with these, so no subtransaction is needed.
        .catch_when(PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, |_| None)
        .catch_when(PgSqlErrorCode::ERRCODE_STATEMENT_TOO_COMPLEX, |_| None)
        .catch_when(PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED, |_| None)
        .execute()
        .ok_or_else(|| {
            Failure::with_hint(
                ErrorCode::InvalidArgument,
                "a number or the depth of the JSON is beyond what Postgres can store",
            )
        })
    }

    /// The value as a part of other JSON.
    pub fn raw(&self) -> Result<&RawValue> {
        serde_json::from_str(&self.0).map_err(|_| Failure::Row("jsonb has no text"))
    }
}

impl FromDatum for JsonbText {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        is_null: bool,
        _: pg_sys::Oid,
    ) -> Option<Self> {
        if is_null {
            return None;
        }
        // SAFETY: the caller promises a jsonb, which the server's own function writes as a terminated text in the
        // current memory context; it is copied and given back at once.
        unsafe {
            let text = direct_function_call_as_datum(pg_sys::jsonb_out, &[Some(datum)])?;
            let copy = CStr::from_ptr(text.cast_mut_ptr())
                .to_string_lossy()
                .into_owned();
            pg_sys::pfree(text.cast_mut_ptr());
            Some(Self(copy))
        }
    }
}

impl IntoDatum for JsonbText {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        let text = CString::new(self.0).ok()?;
        // SAFETY: the server's own input function with a terminated text; raises when that is no JSON.
        unsafe { direct_function_call_as_datum(pg_sys::jsonb_in, &[Some(text.as_ptr().into())]) }
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::JSONBOID
    }
}

// SAFETY: a jsonb, as the declaration below says.
unsafe impl BoxRet for JsonbText {
    unsafe fn box_into<'fcx>(self, call: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        // SAFETY: the caller's promise.
        unsafe { call.return_optional_datum(self.into_datum()) }
    }
}

mod declaration {
    pgrx::impl_sql_translatable!(super::JsonbText, "jsonb");
}
