//! The return of a lost host: whether a heartbeat or a takeover brings the stream back to its earlier state.

use crate::postgres::column::columns;
use stream_core::lifecycle::StreamState;
use stream_core::webhook::host::Loss;

/// The columns of a [`HostRow`] from session `s`, which is locked. A host whom Agora removed for an
/// expired token may return when a token was issued since; a token's times are in whole seconds.
macro_rules! host_columns {
    () => {
        "s.state, s.generation, s.state_before_error, s.state_reason,
         coalesce(s.reconnect_deadline > now(), false)
             and (s.state_reason is distinct from 'host_token' or exists (
                 select from stream.agora_tokens as t
                 where t.session_id = s.id and t.user_id = s.seller_id and t.is_active
                     and t.created_at >= date_trunc('second', s.state_changed_at))) as may_return,
         s.host_seen_at is not null as has_sent_heartbeat"
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

columns! {
    /// What [`host_columns`] reads.
    pub struct HostRow {
        state: StreamState,
        generation: i32,
        state_before_error: Option<StreamState>,
        state_reason: Option<String>,
        may_return: bool,
        has_sent_heartbeat: bool,
    }
}

impl From<HostRow> for HostState {
    fn from(row: HostRow) -> Self {
        let was_lost = row.state == StreamState::Error
            && row
                .state_reason
                .is_some_and(|reason| Loss::parse(&reason).is_some());
        Self {
            state: row.state,
            generation: row.generation,
            returns_to: row
                .state_before_error
                .filter(|_| was_lost && row.may_return),
            has_sent_heartbeat: row.has_sent_heartbeat,
        }
    }
}
