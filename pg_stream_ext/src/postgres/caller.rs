//! The caller of a native function: identifying and admitting them.
//!
//! The database role is the one that SET ROLE chose (a SECURITY DEFINER function does not change
//! it), never a claim; only the user id is read from the claims.

use std::marker::PhantomData;

use pgrx::datum::Uuid;
use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::postgres::catalogue::{self, KnownRelation};
use crate::postgres::error::{Failure, Result, or_raise};
use crate::postgres::setting;

/// The proof that the caller was checked. Only the ways in make it, and what needs no rights of the caller, like
/// writing rows by their keys, asks for it. It is for the call in which it was made.
#[derive(Clone, Copy)]
pub struct Admitted(PhantomData<*const ()>);

/// The setting with the verified claims of a request.
pub const CLAIMS: &std::ffi::CStr = c"request.jwt.claims";

/// The caller, by the database role and the claims.
#[derive(Clone, Copy)]
pub enum Caller {
    /// `service_role` or a member of the table owner: may name anybody.
    Service(Admitted),
    /// A signed-in user: may name only themself.
    User {
        id: Uuid,
        is_anonymous: bool,
        admitted: Admitted,
    },
}

/// Admits a call that only reads. Each of the four ways in is open to the owner of the tables alone, and
/// under [`SEARCH_PATH`] alone: in a function of ours that sets it.
pub fn enter() -> Result<Caller> {
    let owner = require_table_owner()?;
    identify(owner, Admitted(PhantomData))
}

/// Admits a call that writes. Above READ COMMITTED its statements would judge by what was true when the
/// transaction began, and raise 40001 at rows that changed since, which PostgREST up to 14 retries for
/// ever.
pub fn enter_to_write() -> Result<Caller> {
    require_read_committed()?;
    enter()
}

/// Admits code of the table owner that calls for no user: triggers and workers.
pub fn enter_as_owner() -> Result<Admitted> {
    require_table_owner().map(|_| Admitted(PhantomData))
}

