//! The arguments of one heartbeat.

use pgrx::datum::TimestampWithTimeZone;

/// The state of the device, as far as it was sent.
pub struct HeartbeatRequest {
    pub foreground: Option<bool>,
    pub generation: Option<i32>,
    pub join_no: Option<i32>,
    pub token_expires_at: Option<TimestampWithTimeZone>,
}
