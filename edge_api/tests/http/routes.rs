//! Every route of the table calls its operation with the arguments of the request, and passes the
//! database's answer on as it is.

use axum::body::Body;
use axum::http::Request;
use edge_api::contract::Argument;
use edge_api::contract::{ArgumentType, Contract, Parameter, Rows};
use edge_api::routes::ROUTES;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::database::RecordingDatabase;
use crate::draft::{Draft, filled, operation, sample};
use crate::fixtures::{fixture, fixtures};
use crate::requests::{ask, send, service};

/// A value of no type but text, and not of JSON's object.
const MALFORMED: &str = "[true]";

fn is_needed(parameter: &Parameter) -> bool {
    parameter.default.is_none()
}

fn parsed(argument_type: ArgumentType) -> Argument {
    let json: &RawValue = serde_json::from_str(sample(argument_type)).expect("a sample");
    argument_type.from_json(json).expect("a sample of its type")
}

async fn assert_answered(draft: &Draft, is_given: impl Fn(&Parameter) -> bool) {
    let operation = operation(draft.route);
    let fixture = fixture(operation.name);
    let (answer, database) = draft.ask(&fixture).await;
    let (_, call) = database.only_call();
    assert_eq!(call.operation.name, operation.name);
    assert_eq!(call.arguments.len(), operation.parameters.len());
    for (argument, parameter) in call.arguments.iter().zip(&operation.parameters) {
        let is_in_path = draft
            .route
            .path_parameters()
            .any(|name| name == parameter.name);
        let expected = match is_in_path || is_given(parameter) {
            true => parsed(parameter.argument_type),
            false => parameter.default.clone().expect("left out"),
        };
        assert_eq!(
            argument, &expected,
            "{} of {}",
            parameter.name, operation.name
        );
    }
    let kept = match draft.route.version {
        Some(_) => "private, no-cache",
        None => "no-store",
    };
    assert_eq!(answer.header("cache-control"), kept, "{}", operation.name);
    if operation.rows == Rows::None {
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (204, ""));
    } else {
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.body, fixture.trim());
    }
}

#[tokio::test]
async fn every_route_passes_all_arguments_to_its_operation_and_the_answer_back() {
    for route in ROUTES {
        assert_answered(&Draft::new(route, |_| true), |_| true).await;
    }
}

#[tokio::test]
async fn every_argument_that_has_a_default_may_be_left_out() {
    for route in ROUTES {
        assert_answered(&Draft::new(route, is_needed), is_needed).await;
    }
}

#[tokio::test]
async fn a_route_without_needed_arguments_takes_no_body_at_all() {
    for route in ROUTES {
        let draft = Draft::new(route, is_needed);
        if route.verb.has_body() && draft.arguments.is_empty() {
            let method = route.verb.method();
            let (answer, database) = ask("null", method.as_str(), &draft.path, None).await;
            assert_eq!(answer.status, 200, "{route:?}: {}", answer.body);
            assert_eq!(database.only_call().1.operation.name, route.operation);
        }
    }
}

async fn assert_refused(draft: &Draft, name: &str, what: &str) {
    let (answer, database) = draft.ask("null").await;
    let expected = (400, "invalid_argument".to_owned());
    assert_eq!(
        answer.refusal(),
        expected,
        "{:?}: {}",
        draft.route,
        answer.body
    );
    assert_eq!(
        answer.json()["detail"],
        format!("{name} is {what}"),
        "{:?}",
        draft.route
    );
    assert_eq!(answer.json()["field"], name);
    assert!(database.asked().is_empty(), "{:?} was asked", draft.route);
}

#[tokio::test]
async fn an_unknown_argument_is_refused_by_every_route() {
    for route in ROUTES {
        if route.whole_body.is_none() {
            for name in ["colour", "sessionId"] {
                let draft = Draft::new(route, |_| true).with(name, "1");
                assert_refused(&draft, name, "unknown").await;
            }
        }
    }
}

