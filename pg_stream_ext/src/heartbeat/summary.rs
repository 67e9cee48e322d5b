//! The stream as the answer to a heartbeat shows it, read by keys.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use stream_core::lifecycle::StreamState;

use crate::log::entry::find_head;
use crate::log::epoch::epoch;
use crate::log::relay_row::RELAYS;
use crate::postgres::caller::Admitted;
use crate::postgres::error::{Failure, Result};
use crate::postgres::keyed::{Row, Table};
use crate::stream::state;

static SESSIONS: Table = Table::new(c"stream_sessions");
static CONFIG: Table = Table::new(c"config");

pub struct Summary {
    pub state: StreamState,
    pub generation: i32,
    pub viewer_count: i32,
    pub reconnect_deadline: Option<TimestampWithTimeZone>,
    /// As frames say it; none while they come often.
    pub poll_ms: Option<i32>,
    pub head_seq: i64,
    pub epoch: String,
    pub heartbeat_interval_s: i32,
}

impl Summary {
    /// As committed by now. The head is looked up last, so the log is never behind the state that is shown.
    pub fn read(admitted: Admitted, session: Uuid) -> Result<Option<Self>> {
        let settings = CONFIG.only(admitted, |row| {
            let salt: String = row.column(c"epoch_salt")?;
            Ok((epoch(&salt), row.column(c"heartbeat_interval_s")?))
        })?;
        let (epoch, heartbeat_interval_s) =
            settings.ok_or(Failure::Row("the config row is gone"))?;
        let stream = SESSIONS.find(admitted, &[session], |row| {
            Ok(Some((
                read_state(row)?,
                row.column(c"generation")?,
                row.column(c"viewer_count")?,
                row.nullable(c"reconnect_deadline")?,
            )))
        })?;
        let Some((state, generation, viewer_count, reconnect_deadline)) = stream else {
            return Ok(None);
        };
        Ok(Some(Self {
            state,
            generation,
            viewer_count,
            reconnect_deadline,
            poll_ms: RELAYS.find(admitted, &[session], |row| row.nullable(c"poll_ms"))?,
            head_seq: find_head(admitted, session)?
                .ok_or(Failure::Row("a stream has no head row"))?,
            epoch,
            heartbeat_interval_s,
        }))
    }
}

pub fn find_state(admitted: Admitted, session: Uuid) -> Result<Option<StreamState>> {
    SESSIONS.find(admitted, &[session], |row| read_state(row).map(Some))
}

/// The seller of a stream never changes.
pub fn is_seller(admitted: Admitted, session: Uuid, user: Uuid) -> Result<bool> {
    let is_seller = SESSIONS.find(admitted, &[session], |row| {
        Ok(Some(row.column::<Uuid>(c"seller_id")? == user))
    })?;
    Ok(is_seller.unwrap_or(false))
}

fn read_state(row: &Row) -> Result<StreamState> {
    state::read(row.text(c"state")?)
}
