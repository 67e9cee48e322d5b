//! Batches of the service: a JSON array whose malformed items are refused one by one.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use stream_core::error::ErrorCode;
use stream_core::limits::MAX_BATCH_ITEMS;

use crate::postgres::caller::Caller;
use crate::postgres::error::{Failure, Result, required};

/// Admits the service alone, because the items name their users.
pub fn admit(caller: Caller) -> Result<()> {
    match caller {
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
        .map(|item| serde_json::from_str(item.get()).ok())
        .collect())
}
