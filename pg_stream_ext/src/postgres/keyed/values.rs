//! The values that are written into a row.

use std::ffi::CStr;

use pgrx::datum::DatumWithOid;

/// Values of columns by name. A domain's CHECK is not asked for, so they must be right by construction.
pub type Values<const N: usize> = [(&'static CStr, DatumWithOid<'static>); N];
