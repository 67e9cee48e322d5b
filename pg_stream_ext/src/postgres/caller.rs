//! The caller of a native function: identifying and admitting them.
//!
//! The database role is the one that SET ROLE chose (a SECURITY DEFINER function does not change
//! it), never a claim; only the user id is read from the claims.

use pgrx::datum::Uuid;
use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::postgres::application_rows;
use crate::postgres::error::{Failure, Result, answer};

/// The caller, by the database role and the claims.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// `service_role` or a member of the table owner: may name anybody.
    Service,
    /// A signed-in user: may name only themself.
    User { id: Uuid, is_anonymous: bool },
}

/// Admits a call that only reads. Each of the four ways in is open to the owner of the tables alone, and
/// under [`SEARCH_PATH`] alone: in a function of ours that sets it.
pub fn enter() -> Result<Caller> {
    let owner = require_table_owner()?;
    identify(owner)
}

/// Admits a call that writes. Above READ COMMITTED its statements would judge by what was true when the
/// transaction began, and raise 40001 at rows that changed since, which PostgREST up to 14 retries for
/// ever.
pub fn enter_to_write() -> Result<Caller> {
    require_read_committed()?;
    enter()
}

/// Admits code of the table owner that calls for no user: triggers and workers.
pub fn enter_as_owner() -> Result<()> {
    require_table_owner().map(|_| ())
}

/// The same to write at the head of a log, where whoever is granted the function has called it.
pub fn enter_as_owner_to_write() -> Result<()> {
    require_read_committed()?;
    enter_as_owner()
}

fn require_read_committed() -> Result<()> {
    if is_above_read_committed() {
        return Err(ErrorCode::IsolationLevel.into());
    }
    Ok(())
}

/// Whether statements see what was committed when the transaction began, and nothing later.
pub fn is_above_read_committed() -> bool {
    // SAFETY: a plain integer of this backend.
    unsafe { pg_sys::XactIsoLevel > pg_sys::XACT_READ_COMMITTED as i32 }
}

impl Caller {
    /// The user for whom a call writes, who cannot be deleted before it ends: call this before
    /// anything is locked.
    pub fn act_for(self, named: Option<Uuid>) -> Result<Uuid> {
        let user = self.speak_of(named)?;
        application_rows::hold_user(user)?;
        Ok(user)
    }

    /// The user that a call is about: the one named in an argument, by default the caller.
    pub fn speak_of(self, named: Option<Uuid>) -> Result<Uuid> {
        match (self, named) {
            (Self::Service, Some(id)) => Ok(id),
            (Self::Service, None) => Err(Failure::with_hint(
                ErrorCode::InvalidArgument,
                "the service must name the user",
            )),
            (Self::User { id, .. }, None) => Ok(id),
            (Self::User { id, .. }, Some(named)) if id == named => Ok(id),
            (Self::User { .. }, Some(_)) => Err(ErrorCode::NotSelf.into()),
        }
    }

    /// The caller's own id; null for the service, which is nobody in particular.
    pub fn user_id(self) -> Option<Uuid> {
        match self {
            Self::Service => None,
            Self::User { id, .. } => Some(id),
        }
    }
}

/// The path that every function of ours sets, as Postgres keeps its text. Statements of native code name
/// types and functions without a schema: under any other path they would find what a caller has made.
const SEARCH_PATH: &std::ffi::CStr = c"pg_catalog, pg_temp";

/// Makes [`SEARCH_PATH`] that of a process without a caller, whatever the database or the role sets.
pub fn set_search_path() {
    // SAFETY: a setting that every user may change, outside a transaction or in one.
    unsafe {
        pg_sys::SetConfigOption(
            c"search_path".as_ptr(),
            SEARCH_PATH.as_ptr(),
            pg_sys::GucContext::PGC_USERSET,
            pg_sys::GucSource::PGC_S_OVERRIDE,
        );
    }
}

fn has_safe_search_path() -> bool {
    // SAFETY: the text of the setting in force, which Postgres never leaves null while a transaction runs.
    let path = unsafe { std::ffi::CStr::from_ptr(pg_sys::namespace_search_path) };
    path == SEARCH_PATH
}

