//! Errors that Postgres reports, and the refusal that each of them is.

use serde::Deserialize;
use stream_core::error::ErrorCode;

use super::UpstreamError;

/// The JSON that our functions put into DETAIL; see `ErrorCode::detail_json`.
#[derive(Deserialize)]
struct Detail {
    code: String,
    retry_after_ms: Option<u64>,
}

/// Judges by state and DETAIL, the two that every way to the database hands on. A `PTxyz` error is
/// ours only when its DETAIL names a code with that very state; anything else unknown is unexpected
/// and reaches the caller as an internal error.
pub fn from_sqlstate(sqlstate: &str, detail: Option<&str>) -> UpstreamError {
    if let Some(code) = ErrorCode::from_sqlstate(sqlstate) {
        return UpstreamError::Refused {
            code,
            retry_after_ms: None,
        };
    }
    let ours = detail
        .and_then(|detail| serde_json::from_str::<Detail>(detail).ok())
        .and_then(|detail| Some((ErrorCode::parse(&detail.code)?, detail.retry_after_ms)))
        .filter(|(code, _)| code.sqlstate() == Some(sqlstate));
    if let Some((code, retry_after_ms)) = ours {
        return UpstreamError::Refused {
            code,
            retry_after_ms,
        };
    }
    let reason = format!("SQLSTATE {sqlstate}");
    if is_outage(sqlstate) {
        UpstreamError::Unavailable { reason }
    } else {
        UpstreamError::Unexpected { reason }
    }
}

/// Connection exceptions. A server that shuts down, crashed or starts up has codes of its own.
fn is_outage(sqlstate: &str) -> bool {
    sqlstate.starts_with("08")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_the_way_through_postgres() {
        for &code in ErrorCode::ALL {
            let Some(state) = code.sqlstate() else {
                continue;
            };
            let detail = code.detail_json(None);
            assert_eq!(
                from_sqlstate(state, Some(&detail)),
                UpstreamError::Refused {
                    code,
                    retry_after_ms: None
                }
            );
        }
    }

    #[test]
    fn nobody_borrows_a_code_of_the_edge() {
        let detail = ErrorCode::UpstreamUnavailable.detail_json(None);
        assert_eq!(
            from_sqlstate("PT503", Some(&detail)),
            UpstreamError::Unexpected {
                reason: "SQLSTATE PT503".to_owned()
            }
        );
    }

    #[test]
    fn the_wait_of_a_rate_limit_survives_too() {
        let detail = ErrorCode::RateLimited.detail_json(Some(1500));
        assert_eq!(
            from_sqlstate("PT429", Some(&detail)),
            UpstreamError::Refused {
                code: ErrorCode::RateLimited,
                retry_after_ms: Some(1500)
            }
        );
    }

    #[test]
    fn an_app_cannot_borrow_a_code_with_another_state() {
        let detail = ErrorCode::StreamEnded.detail_json(None);
        for (state, detail) in [
            ("PT404", Some(detail.as_str())),
            ("P0001", Some(&detail)),
            ("PT410", Some("gone")),
            ("PT410", None),
            ("PT402", Some(r#"{"code":"payment_required"}"#)),
            ("23505", Some("Key (id)=(1) already exists.")),
        ] {
            assert_eq!(
                from_sqlstate(state, detail),
                UpstreamError::Unexpected {
                    reason: format!("SQLSTATE {state}")
                }
            );
        }
    }

    #[test]
    fn what_a_server_lacks_or_does_has_a_code_whatever_its_detail_says() {
        for (state, code) in [
            ("53100", ErrorCode::DiskFull),
            ("53200", ErrorCode::OutOfMemory),
            ("53300", ErrorCode::TooManyConnections),
            ("53400", ErrorCode::ResourceLimit),
            ("58030", ErrorCode::StorageFailed),
            ("57P01", ErrorCode::ServerStopping),
            ("57P02", ErrorCode::ServerCrashed),
            ("57P03", ErrorCode::ServerStarting),
        ] {
            for detail in [None, Some("Failed on request of size 8.")] {
                let refused = UpstreamError::Refused {
                    code,
                    retry_after_ms: None,
                };
                assert_eq!(from_sqlstate(state, detail), refused, "{state}");
            }
            assert_eq!(code.http_status(), 503, "{state}");
        }
    }

    #[test]
    fn a_lost_connection_is_unavailable() {
        for state in ["08006", "08001"] {
            assert!(
                matches!(
                    from_sqlstate(state, None),
                    UpstreamError::Unavailable { .. }
                ),
                "{state}"
            );
        }
    }
}
