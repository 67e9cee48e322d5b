//! The settings of the config row that concern reactions.

use stream_core::error::ErrorCode;

use crate::chat::settings::ChatRate;
use crate::postgres::caller::Admitted;
use crate::postgres::error::{Failure, Result};
use crate::postgres::keyed::{Row, Table};
use crate::rate::Rate;

static CONFIG: Table = Table::new(c"config");

pub struct ReactionSettings {
    kinds: Vec<String>,
    pub rate: Rate,
    pub anonymous_users_may_react: bool,
}

impl ReactionSettings {
    /// Reads the row as it is committed now.
    pub fn read(admitted: Admitted) -> Result<Self> {
        let settings = CONFIG.only(admitted, Self::from_row)?;
        settings.ok_or(Failure::Row("the config row is gone"))
    }

    /// Refuses a kind that is not configured; the hint names those that are.
    pub fn require_kind(&self, kind: &str) -> Result<()> {
        if self.kinds.iter().any(|known| known == kind) {
            return Ok(());
        }
        let hint = match self.kinds.as_slice() {
            [] => "this application has no reactions".to_owned(),
            kinds => format!("kind is one of {}", kinds.join(", ")),
        };
        Err(Failure::with_hint(ErrorCode::InvalidArgument, hint))
    }

    fn from_row(row: &Row) -> Result<Self> {
        let rate = ChatRate {
            interval_ms: row.column(c"reaction_interval_ms")?,
            burst: row.column(c"reaction_burst")?,
        };
        Ok(Self {
            kinds: row.column(c"reaction_kinds")?,
            rate: Rate::of(rate.limit()),
            anonymous_users_may_react: row.column(c"anonymous_users_may_chat")?,
        })
    }
}
