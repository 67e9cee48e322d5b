//! Calls as items of a batch, and the answers to the items.

use serde::Deserialize;
use serde_json::value::RawValue;
use stream_core::error::ErrorCode;

use crate::contract::Argument;
use crate::upstream::{Call, UpstreamError};

/// The call as an item: its arguments by their names, and the claims of the caller. None where an argument has a type that no
/// item has: such a call goes alone.
pub(super) fn write_item(call: &Call) -> Option<String> {
    let claims = call.caller.claims.as_json();
    let mut item = String::with_capacity(claims.len() + 256);
    item.push('{');
    for (parameter, argument) in call.operation.parameters.iter().zip(&call.arguments) {
        // A field that is left out is null.
        if *argument == Argument::Null {
            continue;
        }
        item.push('"');
        item.push_str(parameter.name);
        item.push_str("\":");
        item.push_str(&json(argument)?);
        item.push(',');
    }
    item.push_str("\"claims\":");
    item.push_str(claims);
    item.push('}');
    Some(item)
}

fn json(argument: &Argument) -> Option<String> {
    match argument {
        Argument::Uuid(id) => Some(format!("\"{id}\"")),
        Argument::Text(text) => serde_json::to_string(text).ok(),
        Argument::Integer(number) => Some(number.to_string()),
        Argument::Bigint(number) => Some(number.to_string()),
        Argument::Boolean(truth) => Some(truth.to_string()),
        Argument::Timestamptz(time) => Some(format!("\"{time}\"")),
        Argument::Null => Some("null".to_owned()),
        Argument::Uuids(_) | Argument::Texts(_) | Argument::Double(_) | Argument::Json(_) => None,
    }
}

/// A row of a batch's answer. The result is that of the single call, byte by byte.
#[derive(Deserialize)]
struct Row<'a> {
    /// The place of the item, from 1.
    item: usize,
    status: &'a str,
    #[serde(default)]
    retry_after_ms: Option<u64>,
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    heartbeat: Option<&'a RawValue>,
}

/// The answer to an item.
#[derive(Debug)]
pub(super) enum ItemAnswer {
    Made(Result<Box<RawValue>, UpstreamError>),
    /// Nothing was done, because somebody else held what the item needs.
    Locked,
}

/// The answers of a batch, in the order of its items; none where they are not one for each in that order: an answer may
/// hold a token, which is its own caller's alone.
pub(super) fn read_answers(json: &RawValue, items: usize) -> Option<Vec<ItemAnswer>> {
    let rows: Vec<Row<'_>> = serde_json::from_str(json.get()).ok()?;
    let places = rows.iter().map(|row| row.item);
    places
        .eq(1..=items)
        .then(|| rows.into_iter().map(read_answer).collect())
}

fn read_answer(row: Row<'_>) -> ItemAnswer {
    let result = row.message.or(row.heartbeat);
    ItemAnswer::Made(match (row.status, result) {
        ("ok", Some(result)) => Ok(result.to_owned()),
        ("lock_timeout", _) => return ItemAnswer::Locked,
        (status, _) => Err(match ErrorCode::parse(status) {
            // As the single call is answered whose error is in no catalogue.
            None | Some(ErrorCode::Internal) => UpstreamError::Unexpected {
                reason: "an item of a batch failed".to_owned(),
            },
            Some(code) => UpstreamError::Refused {
                code,
                retry_after_ms: row.retry_after_ms,
            },
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever reorders the rows hands nobody another's token.
    #[test]
    fn answers_count_in_the_order_of_their_items_alone() {
        let read = |json: &str| {
            let json = RawValue::from_string(json.to_owned()).expect("JSON");
            read_answers(&json, 2).is_some()
        };
        let row = |item: u32| format!(r#"{{"item": {item}, "status": "ok", "heartbeat": {{}}}}"#);
        assert!(read(&format!("[{}, {}]", row(1), row(2))));
        for wrong in [vec![2, 1], vec![1], vec![1, 2, 3], vec![1, 1]] {
            let rows: Vec<_> = wrong.iter().copied().map(row).collect();
            assert!(!read(&format!("[{}]", rows.join(", "))), "{wrong:?}");
        }
    }
}
