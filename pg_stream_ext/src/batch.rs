//! Batches of the service: a JSON array whose malformed items are refused one by one, and the callers for whom the
//! items are.

use std::ffi::CString;

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::value::RawValue;
use stream_core::error::ErrorCode;
use stream_core::limits::MAX_BATCH_ITEMS;

use crate::postgres::caller::{self, CLAIMS, Caller};
use crate::postgres::error::{Failure, Result, required};
use crate::postgres::setting;
use crate::postgres::transaction::Isolated;

/// Admits the service alone, because the items name their users, and refuses all of them where nothing may be written.
pub fn admit(caller: Caller) -> Result<()> {
    match caller {
        Caller::Service(_) if caller::is_read_only() => Err(ErrorCode::ReadOnly.into()),
        Caller::Service(_) => Ok(()),
        Caller::User { .. } => Err(ErrorCode::Forbidden.into()),
    }
}

/// Parses the items, in their order; none in place of a malformed one.
pub fn read<T: DeserializeOwned>(items: Option<&str>) -> Result<Vec<Option<T>>> {
    let invalid = |hint: String| Failure::with_hint(ErrorCode::InvalidArgument, hint);
    let items: Vec<&RawValue> = serde_json::from_str(required(items, "items")?)
        .map_err(|_| invalid("items is an array".to_owned()))?;
    if items.len() > MAX_BATCH_ITEMS {
        return Err(invalid(format!(
            "at most {MAX_BATCH_ITEMS} items in one call"
        )));
    }
    let items = items.into_iter();
    Ok(items
        // An array would be read as the fields in their order.
        .map(|item| {
            let object = Some(item.get()).filter(|text| text.starts_with('{'));
            object.and_then(|text| serde_json::from_str(text).ok())
        })
        .collect())
}

/// The verified claims that come with an item: those of the user for whom the service sends it. None for an item of the
/// service itself, which has no such field: a null is claims, and nobody's.
#[derive(Clone, Default)]
pub struct ItemClaims(Option<Box<RawValue>>);

impl<'de> Deserialize<'de> for ItemClaims {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        Box::<RawValue>::deserialize(from).map(|claims| Self(Some(claims)))
    }
}

impl ItemClaims {
    pub fn as_json(&self) -> Option<&str> {
        self.0.as_deref().map(RawValue::get)
    }
}

impl PartialEq for ItemClaims {
    fn eq(&self, other: &Self) -> bool {
        self.as_json() == other.as_json()
    }
}

/// Puts the claims of one item after the other into the setting where hooks of the application look for them, until
/// [`ClaimsInForce::end`]. An error that leaves it open ends it with the (sub)transaction.
pub struct ClaimsInForce {
    level: setting::Level,
    own: CString,
    /// Whether the claims of another item are in force.
    are_of_item: bool,
}

impl ClaimsInForce {
    pub fn begin() -> Self {
        let own = setting::get(CLAIMS).map(CString::from).unwrap_or_default();
        Self {
            level: setting::Level::begin(),
            own,
            are_of_item: false,
        }
    }

    pub fn set(&mut self, claims: &ItemClaims) -> Result<()> {
        let Some(claims) = claims.as_json() else {
            if self.are_of_item {
                self.level.set(CLAIMS, &self.own);
                self.are_of_item = false;
            }
            return Ok(());
        };
        self.are_of_item = true;
        // JSON holds the zero character only as an escape.
        let claims = CString::new(claims).map_err(|_| ErrorCode::TokenInvalid)?;
        self.level.set(CLAIMS, &claims);
        Ok(())
    }

    /// The service's own claims are in force again.
    pub fn end(self) {
        self.level.end();
    }
}

/// Writes into the server's log that an item failed and why, as of a call that fails alone: its caller is told the code.
pub fn log_fault(operation: &str, fault: &Isolated) {
    if let Some(description) = &fault.description {
        pgrx::log!(
            "an item of {operation} failed alone with {}, the others of the batch went on: {description}",
            fault.code.as_str()
        );
    }
}
