//! Tests of the answers to failed requests.

use super::*;

fn of(sqlstate: &str) -> u16 {
    status(sqlstate, "", ApiRole::Authenticated)
}

#[test]
fn custom_codes_are_their_own_status() {
    assert_eq!(of("PT409"), 409);
    assert_eq!(of("PT429"), 429);
    assert_eq!(of("PTabc"), 500);
    assert_eq!(of("PT999"), 500);
}

#[test]
fn a_denied_permission_is_401_for_anon_and_403_for_others() {
    assert_eq!(status("42501", "", ApiRole::Anon), 401);
    assert_eq!(of("42501"), 403);
    assert_eq!(status("42501", "", ApiRole::ServiceRole), 403);
}

#[test]
fn states_map_as_postgrest_maps_them() {
    for (sqlstate, expected) in [
        ("08006", 503),
        ("0L000", 403),
        ("21000", 500),
        ("22023", 400),
        ("22P02", 400),
        ("23502", 400),
        ("23503", 409),
        ("23505", 409),
        ("25006", 405),
        ("25001", 500),
        ("28000", 403),
        ("40001", 500),
        ("40P01", 500),
        ("42883", 404),
        ("42P01", 404),
        ("42P17", 500),
        ("42703", 400),
        ("53300", 503),
        ("53400", 500),
        ("54000", 500),
        ("55P03", 500),
        ("57014", 500),
        ("57P01", 503),
        ("P0001", 400),
        ("P0002", 500),
        ("XX000", 500),
    ] {
        assert_eq!(of(sqlstate), expected, "{sqlstate}");
    }
}

#[test]
fn a_write_without_where_is_a_bad_request() {
    let message = "UPDATE requires a WHERE clause";
    assert_eq!(status("21000", message, ApiRole::Anon), 400);
}

#[test]
fn a_bad_token_is_told_from_an_expired_one() {
    let code = |error: TokenError| RestError::Token(error).status_and_code().1.to_owned();
    assert_eq!(code(TokenError::Expired { seconds_ago: 1 }), "PGRST303");
    assert_eq!(code(TokenError::Signature), "PGRST301");
    assert_eq!(code(TokenError::Malformed), "PGRST301");
}
