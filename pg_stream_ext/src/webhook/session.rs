//! The session that a notice is about.

use pgrx::datum::Uuid;
use stream_core::agora::FIRST_VIEWER_UID;
use stream_core::lifecycle::StreamState;
use stream_core::webhook::Change;
use stream_core::webhook::host::{self, Heartbeats, Loss};

use crate::postgres::caller::Admitted;
use crate::postgres::column::columns;
use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};
use crate::stream::gate;

statements! {
    /// A heartbeat ahead of the clock is from before the clock was set back, and counts as none.
    LOCK_SESSION: Write [TEXTOID] -> SessionRow,
        "select s.id, s.state, s.generation, s.state_reason, s.state_before_error,
             coalesce(s.reconnect_deadline > clock_timestamp(), false) as may_return,
             coalesce(s.host_heartbeat_at between
                 clock_timestamp() - c.host_timeout_s * interval '1 second' and clock_timestamp(), false) as has_heartbeat
         from stream.stream_sessions as s
         cross join stream.config as c
         where s.channel_id = $1 for no key update of s";

    /// For a notice about a viewer. A live session cannot be deleted, so no lock is needed.
    READ_SESSION: Write [TEXTOID] -> SessionRow,
        "select s.id, s.state, s.generation, s.state_reason, s.state_before_error,
             false as may_return, false as has_heartbeat
         from stream.stream_sessions as s
         where s.channel_id = $1";
}

columns! {
    struct SessionRow {
        id: Uuid,
        state: StreamState,
        generation: i32,
        state_reason: Option<String>,
        state_before_error: Option<StreamState>,
        may_return: bool,
        has_heartbeat: bool,
    }
}

pub struct NoticeSession {
    pub id: Uuid,
    pub generation: i32,
    pub stream: host::Stream,
    pub heartbeats: Heartbeats,
}

impl NoticeSession {
    /// Finds the session, and locks it when the change is about a host.
    pub fn find(admitted: Admitted, channel: &str, change: Change) -> Result<Option<Self>> {
        let found = Self::read(&READ_SESSION, channel)?;
        match &found {
            Some(session) if matches!(change, Change::User(user) if is_host_uid(user.uid)) => {
                gate::close(admitted, session.id)?;
                Self::read(&LOCK_SESSION, channel)
            }
            _ => Ok(found),
        }
    }

    fn read(
        statement: &'static std::thread::LocalKey<spi::Statement<SessionRow>>,
        channel: &str,
    ) -> Result<Option<Self>> {
        let row = spi::first(statement, &[channel.into()])?;
        Ok(row.map(|row| Self {
            id: row.id,
            generation: row.generation,
            stream: host::Stream {
                state: row.state,
                loss: row
                    .state_reason
                    .filter(|_| row.state == StreamState::Error)
                    .and_then(|reason| Loss::parse(&reason)),
                before_error: row.state_before_error,
                may_return: row.may_return,
            },
            heartbeats: if row.has_heartbeat {
                Heartbeats::Fresh
            } else {
                Heartbeats::Missing
            },
        }))
    }
}

/// Whether a uid is a host's: the generation, which is below every viewer's uid.
pub const fn is_host_uid(uid: u32) -> bool {
    0 < uid && uid < FIRST_VIEWER_UID
}