/// The owner of `stream.stream_sessions`, if the effective user is it and runs under the safe path.
fn require_table_owner() -> Result<pg_sys::Oid> {
    if !has_safe_search_path() {
        return Err(ErrorCode::Forbidden.into());
    }
    // SAFETY: catalogue look-ups by constant names inside a transaction; the tuple is released.
    let owner = unsafe {
        let schema = pg_sys::get_namespace_oid(c"stream".as_ptr(), true);
        let table = pg_sys::get_relname_relid(c"stream_sessions".as_ptr(), schema);
        let tuple = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::RELOID as i32,
            pg_sys::Datum::from(table),
        );
        if tuple.is_null() {
            return Err(ErrorCode::Forbidden.into());
        }
        let class: pg_sys::Form_pg_class = pg_sys::GETSTRUCT(tuple).cast();
        let owner = (*class).relowner;
        pg_sys::ReleaseSysCache(tuple);
        owner
    };
    // SAFETY: reads a variable of this backend.
    if unsafe { pg_sys::GetUserId() } == owner {
        Ok(owner)
    } else {
        Err(ErrorCode::Forbidden.into())
    }
}

fn identify(owner: pg_sys::Oid) -> Result<Caller> {
    // SAFETY: GetOuterUserId reads a variable; the others look roles up by name or oid.
    let (role, is_owner) = unsafe {
        let role = pg_sys::GetOuterUserId();
        // Without superusers: they belong to every role, and there is no superuser bypass.
        (role, pg_sys::is_member_of_role_nosuper(role, owner))
    };
    if is_owner || role == role_oid(c"service_role") {
        Ok(Caller::Service)
    } else if role == role_oid(c"authenticated") {
        signed_in_user()
    } else {
        Err(ErrorCode::Unauthenticated.into())
    }
}

fn role_oid(name: &std::ffi::CStr) -> pg_sys::Oid {
    // SAFETY: a syscache look-up; InvalidOid when there is no such role, which no session has.
    unsafe { pg_sys::get_role_oid(name.as_ptr(), true) }
}

#[derive(serde::Deserialize)]
struct Claims {
    sub: Option<String>,
    #[serde(default)]
    is_anonymous: bool,
}

/// The user that the claims name, whatever the role; null without claims or without a `sub`. Policies ask for it.
#[pg_extern(stable, parallel_safe)]
fn user_id() -> Option<Uuid> {
    let claimed = require_table_owner().and_then(|_| claimed_user());
    answer(claimed).map(|(id, _)| id)
}

fn signed_in_user() -> Result<Caller> {
    let (id, is_anonymous) = claimed_user()?.ok_or(ErrorCode::Unauthenticated)?;
    Ok(Caller::User { id, is_anonymous })
}

/// The user of the claims, and whether they signed in without an account. Claims that cannot be read are refused and
/// never quoted, as Postgres's own casts would do.
fn claimed_user() -> Result<Option<(Uuid, bool)>> {
    let Some(claims) = setting(c"request.jwt.claims") else {
        return Ok(None);
    };
    let malformed = |hint: &str| Failure::with_hint(ErrorCode::TokenInvalid, hint);
    let claims: Claims = serde_json::from_str(&claims)
        .map_err(|_| malformed("request.jwt.claims is not a claims object"))?;
    let Some(sub) = claims.sub.filter(|sub| !sub.is_empty()) else {
        return Ok(None);
    };
    let id = uuid::Uuid::try_parse(&sub).map_err(|_| malformed("claim sub is not a uuid"))?;
    Ok(Some((
        Uuid::from_bytes(*id.as_bytes()),
        claims.is_anonymous,
    )))
}

/// A setting of the session; '' counts as absent, as it is on a pooled connection after first use.
fn setting(name: &std::ffi::CStr) -> Option<String> {
    // SAFETY: returns null for an unknown setting; the text is copied at once.
    let text = unsafe {
        let value = pg_sys::GetConfigOption(name.as_ptr(), true, false);
        if value.is_null() {
            return None;
        }
        std::ffi::CStr::from_ptr(value)
            .to_string_lossy()
            .into_owned()
    };
    (!text.is_empty()).then_some(text)
}
