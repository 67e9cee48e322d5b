//! Reading and changing the settings of the session.

use std::ffi::CStr;

use pgrx::prelude::*;

/// The text of a setting; none for one that is unknown.
pub fn get(name: &CStr) -> Option<&'static CStr> {
    // SAFETY: null for an unknown setting, otherwise a text of this process. It holds until the setting is
    // changed, so callers copy it or compare it at once.
    unsafe {
        let value = pg_sys::GetConfigOption(name.as_ptr(), true, false);
        (!value.is_null()).then(|| CStr::from_ptr(value))
    }
}

/// Changes a setting for the session.
pub fn set(name: &CStr, value: &CStr) {
    change(name, value, pg_sys::GucAction::GUC_ACTION_SET);
}

/// Changes a setting until the transaction ends.
pub fn set_local(name: &CStr, value: &CStr) {
    change(name, value, pg_sys::GucAction::GUC_ACTION_LOCAL);
}

/// Settings that hold until [`Level::end`], as those of a function. A level that an error leaves open ends with
/// the (sub)transaction.
pub struct Level(i32);

impl Level {
    pub fn begin() -> Self {
        // SAFETY: counts a level of this backend.
        Self(unsafe { pg_sys::NewGUCNestLevel() })
    }

    pub fn set(&self, name: &CStr, value: &CStr) {
        change(name, value, pg_sys::GucAction::GUC_ACTION_SAVE);
    }

    pub fn end(self) {
        // SAFETY: ends a level that was begun; inner ones end with it.
        unsafe { pg_sys::AtEOXact_GUC(true, self.0) };
    }
}

/// A setting that every user may change; raises at another one, and at a value that it does not take.
fn change(name: &CStr, value: &CStr, action: pg_sys::GucAction::Type) {
    let (name, value) = (name.as_ptr(), value.as_ptr());
    let user = pg_sys::GucContext::PGC_USERSET;
    let source = pg_sys::GucSource::PGC_S_SESSION;
    // SAFETY: both are terminated texts, which Postgres copies.
    unsafe { pg_sys::set_config_option(name, value, user, source, action, true, 0, false) };
}
