//! Counting of recoveries: whether an answer of `sync` held all that its reader had missed.
//!
//! Here and not in the database, where `sync` writes nothing; so those over RPC are not counted. A first call, whose reader
//! held nothing, and one that brings nothing are none: polls would outnumber those who came back.

use metrics::counter;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::contract::Argument;
use crate::metrics::RECOVERIES;
use crate::upstream::Call;

const SYNC: &str = "sync";

#[derive(Deserialize)]
struct Recovery {
    recovered: bool,
    #[serde(default)]
    messages: Vec<IgnoredAny>,
}

/// Whether the reader says what it holds.
pub(super) fn may_be(call: &Call) -> bool {
    call.operation.name == SYNC
        && !matches!(call.argument("after_seq"), None | Some(Argument::Null))
}

/// The answer of such a call.
pub(super) fn count(answer: &RawValue) {
    let Ok(recovery) = serde_json::from_str::<Recovery>(answer.get()) else {
        return;
    };
    let complete = match recovery {
        Recovery {
            recovered: false, ..
        } => "false",
        Recovery { messages, .. } if messages.is_empty() => return,
        Recovery { .. } => "true",
    };
    counter!(RECOVERIES, "complete" => complete).increment(1);
}
