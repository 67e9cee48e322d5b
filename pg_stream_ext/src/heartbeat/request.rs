//! The arguments of one heartbeat, and what another one of the call has said.

use pgrx::datum::TimestampWithTimeZone;

/// The state of the device, as far as it was sent.
pub struct HeartbeatRequest {
    pub foreground: Option<bool>,
    pub generation: Option<i32>,
    pub join_no: Option<i32>,
    pub token_expires_at: Option<TimestampWithTimeZone>,
}

/// A later heartbeat about the same user and session in one call, for which the row was written.
#[derive(Clone, Copy)]
pub struct Later {
    /// Whether it said where the app is, or one between the two did.
    pub says_foreground: bool,
}
