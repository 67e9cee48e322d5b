//! Refusals of PostgREST, of the gateway before it and of the network, and what each means for the request.
//!
//! Reasons are made from codes and states: messages quote values.

use reqwest_0_11::Error;
use serde::Deserialize;
use stream_core::error::ErrorCode;

use crate::upstream::{UpstreamError, from_sqlstate};

/// PostgREST's error body; the message is left out.
#[derive(Deserialize)]
struct ErrorBody {
    code: String,
    details: Option<String>,
}

/// No answer came, or half of one.
pub(super) fn of_request(error: Error) -> UpstreamError {
    if error.is_timeout() && !error.is_connect() {
        return UpstreamError::Refused {
            code: ErrorCode::StatementTimeout,
            retry_after_ms: None,
        };
    }
    let what = if error.is_connect() {
        "cannot connect to PostgREST"
    } else {
        "the connection to PostgREST was lost"
    };
    UpstreamError::Unavailable {
        reason: what.to_owned(),
    }
}

/// An answer that is no success. Errors of the database have their SQLSTATE, and are judged as over SQL.
pub(super) fn of_answer(status: u16, text: &str) -> UpstreamError {
    let Ok(body) = serde_json::from_str::<ErrorBody>(text) else {
        return of_gateway(status);
    };
    match body.code.strip_prefix("PGRST") {
        Some(number) => of_postgrest(number),
        None if is_sqlstate(&body.code) => from_sqlstate(&body.code, body.details.as_deref()),
        None => of_gateway(status),
    }
}

fn of_postgrest(number: &str) -> UpstreamError {
    let refused = |code, retry_after_ms| UpstreamError::Refused {
        code,
        retry_after_ms,
    };
    match number {
        // No connection, a wrong configuration of it, no schema cache yet.
        "000" | "001" | "002" => UpstreamError::Unavailable {
            reason: format!("PGRST{number}"),
        },
        // No free connection in time: nothing was begun.
        "003" => UpstreamError::OVERLOADED,
        // The token was found good here: PostgREST has other keys, or another clock.
        "301" | "302" => refused(ErrorCode::TokenInvalid, None),
        "303" => refused(ErrorCode::TokenExpired, None),
        // 202 is a function that it does not know: the schema is not exposed, older than this service, or not read anew.
        _ => UpstreamError::Unexpected {
            reason: format!("PGRST{number}"),
        },
    }
}

/// An answer of something in front of PostgREST.
fn of_gateway(status: u16) -> UpstreamError {
    let reason = format!("status {status} of the gateway");
    match status {
        429 => UpstreamError::OVERLOADED,
        502..=504 | 520..=599 => UpstreamError::Unavailable { reason },
        _ => UpstreamError::Unexpected { reason },
    }
}

fn is_sqlstate(code: &str) -> bool {
    let is_character = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
    code.len() == 5 && code.bytes().all(is_character)
}
