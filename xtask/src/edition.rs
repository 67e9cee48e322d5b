//! The editions of schema `stream_ext`: native code, and SQL for servers that load no native extension.

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

/// Names the edition for everything that a command starts; `cargo x --edition` sets it.
pub const EDITION_VARIABLE: &str = "PG_STREAM_EDITION";

/// One implementation of schema `stream_ext`; everything else is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Edition {
    #[default]
    Native,
    Sql,
}

impl Edition {
    pub const ALL: [Self; 2] = [Self::Native, Self::Sql];

    pub fn parse(text: &str) -> Result<Self> {
        match Self::ALL.iter().find(|edition| edition.as_str() == text) {
            Some(edition) => Ok(*edition),
            None => bail!("the edition is native or sql, not `{text}`"),
        }
    }

    /// The one that `cargo x --edition` chose; native without it.
    pub fn chosen() -> Result<Self> {
        Ok(Self::named()?.unwrap_or_default())
    }

    /// The one that `cargo x --edition` chose, if any.
    pub fn named() -> Result<Option<Self>> {
        let named = std::env::var(EDITION_VARIABLE).ok();
        named.map(|text| Self::parse(&text)).transpose()
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Sql => "sql",
        }
    }

    /// The files of this edition alone.
    pub fn sources(self) -> &'static str {
        match self {
            Self::Native => "sql/edition/native",
            Self::Sql => "sql/edition/sql",
        }
    }

    /// The directory of its migrations. The demo application's and the host application's are shared and stand with the
    /// native ones.
    pub fn migrations(self) -> &'static str {
        match self {
            Self::Native => "supabase/migrations",
            Self::Sql => "supabase/migrations_sql",
        }
    }

    /// The file that moves a database of the other edition to this one.
    pub fn move_source(self) -> &'static str {
        match self {
            Self::Native => "sql/edition/move/to_native.sql",
            Self::Sql => "sql/edition/move/to_sql.sql",
        }
    }

    /// The same with all that it applies, as a DBA runs it.
    pub fn move_script(self) -> &'static str {
        match self {
            Self::Native => "supabase/editions/to_native.sql",
            Self::Sql => "supabase/editions/to_sql.sql",
        }
    }
}