#[tokio::test]
async fn an_argument_that_is_given_twice_is_refused_by_every_route() {
    for route in ROUTES {
        if route.whole_body.is_none() {
            for parameter in &operation(route).parameters {
                let again = sample(parameter.argument_type);
                let draft = Draft::new(route, |_| true).with(parameter.name, again);
                assert_refused(&draft, parameter.name, "given twice").await;
            }
        }
    }
}

#[tokio::test]
async fn a_missing_argument_is_refused_by_every_route() {
    for route in ROUTES {
        let needed = Draft::new(route, is_needed).arguments;
        for (missing, _) in needed.iter().filter(|_| route.whole_body.is_none()) {
            let draft = Draft::new(route, |parameter| parameter.name != missing);
            assert_refused(&draft, missing, "missing").await;
        }
    }
}

#[tokio::test]
async fn a_malformed_argument_is_refused_by_every_route() {
    for route in ROUTES {
        for parameter in &operation(route).parameters {
            let is_any = match parameter.argument_type {
                ArgumentType::Json | ArgumentType::Jsonb => true,
                ArgumentType::Text => !route.verb.has_body(),
                _ => false,
            };
            let name = parameter.name;
            let mut draft = Draft::new(route, |parameter| parameter.name != name);
            if draft.route.path_parameters().any(|other| other == name) {
                let place = format!("{{{name}}}");
                let path = route.path.replace(&place, "nonsense");
                draft.path = filled(path, operation(route));
            } else {
                draft = draft.with(name, MALFORMED);
            }
            if !is_any {
                assert_refused(&draft, name, "malformed").await;
            }
        }
    }
}

#[tokio::test]
async fn an_argument_in_the_query_of_a_route_with_a_body_is_refused() {
    for route in ROUTES.iter().filter(|route| route.verb.has_body()) {
        let mut draft = Draft::new(route, |_| true);
        draft.path.push_str("?reason=spam");
        let what = "in the query; send it in the body";
        assert_refused(&draft, "reason", what).await;
    }
}

#[tokio::test]
async fn a_body_where_the_query_holds_the_arguments_is_refused() {
    for route in ROUTES.iter().filter(|route| !route.verb.has_body()) {
        let draft = Draft::new(route, |parameter| parameter.default.is_none());
        let (answer, database) = draft.ask_with_body("null", r#"{"reason": "spam"}"#).await;
        let expected = (400, "invalid_argument".to_owned());
        assert_eq!(answer.refusal(), expected, "{route:?}");
        assert!(database.asked().is_empty(), "{route:?} was asked");
    }
}

#[test]
fn every_fixture_is_of_an_operation_that_the_service_calls() {
    let routed = ROUTES.iter().map(|route| route.operation);
    let called: std::collections::BTreeSet<_> = routed.chain(["apply_webhook"]).collect();
    let fixtures = fixtures();
    let recorded: std::collections::BTreeSet<_> = fixtures.keys().map(String::as_str).collect();
    assert_eq!(recorded, called);
}

#[tokio::test]
async fn an_answer_passes_byte_for_byte() {
    let answer = r#"{"metadata":{"big":123456789012345678901234567890, "b":2,  "a":1.50}}"#;
    let draft = Draft::new(&ROUTES[0], |_| true);
    assert_eq!(draft.ask(answer).await.0.body, answer);
}

#[tokio::test]
async fn health_is_answered_without_a_token() {
    let ask = async |path: &str| {
        let database = RecordingDatabase::answering("null");
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let answer = send(service(&database), request).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.json()["status"], "ok");
        answer.json()
    };
    assert_eq!(ask("/healthz").await["contract_version"], Value::Null);
    let ready = ask("/readyz").await;
    assert_eq!(ready["contract_version"], Contract::get().version);
    assert_eq!(ready["oldest_client"], Contract::get().oldest_client);
}
