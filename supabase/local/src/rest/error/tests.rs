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
fn a_missed_function_is_named_with_what_was_given() {
    let missed = |arguments: &[&str], is_post| {
        let error = RestError::NoFunction {
            wanted: Wanted {
                name: "s.f".to_owned(),
                arguments: arguments.iter().map(|name| (*name).to_owned()).collect(),
                is_post,
            },
            hint: None,
        };
        (error.to_string(), error.details().unwrap_or_default())
    };
    let texts = |message: &str, details: &str| (message.to_owned(), details.to_owned());
    assert_eq!(
        missed(&["a", "b"], true),
        texts(
            "Could not find the function s.f(a, b) in the schema cache",
            "Searched for the function s.f with parameters a, b or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache.",
        )
    );
    assert_eq!(
        missed(&["a"], false),
        texts(
            "Could not find the function s.f(a) in the schema cache",
            "Searched for the function s.f with parameter a, but no matches were found in the schema cache.",
        )
    );
    assert_eq!(
        missed(&[], true),
        texts(
            "Could not find the function s.f without parameters in the schema cache",
            "Searched for the function s.f without parameters or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache.",
        )
    );
}