/// The same to write at the head of a log, where whoever is granted the function has called it.
pub fn enter_as_owner_to_write() -> Result<Admitted> {
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

/// Whether the transaction, or a standby, takes no writes.
pub fn is_read_only() -> bool {
    // SAFETY: plain reads of this backend's state.
    unsafe { pg_sys::XactReadOnly || pg_sys::RecoveryInProgress() }
}

impl Caller {
    pub fn admitted(self) -> Admitted {
        match self {
            Self::Service(admitted) | Self::User { admitted, .. } => admitted,
        }
    }

    pub fn is_service(self) -> bool {
        matches!(self, Self::Service(_))
    }

    /// Returns the user whom a call is about: the one named in an argument, by default the caller.
    pub fn resolve_user(self, named: Option<Uuid>) -> Result<Uuid> {
        match (self, named) {
            (Self::Service(_), Some(id)) => Ok(id),
            (Self::Service(_), None) => Err(Failure::with_hint(
                ErrorCode::InvalidArgument,
                "the service must name the user",
            )),
            (Self::User { id, .. }, None) => Ok(id),
            (Self::User { id, .. }, Some(named)) if id == named => Ok(id),
            (Self::User { .. }, Some(_)) => Err(ErrorCode::NotSelf.into()),
        }
    }

    /// The caller of one item of the service's batch: the user of the claims that come with the item, judged as those of a
    /// call of their own would be, role included. The service itself, where none come.
    pub fn of_item(self, claims: Option<&str>) -> Result<Self> {
        match claims {
            Some(claims) => {
                let claimed = read_claims(claims)?;
                user_of(self.admitted(), claimed.filter(|_| is_of_a_user(claims)))
            }
            None => Ok(self),
        }
    }

    /// Whether the claims are those of a user who signed in without an account.
    pub fn is_anonymous(self) -> bool {
        matches!(
            self,
            Self::User {
                is_anonymous: true,
                ..
            }
        )
    }

    /// The caller's own id; null for the service, which is nobody in particular.
    pub fn user_id(self) -> Option<Uuid> {
        match self {
            Self::Service(_) => None,
            Self::User { id, .. } => Some(id),
        }
    }
}

/// The path that every function of ours sets, as Postgres keeps its text. Statements of native code name
/// types and functions without a schema: under any other path they would find what a caller has made.
const SEARCH_PATH: &std::ffi::CStr = c"pg_catalog, pg_temp";

/// Makes [`SEARCH_PATH`] that of a process without a caller, whatever the database or the role sets.
pub fn set_search_path() {
    setting::set(c"search_path", SEARCH_PATH);
}

fn has_safe_search_path() -> bool {
    // SAFETY: the text of the setting in force, which Postgres never leaves null while a transaction runs.
    let path = unsafe { std::ffi::CStr::from_ptr(pg_sys::namespace_search_path) };
    path == SEARCH_PATH
}

static SESSIONS: KnownRelation = KnownRelation::new(c"stream_sessions");

/// The owner of `stream.stream_sessions`, if the effective user is it and runs under the safe path.
fn require_table_owner() -> Result<pg_sys::Oid> {
    if !has_safe_search_path() {
        return Err(ErrorCode::Forbidden.into());
    }
    let owner = SESSIONS
        .find()
        .and_then(owner_of)
        .ok_or(ErrorCode::Forbidden)?;
    // SAFETY: reads a variable of this backend.
    if unsafe { pg_sys::GetUserId() } == owner {
        Ok(owner)
    } else {
        Err(ErrorCode::Forbidden.into())
    }
}

fn identify(owner: pg_sys::Oid, admitted: Admitted) -> Result<Caller> {
    // SAFETY: reads a variable of this backend.
    let role = unsafe { pg_sys::GetOuterUserId() };
    // Without superusers: they belong to every role, and there is no superuser bypass.
    // SAFETY: looks a role up that a session has.
    let is_owner = unsafe { pg_sys::is_member_of_role_nosuper(role, owner) };
    let is = |name| catalogue::find_role(name) == Some(role);
    if is_owner || is(c"service_role") {
        Ok(Caller::Service(admitted))
    } else if is(c"authenticated") {
        user_of(admitted, claimed_user()?)
    } else {
        Err(ErrorCode::Unauthenticated.into())
    }
}

fn owner_of(table: pg_sys::Oid) -> Option<pg_sys::Oid> {
    let owner = |class: &pg_sys::FormData_pg_class| class.relowner;
    // SAFETY: the form of that cache.
    unsafe { catalogue::read_row(pg_sys::SysCacheIdentifier::RELOID, table, owner) }
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
    or_raise(claimed).map(|(id, _)| id)
}

/// The user of claims, and whether they signed in without an account.
type ClaimedUser = (Uuid, bool);

fn user_of(admitted: Admitted, claimed: Option<ClaimedUser>) -> Result<Caller> {
    let (id, is_anonymous) = claimed.ok_or(ErrorCode::Unauthenticated)?;
    Ok(Caller::User {
        id,
        is_anonymous,
        admitted,
    })
}

fn claimed_user() -> Result<Option<ClaimedUser>> {
    text_of(CLAIMS).map_or(Ok(None), |claims| read_claims(&claims))
}

/// Whether the role of claims is that of signed-in users, as which a call of their own would run.
fn is_of_a_user(claims: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Claims {
        role: String,
    }
    serde_json::from_str(claims).is_ok_and(|claims: Claims| claims.role == "authenticated")
}

/// Claims that cannot be read are refused and never quoted, as Postgres's own casts would do.
fn read_claims(claims: &str) -> Result<Option<ClaimedUser>> {
    let malformed = |hint: &str| Failure::with_hint(ErrorCode::TokenInvalid, hint);
    // An array would be read as the claims in their order.
    let object = Some(claims).filter(|claims| claims.trim_start().starts_with('{'));
    let claims: Claims = object
        .and_then(|claims| serde_json::from_str(claims).ok())
        .ok_or_else(|| malformed("request.jwt.claims is not a claims object"))?;
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
fn text_of(name: &std::ffi::CStr) -> Option<String> {
    let text = setting::get(name)?.to_string_lossy().into_owned();
    (!text.is_empty()).then_some(text)
}
