//! Counting of recoveries: whether an answer of `sync` held all that its reader had missed.
//!
//! Here and not in the database, where `sync` writes nothing; so those over RPC are not counted.

use metrics::counter;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::contract::Operation;
use crate::metrics::RECOVERIES;

const SYNC: &str = "sync";

#[derive(Deserialize)]
struct Recovery {
    recovered: bool,
}

pub(super) fn count(operation: &Operation, answer: &RawValue) {
    if operation.name != SYNC {
        return;
    }
    if let Ok(recovery) = serde_json::from_str::<Recovery>(answer.get()) {
        let complete = if recovery.recovered { "true" } else { "false" };
        counter!(RECOVERIES, "complete" => complete).increment(1);
    }
}
