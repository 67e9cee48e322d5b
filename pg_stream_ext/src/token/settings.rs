//! The settings of the config row that concern tokens.

use pgrx::datum::TimestampWithTimeZone;

use crate::clock;
use crate::postgres::caller::Admitted;
use crate::postgres::error::{Failure, Result};
use crate::postgres::keyed::Table;
use crate::rate::Rate;
use crate::token::certificate::SigningConfiguration;

/// The shortest life of a token, for the last minute of its stream's longest duration, and after that while the sweep
/// is late.
const MIN_LIFE_S: i64 = 60;

static CONFIG: Table = Table::new(c"config");

/// The columns of the config row that concern tokens.
pub struct Settings {
    pub signing: SigningConfiguration,
    pub rate: Rate,
    token_ttl_s: i32,
    max_duration_s: i32,
}

impl Settings {
    pub fn read(admitted: Admitted) -> Result<Self> {
        let settings = CONFIG.only(admitted, |row| {
            Ok(Self {
                signing: SigningConfiguration {
                    app_id: row.nullable(c"agora_app_id")?,
                    certificate_secret: row.column(c"agora_certificate_secret")?,
                },
                rate: Rate::per_minute(row.column(c"token_rate_per_minute")?),
                token_ttl_s: row.column(c"token_ttl_s")?,
                max_duration_s: row.column(c"max_duration_s")?,
            })
        })?;
        settings.ok_or(Failure::Row("the config row is gone"))
    }

    /// Seconds that a token may live: as long as the stream can, and at least [`MIN_LIFE_S`].
    pub fn life_s(&self, created_at: TimestampWithTimeZone, issued_at: u32) -> Result<i32> {
        let end = clock::unix_s(created_at) + i64::from(self.max_duration_s);
        let left = (end - i64::from(issued_at)).max(MIN_LIFE_S);
        i32::try_from(left.min(self.token_ttl_s.into()))
            .map_err(|_| Failure::Row("a token's life is out of range"))
    }
}
