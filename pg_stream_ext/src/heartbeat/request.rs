//! The arguments of one heartbeat, all of them optional.

use pgrx::datum::TimestampWithTimeZone;

/// What the device says, all of it optional.
pub struct HeartbeatRequest {
    pub foreground: Option<bool>,
    pub generation: Option<i32>,
    pub join_no: Option<i32>,
    pub token_expires_at: Option<TimestampWithTimeZone>,
}
