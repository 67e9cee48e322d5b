//! Failures of the driver and the pool, and what each means for the request.
//!
//! Reasons are made from states and kinds. The server's messages are left out, because they quote
//! values.

use deadpool_postgres::{PoolError, TimeoutType};
use std::error::Error as _;
use std::io;
use stream_core::error::ErrorCode;
use tokio_postgres::Error;

use crate::upstream::{UpstreamError, from_sqlstate};

pub(super) fn of_postgres(error: Error) -> UpstreamError {
    if let Some(reported) = error.as_db_error() {
        return from_sqlstate(reported.code().code(), reported.detail());
    }
    let reason = error.to_string();
    let is_lost = error.is_closed()
        || error
            .source()
            .is_some_and(|source| source.is::<io::Error>());
    if is_lost {
        UpstreamError::Unavailable { reason }
    } else {
        UpstreamError::Unexpected { reason }
    }
}

/// The settings are the service's own, so a refusal (the login role is no member of the caller's,
/// the role does not exist) is the operator's to mend and not the caller's. A server that stops meanwhile, or
/// lacks something, is what it is.
pub(super) fn of_settings(error: Error) -> UpstreamError {
    match error.as_db_error() {
        Some(reported) if is_refusal_of_role(reported.code().code()) => UpstreamError::Unexpected {
            reason: format!(
                "SQLSTATE {} while taking on the caller's role",
                reported.code().code()
            ),
        },
        _ => of_postgres(error),
    }
}

/// Everything but a cancelled statement (57014) and a server that stops or lacks a resource.
fn is_refusal_of_role(sqlstate: &str) -> bool {
    !sqlstate.starts_with("57") && why_no_connection(sqlstate).is_none()
}

/// The code for a server that lacks a resource, stops or starts (classes 53, 57P and 58); none when
/// the login role is refused.
fn why_no_connection(sqlstate: &str) -> Option<ErrorCode> {
    let is_of_server = ["53", "57P", "58"]
        .iter()
        .any(|class| sqlstate.starts_with(class));
    ErrorCode::from_sqlstate(sqlstate).filter(|_| is_of_server)
}

/// Without a connection nothing was asked, so everything is an outage; a wrong password too, which
/// only its reason tells apart. That all connections are taken says nothing of the database.
pub(super) fn of_pool(error: PoolError) -> UpstreamError {
    match error {
        PoolError::Timeout(TimeoutType::Wait) => UpstreamError::OVERLOADED,
        PoolError::Timeout(kind) => UpstreamError::Unavailable {
            reason: format!("no connection in time: {kind:?}"),
        },
        PoolError::Backend(error) => of_connecting(error),
        other => UpstreamError::Unavailable {
            reason: other.to_string(),
        },
    }
}

/// See [`of_pool`].
pub(super) fn of_connecting(error: Error) -> UpstreamError {
    let reason = match error.as_db_error() {
        Some(reported) => {
            let state = reported.code().code();
            if let Some(code) = why_no_connection(state) {
                return UpstreamError::Refused {
                    code,
                    retry_after_ms: None,
                };
            }
            format!("SQLSTATE {state} while connecting")
        }
        None => match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    };
    UpstreamError::Unavailable { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_concerns_the_role_is_the_operators() {
        let states = ["22023", "42501", "57014", "57P01", "57P02", "53200"];
        let is_refusal = states.map(is_refusal_of_role);
        assert_eq!(is_refusal, [true, true, false, false, false, false]);
    }

    #[test]
    fn connections_that_are_all_taken_are_no_outage() {
        let waited = of_pool(PoolError::Timeout(TimeoutType::Wait));
        assert_eq!(waited, UpstreamError::OVERLOADED);
        for kind in [TimeoutType::Create, TimeoutType::Recycle] {
            let failed = of_pool(PoolError::Timeout(kind));
            assert!(matches!(failed, UpstreamError::Unavailable { .. }));
        }
    }

    #[test]
    fn a_server_that_takes_no_connections_says_why() {
        for (state, code) in [
            ("53100", Some(ErrorCode::DiskFull)),
            ("53300", Some(ErrorCode::TooManyConnections)),
            ("57P03", Some(ErrorCode::ServerStarting)),
            ("28P01", None),
            ("42501", None),
        ] {
            assert_eq!(why_no_connection(state), code, "{state}");
        }
    }
}
