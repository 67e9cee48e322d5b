//! Parsing the state of a stream, from a row or an argument.

use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;

use crate::postgres::column::{Columns, ResultRow};
use crate::postgres::error::{Failure, Result};

/// Parses the state in a row, whose CHECK admits no other.
pub fn read(text: &str) -> Result<StreamState> {
    StreamState::parse(text).ok_or(Failure::Row("unknown state in the table"))
}

/// Parses an argument; refuses other texts.
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

impl Columns for StreamState {
    fn names(field: &'static str, names: &mut Vec<&'static str>) {
        String::names(field, names);
    }

    fn read(row: &mut ResultRow<'_>) -> Result<Self> {
        read(&String::read(row)?)
    }
}

impl Columns for Option<StreamState> {
    fn names(field: &'static str, names: &mut Vec<&'static str>) {
        String::names(field, names);
    }

    fn read(row: &mut ResultRow<'_>) -> Result<Self> {
        let text = Option::<String>::read(row)?;
        text.as_deref().map(read).transpose()
    }
}
