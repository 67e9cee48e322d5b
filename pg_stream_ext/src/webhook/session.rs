//! The session that a notice is about.

use pgrx::datum::Uuid;
use stream_core::agora::FIRST_VIEWER_UID;
use stream_core::lifecycle::StreamState;
use stream_core::webhook::Change;
use stream_core::webhook::host::{self, Heartbeats, Loss};

use crate::postgres::error::Result;
use crate::postgres::spi::{self, column, nullable, statements};
use crate::stream::gate;
use crate::stream::state;

statements! {
    /// A heartbeat ahead of the clock is from before the clock was set back, and counts as none.
    LOCK_SESSION: Write [TEXTOID]
        "select s.id, s.state, s.generation, s.state_reason, s.state_before_error,
             coalesce(s.reconnect_deadline > clock_timestamp(), false),
             coalesce(s.host_heartbeat_at between
                 clock_timestamp() - c.host_timeout_s * interval '1 second' and clock_timestamp(), false)
         from stream.stream_sessions as s
         cross join stream.config as c
         where s.channel_id = $1 for no key update of s";

    /// For a notice about a viewer. A live session cannot be deleted, so no lock is needed.
    READ_SESSION: Write [TEXTOID]
        "select s.id, s.state, s.generation, s.state_reason, s.state_before_error, false, false
         from stream.stream_sessions as s
         where s.channel_id = $1";
}

pub struct NoticeSession {
    pub id: Uuid,
    pub generation: i32,
    pub stream: host::Stream,
    pub heartbeats: Heartbeats,
}

impl NoticeSession {
    /// Finds the session, and locks it when the change is about a host.
    pub fn find(channel: &str, change: Change) -> Result<Option<Self>> {
        let found = Self::read(&READ_SESSION, channel)?;
        match &found {
            Some(session) if matches!(change, Change::User(user) if is_host_uid(user.uid)) => {
                gate::close(session.id)?;
                Self::read(&LOCK_SESSION, channel)
            }
            _ => Ok(found),
        }
    }

    fn read(
        statement: &'static std::thread::LocalKey<spi::Statement>,
        channel: &str,
    ) -> Result<Option<Self>> {
        spi::first(statement, &[channel.into()], |row| {
            let state = state::read(&column::<String>(row, 2)?)?;
            let reason: Option<String> = nullable(row, 4)?;
            let before_error: Option<String> = nullable(row, 5)?;
            Ok(Self {
                id: column(row, 1)?,
                generation: column(row, 3)?,
                stream: host::Stream {
                    state,
                    loss: reason
                        .filter(|_| state == StreamState::Error)
                        .and_then(|reason| Loss::parse(&reason)),
                    before_error: before_error.as_deref().map(state::read).transpose()?,
                    may_return: column(row, 6)?,
                },
                heartbeats: if column(row, 7)? {
                    Heartbeats::Fresh
                } else {
                    Heartbeats::Missing
                },
            })
        })
    }
}

/// Whether a uid is a host's: the generation, which is below every viewer's uid.
pub const fn is_host_uid(uid: u32) -> bool {
    0 < uid && uid < FIRST_VIEWER_UID
}
