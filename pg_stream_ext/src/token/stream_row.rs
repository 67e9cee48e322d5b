//! The row of a stream, as tokens read it.

use pgrx::datum::TimestampWithTimeZone;
use stream_core::lifecycle::StreamState;

use crate::postgres::error::Result;
use crate::postgres::keyed::{Row, Table};
use crate::stream::state;

pub static SESSIONS: Table = Table::new(c"stream_sessions");

/// When the stream on the channel was created; none when it has ended, or has another channel.
pub fn is_open(row: &Row, channel: &str) -> Result<Option<TimestampWithTimeZone>> {
    if row.text(c"channel_id")? != channel || has_ended(row)? {
        return Ok(None);
    }
    row.column(c"created_at").map(Some)
}

pub fn has_ended(stream: &Row) -> Result<bool> {
    Ok(state::read(stream.text(c"state")?)? == StreamState::Ended)
}
