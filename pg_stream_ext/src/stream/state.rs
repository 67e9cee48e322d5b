//! Reading the state of a stream, from a row or from a caller.

use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;

use crate::postgres::error::{Failure, Result};

/// From a row, whose CHECK admits no other.
pub fn read(text: &str) -> Result<StreamState> {
    StreamState::parse(text).ok_or(Failure::Row("unknown state in the table"))
}

/// From an argument.
pub fn parse(text: &str) -> Result<StreamState> {
    StreamState::parse(text).ok_or_else(|| {
        let known: Vec<_> = StreamState::ALL
            .iter()
            .map(|known| known.as_str())
            .collect();
        Failure::with_hint(
            ErrorCode::InvalidArgument,
            format!("state is one of {}", known.join(", ")),
        )
    })
}
