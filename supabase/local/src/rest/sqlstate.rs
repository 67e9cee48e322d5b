//! HTTP statuses of SQLSTATEs, as PostgREST maps them.

use crate::jwt::ApiRole;

/// The HTTP status of an SQLSTATE.
pub fn status(sqlstate: &str, message: &str, role: ApiRole) -> u16 {
    if let Some(custom) = sqlstate.strip_prefix("PT") {
        return custom
            .parse()
            .ok()
            .filter(|code| (200..600).contains(code))
            .unwrap_or(500);
    }
    match sqlstate {
        "21000" if message.ends_with("requires a WHERE clause") => 400,
        "22023" if message.starts_with("role \"") && message.ends_with("does not exist") => 401,
        "23503" | "23505" => 409,
        "25006" => 405,
        "42501" if role == ApiRole::Anon => 401,
        "42501" => 403,
        "42883" if message.starts_with("function xmlagg(") => 406,
        "42883" | "42P01" => 404,
        "42P17" | "53400" => 500,
        "57P01" => 503,
        "P0001" => 400,
        _ => match sqlstate.get(..2).unwrap_or_default() {
            "08" | "53" => 503,
            "0L" | "0P" | "28" => 403,
            "09" | "21" | "25" | "2D" | "38" | "39" | "3B" | "40" | "54" | "55" | "57" | "58"
            | "F0" | "HV" | "P0" | "XX" => 500,
            _ => 400,
        },
    }
}
