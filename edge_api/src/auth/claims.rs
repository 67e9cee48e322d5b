//! The claims of a token whose signature holds: times, issuer, audience, role and subject.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::error::AuthError;
use crate::caller::Role;
use crate::contract::{json_depth, parse_uuid};

/// The tolerated difference between the clocks of issuer and service; PostgREST allows the same.
pub(super) const LEEWAY_S: u64 = 30;

/// The audience of every token that Supabase Auth gives to a signed-in user.
const USER_AUDIENCE: &str = "authenticated";

/// Postgres reads claims by recursion, and what a user writes into their metadata is among them.
const MAX_DEPTH: usize = 128;

/// The claims that are judged; the database gets all of them, as they were signed. A name that stands
/// there twice is an error (RFC 7519, section 4).
#[derive(Deserialize)]
struct Judged {
    exp: Option<f64>,
    nbf: Option<f64>,
    iat: Option<f64>,
    iss: Option<Value>,
    aud: Option<Audience>,
    role: Option<Value>,
    sub: Option<Value>,
}

/// A string or a list of strings (RFC 7519, section 4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(HashSet<String>),
}

/// What the claims decide.
pub(super) struct Decided {
    pub role: Role,
    /// The user where the role is one of users.
    pub user_id: Option<Uuid>,
    /// Seconds since 1970, the leeway included.
    pub expires_at_s: u64,
}

/// Judges claims as of `now_s`.
pub(super) fn judge(claims: &str, issuer: Option<&str>, now_s: u64) -> Result<Decided, AuthError> {
    let judged: Judged =
        serde_json::from_str(claims).map_err(|_| AuthError::Invalid("malformed claims"))?;
    if json_depth(claims) > MAX_DEPTH {
        return Err(AuthError::Invalid("claims are nested too deeply"));
    }
    let expires_at_s = check_times(&judged, now_s)?;
    if let Some(expected) = issuer
        && judged.iss.as_ref().and_then(Value::as_str) != Some(expected)
    {
        return Err(AuthError::Invalid("issuer"));
    }
    let (role, user_id) = role_of(&judged)?;
    Ok(Decided {
        role,
        user_id,
        expires_at_s,
    })
}

/// Times are numbers of seconds and may have a fraction (RFC 7519, section 2).
fn check_times(judged: &Judged, now_s: u64) -> Result<u64, AuthError> {
    let (now, leeway) = (now_s as f64, LEEWAY_S as f64);
    let expires_at = judged.exp.ok_or(AuthError::Invalid("no exp"))? + leeway;
    if expires_at < now {
        return Err(AuthError::Expired);
    }
    if judged.nbf.is_some_and(|from| from > now + leeway) {
        return Err(AuthError::Invalid("not yet valid"));
    }
    // PostgREST refuses these too.
    if judged.iat.is_some_and(|at| at > now + leeway) {
        return Err(AuthError::Invalid("issued in the future"));
    }
    Ok(expires_at as u64)
}

fn role_of(judged: &Judged) -> Result<(Role, Option<Uuid>), AuthError> {
    match judged.role.as_ref().and_then(Value::as_str) {
        Some("service_role") => Ok((Role::ServiceRole, None)),
        Some("anon") => Err(AuthError::Anonymous),
        Some("authenticated") => {
            let is_for_users = match &judged.aud {
                Some(Audience::One(audience)) => audience == USER_AUDIENCE,
                Some(Audience::Several(audiences)) => audiences.contains(USER_AUDIENCE),
                None => false,
            };
            if !is_for_users {
                return Err(AuthError::Invalid("audience"));
            }
            let subject = judged.sub.as_ref().and_then(Value::as_str);
            let user_id = subject.and_then(|subject| parse_uuid(subject).ok());
            let user_id = user_id.ok_or(AuthError::Invalid("subject"))?;
            Ok((Role::Authenticated, Some(user_id)))
        }
        _ => Err(AuthError::Invalid("role")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use property_seed::config;

    const NOW: u64 = 1_700_000_000;
    const USER: &str = "00000000-0000-4000-8000-000000000001";

    fn judged(times: &str) -> Result<Decided, AuthError> {
        let claims =
            format!(r#"{{"role":"authenticated","aud":"authenticated","sub":"{USER}",{times}}}"#);
        judge(&claims, None, NOW)
    }

    #[test]
    fn each_time_has_thirty_seconds_of_leeway_and_no_more() {
        for (times, expected) in [
            (format!(r#""exp":{}"#, NOW - 30), Ok(())),
            (format!(r#""exp":{}"#, NOW - 31), Err(AuthError::Expired)),
            (format!(r#""exp":{}.5"#, NOW - 30), Ok(())),
            (format!(r#""exp":{NOW},"nbf":{}"#, NOW + 30), Ok(())),
            (
                format!(r#""exp":{NOW},"nbf":{}"#, NOW + 31),
                Err(AuthError::Invalid("not yet valid")),
            ),
            (format!(r#""exp":{NOW},"iat":{}"#, NOW + 30), Ok(())),
            (
                format!(r#""exp":{NOW},"iat":{}"#, NOW + 31),
                Err(AuthError::Invalid("issued in the future")),
            ),
        ] {
            assert_eq!(judged(&times).map(|_| ()), expected, "{times}");
        }
    }

    #[test]
    fn a_time_that_is_none_is_refused() {
        for exp in ["\"soon\"", "{}", "[]", "true", "\"1700000000\""] {
            let malformed = Err(AuthError::Invalid("malformed claims"));
            assert_eq!(judged(&format!(r#""exp":{exp}"#)).map(|_| ()), malformed);
        }
        let absent = Err(AuthError::Invalid("no exp"));
        for times in [r#""exp":null"#, r#""nbf":1"#] {
            assert_eq!(judged(times).map(|_| ()), absent);
        }
        assert_eq!(judged(r#""exp":-5"#).map(|_| ()), Err(AuthError::Expired));
    }

    #[test]
    fn claims_that_stand_there_twice_are_refused() {
        let twice = format!(r#""exp":{NOW},"role":"service_role""#);
        assert_eq!(
            judged(&twice).map(|_| ()),
            Err(AuthError::Invalid("malformed claims"))
        );
    }

    #[test]
    fn nesting_has_a_bound() {
        let nested = |depth: usize| {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            judged(&format!(r#""exp":{NOW},"user_metadata":{open}{close}"#)).is_ok()
        };
        assert!(nested(127));
        assert!(!nested(128));
        assert!(!nested(100_000));
    }

    proptest! {
        #![proptest_config(config(256))]

        /// Whatever is signed, nothing panics, and only the two roles come out.
        #[test]
        fn any_claims_are_judged_without_a_panic(text in any::<String>(), exp in any::<f64>()) {
            let _ = judge(&text, None, NOW);
            let _ = judged(&format!(r#""exp":{exp:e}"#));
        }
    }
}
