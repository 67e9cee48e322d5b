//! What a heartbeat answers beside the state of the stream.

use stream_core::error::ErrorCode;

use crate::postgres::error::Result;
use crate::token::renewal::Renewed;

/// The status of a device after which another one of the user has joined.
pub const SUPERSEDED: &str = "superseded";

/// Whether a heartbeat of the host waits for whoever holds the stream or its log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum HostWait {
    /// 200 ms for the stream, 100 ms for the log, and then without a write.
    Short,
    /// Not at all: refused with `lock_timeout`.
    None,
}

/// What the one side of a heartbeat says, the host's or the viewer's.
pub struct HeartbeatReply {
    pub status: &'static str,
    pub token: Option<Renewed>,
    /// Whether the next one is due sooner than usual.
    pub comes_soon: bool,
    /// Whether the row of the viewer or of the stream was written for it.
    pub is_written: bool,
}

impl HostWait {
    /// The reply to a host whose heartbeat was not written, or the refusal.
    pub fn soon(self) -> Result<HeartbeatReply> {
        match self {
            Self::Short => Ok(HeartbeatReply::soon()),
            Self::None => Err(ErrorCode::LockTimeout.into()),
        }
    }
}

impl HeartbeatReply {
    pub const fn new(status: &'static str) -> Self {
        Self {
            status,
            token: None,
            comes_soon: false,
            is_written: false,
        }
    }

    pub fn soon() -> Self {
        Self {
            comes_soon: true,
            ..Self::new("ok")
        }
    }

    pub fn with(token: Option<Renewed>) -> Self {
        Self {
            token,
            is_written: true,
            ..Self::new("ok")
        }
    }
}
