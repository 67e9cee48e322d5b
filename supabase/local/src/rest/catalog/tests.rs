//! Tests of choosing the function that a call names.

use super::*;

fn parameter(name: &str, required: bool) -> Parameter {
    Parameter {
        name: Some(name.to_owned()).filter(|name| !name.is_empty()),
        type_name: "pg_catalog.jsonb".to_owned(),
        shown_type: "jsonb".to_owned(),
        variadic: false,
        required,
    }
}

fn function(parameters: Vec<Parameter>) -> Function {
    Function {
        volatile: true,
        returns_set: false,
        returns_void: false,
        returns_row: false,
        parameters,
    }
}

fn arguments(names: &[&str]) -> Arguments {
    Arguments {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        json: "{}".to_owned(),
        paging: crate::rest::paging::Paging::default(),
    }
}

fn chosen(functions: Vec<Function>, names: &[&str]) -> Result<Function, RestError> {
    let arguments = arguments(names);
    let wanted = Wanted {
        name: "s.f".to_owned(),
        arguments: arguments.names.clone(),
        is_post: true,
    };
    choose(functions, &["ff".to_owned()], wanted, &arguments)
}

#[test]
fn defaults_may_be_left_out_and_the_rest_may_not() {
    let one = function(vec![parameter("a", true), parameter("b", false)]);
    for (names, found) in [
        (&["a"][..], true),
        (&["a", "b"], true),
        (&["b"], false),
        (&["a", "c"], false),
        (&[], false),
    ] {
        let found_one = chosen(vec![one.clone()], names);
        assert_eq!(found_one.is_ok(), found, "{names:?}");
    }
}

#[test]
fn two_functions_that_match_are_ambiguous() {
    let two = vec![
        function(vec![parameter("a", true)]),
        function(vec![parameter("a", true), parameter("b", false)]),
    ];
    assert!(matches!(
        chosen(two.clone(), &["a"]),
        Err(RestError::SeveralFunctions(_))
    ));
    assert!(chosen(two, &["a", "b"]).is_ok());
}

#[test]
fn an_unnamed_json_parameter_takes_what_nothing_else_takes() {
    let two = vec![
        function(vec![parameter("", true)]),
        function(vec![parameter("a", true)]),
    ];
    assert_eq!(chosen(two.clone(), &["a"]).unwrap(), two[1]);
    assert_eq!(chosen(two.clone(), &["z"]).unwrap(), two[0]);
}

#[test]
fn what_is_missed_is_hinted_at_by_parameters_where_the_name_is_right() {
    let missed = |functions, names: &[&str]| match chosen(functions, names) {
        Err(RestError::NoFunction { hint, .. }) => hint,
        other => panic!("{other:?}"),
    };
    let one = vec![function(vec![
        parameter("session_id", true),
        parameter("content", true),
    ])];
    assert_eq!(
        missed(one.clone(), &["session", "content"]).as_deref(),
        Some("Perhaps you meant to call the function s.f(content, session_id)")
    );
    assert_eq!(missed(one, &["zzz"]), None);
}

#[test]
fn functions_of_which_none_is_the_best_are_listed_with_their_types() {
    let two = vec![
        function(vec![parameter("a", true)]),
        function(vec![parameter("a", true), parameter("b", false)]),
    ];
    let message = chosen(two, &["a"]).unwrap_err().to_string();
    assert_eq!(
        message,
        "Could not choose the best candidate function between: s.f(a => jsonb), s.f(a => jsonb, b => jsonb)"
    );
}
