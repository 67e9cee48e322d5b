//! The settings of the config row that concern chats.

use std::cell::Cell;

use stream_core::rate::RateLimit;

use crate::postgres::caller::Admitted;
use crate::postgres::error::{Failure, Result};
use crate::postgres::keyed::{Row, Table};

static CONFIG: Table = Table::new(c"config");
static BLOCKED_TERMS: Table = Table::new(c"blocked_terms");

thread_local! {
    static LAST_VIEWER_RATE: Cell<Option<ChatRate>> = const { Cell::new(None) };
}

/// How often one user may write, or react.
#[derive(Clone, Copy)]
pub struct ChatRate {
    pub interval_ms: i32,
    pub burst: i32,
}

impl ChatRate {
    pub fn limit(self) -> RateLimit {
        RateLimit::new(self.interval_ms.unsigned_abs(), self.burst.unsigned_abs())
    }
}

/// The rate of viewers as this backend read it last, for work before the head row is locked. The settings that
/// are read under that lock decide.
pub fn likely_viewer_rate(admitted: Admitted) -> Result<ChatRate> {
    match LAST_VIEWER_RATE.get() {
        Some(rate) => Ok(rate),
        None => Ok(ChatSettings::read(admitted)?.viewers),
    }
}

pub struct ChatSettings {
    pub viewers: ChatRate,
    pub hosts: ChatRate,
    pub anonymous_users_may_chat: bool,
    pub epoch_salt: String,
    /// Whether any stream has blocked terms.
    pub blocks_terms: bool,
}

impl ChatSettings {
    /// Reads the row as it is committed now. Read while the head row is locked, it decides about a message.
    pub fn read(admitted: Admitted) -> Result<Self> {
        let blocks_terms = BLOCKED_TERMS
            .find(admitted, &[], |_| Ok(Some(())))?
            .is_some();
        let settings = CONFIG.only(admitted, |row| Self::from_row(row, blocks_terms))?;
        let settings = settings.ok_or(Failure::Row("the config row is gone"))?;
        LAST_VIEWER_RATE.set(Some(settings.viewers));
        Ok(settings)
    }

    fn from_row(row: &Row, blocks_terms: bool) -> Result<Self> {
        Ok(Self {
            viewers: ChatRate {
                interval_ms: row.column(c"chat_interval_ms")?,
                burst: row.column(c"chat_burst")?,
            },
            hosts: ChatRate {
                interval_ms: row.column(c"host_chat_interval_ms")?,
                burst: row.column(c"host_chat_burst")?,
            },
            anonymous_users_may_chat: row.column(c"anonymous_users_may_chat")?,
            epoch_salt: row.column(c"epoch_salt")?,
            blocks_terms,
        })
    }
}
