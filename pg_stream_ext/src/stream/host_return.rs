//! The return of a lost host: whether a heartbeat or a takeover brings the stream back to its earlier state.

use pgrx::spi::SpiHeapTupleData;
use stream_core::lifecycle::StreamState;
use stream_core::webhook::host::Loss;

use crate::postgres::error::Result;
use crate::postgres::spi::{column, nullable};
use crate::stream::state;

/// The columns of session `s`, which is locked, that [`HostState::read`] reads first. A host whom Agora removed for an
/// expired token may return when a token was issued since; a token's times are in whole seconds.
macro_rules! host_columns {
    () => {
        "s.state, s.generation, s.state_before_error, s.state_reason,
         coalesce(s.reconnect_deadline > now(), false)
             and (s.state_reason is distinct from 'host_token' or exists (
                 select from stream.agora_tokens as t
                 where t.session_id = s.id and t.user_id = s.seller_id and t.is_active
                     and t.created_at >= date_trunc('second', s.state_changed_at))),
         s.host_seen_at is not null"
    };
}
pub(crate) use host_columns;

pub struct HostState {
    pub state: StreamState,
    pub generation: i32,
    /// The state to which the next heartbeat brings the stream back, when the host was lost and may return.
    pub returns_to: Option<StreamState>,
    /// Whether there was a heartbeat; before the first one a host cannot be lost.
    pub has_sent_heartbeat: bool,
}

impl HostState {
    pub fn read(row: &SpiHeapTupleData<'_>) -> Result<Self> {
        let state = state::read(&column::<String>(row, 1)?)?;
        let before_error: Option<String> = nullable(row, 3)?;
        let reason: Option<String> = nullable(row, 4)?;
        let was_lost = state == StreamState::Error
            && reason.is_some_and(|reason| Loss::parse(&reason).is_some());
        let may_return: bool = column(row, 5)?;
        let returns_to = before_error.filter(|_| was_lost && may_return);
        Ok(Self {
            state,
            generation: column(row, 2)?,
            returns_to: returns_to.as_deref().map(state::read).transpose()?,
            has_sent_heartbeat: column(row, 6)?,
        })
    }
}
