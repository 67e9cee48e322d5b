//! Admission to a channel: the token is read and checked by the product's own function, as the service.

use std::time::Duration;

use deadpool_postgres::Pool;
use tokio_postgres::Row;
use tracing::warn;

use crate::database::StatementError;
use crate::loopback::message::{Refusal, Role};

const SET_ROLE: &str = "select \
     pg_catalog.set_config('role', 'service_role', true), \
     pg_catalog.set_config('request.jwt.claims', '{\"role\": \"service_role\"}', true)";
const INSPECT: &str = "select t.channel_id, t.account, t.role, t.is_signed, t.is_expired, \
     extract(epoch from t.expires_at - pg_catalog.clock_timestamp())::double precision \
     from stream.inspect_token($1) as t";

/// SQLSTATEs by which the product refuses what it was given, as opposed to those of an outage.
const REFUSED: &str = "PT4";

/// The place that a member holds or wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub channel: String,
    pub uid: u32,
    pub role: Role,
}

/// What a token says.
#[derive(Debug, Clone)]
struct Inspection {
    channel: Option<String>,
    account: Option<String>,
    role: Option<String>,
    is_signed: Option<bool>,
    is_expired: Option<bool>,
    life_s: Option<f64>,
}

/// The time for which this token admits to the place.
pub async fn admit(pool: &Pool, place: &Place, token: &str) -> Result<Duration, Refusal> {
    match inspect(pool, token).await {
        Ok(inspection) => inspection.admits(place),
        Err(StatementError::Database(error)) if is_refusal(&error) => Err(Refusal::TokenInvalid),
        Err(error) => {
            warn!(%error, "a token could not be checked");
            Err(Refusal::Unavailable)
        }
    }
}

async fn inspect(pool: &Pool, token: &str) -> Result<Inspection, StatementError> {
    let mut client = pool.get().await?;
    // Dropped without a commit it rolls back, and the role with it.
    let transaction = client.build_transaction().read_only(true).start().await?;
    transaction.query_one(SET_ROLE, &[]).await?;
    let inspect = transaction.prepare_cached(INSPECT).await?;
    let row = transaction.query_one(&inspect, &[&token]).await?;
    Ok(Inspection::from_row(&row))
}

fn is_refusal(error: &tokio_postgres::Error) -> bool {
    error
        .code()
        .is_some_and(|state| state.code().starts_with(REFUSED))
}

impl Inspection {
    fn from_row(row: &Row) -> Self {
        Self {
            channel: row.get(0),
            account: row.get(1),
            role: row.get(2),
            is_signed: row.get(3),
            is_expired: row.get(4),
            life_s: row.get(5),
        }
    }

    fn admits(&self, place: &Place) -> Result<Duration, Refusal> {
        if self.is_signed != Some(true) {
            return Err(Refusal::TokenInvalid);
        }
        if self.channel.as_deref() != Some(&place.channel) {
            return Err(Refusal::OtherChannel);
        }
        if self.account.as_deref() != Some(&place.uid.to_string()) {
            return Err(Refusal::OtherUid);
        }
        if self.is_expired != Some(false) {
            return Err(Refusal::TokenExpired);
        }
        if place.role == Role::Host && self.role.as_deref() != Some("publisher") {
            return Err(Refusal::NotPublisher);
        }
        self.life_s
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .ok_or(Refusal::TokenExpired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place {
            channel: "room".to_owned(),
            uid: 7,
            role: Role::Host,
        }
    }

    fn good() -> Inspection {
        Inspection {
            channel: Some("room".to_owned()),
            account: Some("7".to_owned()),
            role: Some("publisher".to_owned()),
            is_signed: Some(true),
            is_expired: Some(false),
            life_s: Some(60.0),
        }
    }

    fn refusal(change: impl FnOnce(&mut Inspection)) -> Option<Refusal> {
        let mut inspection = good();
        change(&mut inspection);
        inspection.admits(&place()).err()
    }

    #[test]
    fn a_token_admits_to_its_own_place_while_it_lives() {
        assert_eq!(good().admits(&place()), Ok(Duration::from_secs(60)));
        let cases = [
            (
                refusal(|token| token.is_signed = Some(false)),
                Refusal::TokenInvalid,
            ),
            (
                refusal(|token| token.is_signed = None),
                Refusal::TokenInvalid,
            ),
            (
                refusal(|token| token.channel = Some("hall".to_owned())),
                Refusal::OtherChannel,
            ),
            (refusal(|token| token.channel = None), Refusal::OtherChannel),
            (
                refusal(|token| token.account = Some("8".to_owned())),
                Refusal::OtherUid,
            ),
            (
                refusal(|token| token.account = Some(String::new())),
                Refusal::OtherUid,
            ),
            (
                refusal(|token| token.is_expired = Some(true)),
                Refusal::TokenExpired,
            ),
            (
                refusal(|token| token.is_expired = None),
                Refusal::TokenExpired,
            ),
            (
                refusal(|token| token.life_s = Some(-1.0)),
                Refusal::TokenExpired,
            ),
            (
                refusal(|token| token.role = Some("subscriber".to_owned())),
                Refusal::NotPublisher,
            ),
        ];
        for (found, expected) in cases {
            assert_eq!(found, Some(expected));
        }
    }

    #[test]
    fn whoever_only_watches_may_have_either_token() {
        let place = Place {
            role: Role::Audience,
            ..place()
        };
        for role in ["publisher", "subscriber"] {
            let token = Inspection {
                role: Some(role.to_owned()),
                ..good()
            };
            assert!(token.admits(&place).is_ok());
        }
    }
}
