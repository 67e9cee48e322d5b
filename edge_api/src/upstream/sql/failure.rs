//! Failures of the driver and the pool, and what each means for the request.
//!
//! Reasons are made from states and kinds. The server's messages are left out, because they quote
//! values.

use deadpool_postgres::PoolError;
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
/// the role does not exist) is the operator's to mend and not the caller's.
pub(super) fn of_settings(error: Error) -> UpstreamError {
    match error.as_db_error() {
        Some(reported) => UpstreamError::Unexpected {
            reason: format!(
                "SQLSTATE {} while taking on the caller's role",
                reported.code().code()
            ),
        },
        None => of_postgres(error),
    }
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
/// only its reason tells apart.
pub(super) fn of_pool(error: PoolError) -> UpstreamError {
    match error {
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
