//! The OpenAPI document says what the service does: every route, every answer and every refusal.

use std::collections::BTreeSet;
use std::path::Path;
use std::{env, fs};

use axum::body::Body;
use axum::http::{Request, header};
use edge_api::contract::{Contract, Rows};
use edge_api::routes::ROUTES;
use edge_api::routes::health::{LIVENESS_PATH, READINESS_PATH};
use edge_api::upstream::UpstreamError;
use serde_json::json;
use stream_core::error::ErrorCode;

use crate::database::RecordingDatabase;
use crate::described::{assert_described, document, faults, get, response};
use crate::draft::{Draft, operation};
use crate::fixtures::fixtures;
use crate::requests::{request, send, service};

/// The paths of `router.rs` and of the files that it merges, as they stand there.
fn paths_in_source() -> BTreeSet<String> {
    // Not the compiler's: another checkout may share its target directory.
    let package = env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package");
    let source = Path::new(&package).join("src");
    let text = fs::read_to_string(source.join("router.rs")).expect("the router");
    let reference = fs::read_to_string(source.join("routes/reference.rs")).expect("the page");
    [text, reference]
        .iter()
        .flat_map(|text| text.split(".route(").skip(1))
        .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split_once('"'))
        .map(|(path, _)| path)
        .chain([LIVENESS_PATH, READINESS_PATH])
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn every_route_stands_in_the_document_under_the_name_of_its_operation() {
    let document = document().await;
    let by_hand = paths_in_source();
    assert!(by_hand.len() > 5, "{by_hand:?}");
    let of_table = ROUTES.iter().map(|route| route.path.to_owned());
    let expected: BTreeSet<_> = by_hand
        .into_iter()
        .chain(of_table)
        // Parts of the page, which nobody calls.
        .filter(|path| !path.starts_with("/docs/"))
        .collect();
    let paths = document["paths"].as_object().expect("paths");
    let described: BTreeSet<_> = paths.keys().cloned().collect();
    assert_eq!(described, expected);
    for route in ROUTES {
        let method = route.verb.method().as_str().to_lowercase();
        assert_eq!(
            document["paths"][route.path][method]["operationId"],
            route.operation
        );
    }
}

#[tokio::test]
async fn every_answer_of_a_real_database_is_as_described() {
    let document = document().await;
    let mut fixtures = fixtures();
    for route in ROUTES {
        let fixture = fixtures.remove(route.operation).expect("a fixture");
        let draft = Draft::new(route, |_| true);
        let (answer, _) = draft.ask(&fixture).await;
        assert_described(&document, route.path, route.verb.method().as_str(), &answer);
    }
}

#[tokio::test]
async fn every_refusal_of_the_database_is_as_described() {
    let document = document().await;
    let contract = Contract::get();
    for route in ROUTES {
        for name in operation(route)
            .errors
            .iter()
            .chain(&contract.common_errors)
        {
            let code = ErrorCode::parse(name).expect("a code");
            let refused = UpstreamError::Refused {
                code,
                retry_after_ms: Some(1500),
            };
            let database = RecordingDatabase::failing(refused);
            let draft = Draft::new(route, |_| true);
            let answer = send(service(&database), draft.request()).await;
            assert_eq!(answer.json()["code"], *name);
            let mut faults = faults(&document, route.path, route.verb.method().as_str(), &answer);
            // Only some refusals know when to try again; a header more than described is no harm.
            faults.retain(|fault| fault != "header retry-after is not described");
            assert!(faults.is_empty(), "{route:?} {name}: {faults:?}");
        }
    }
}

#[tokio::test]
async fn every_refusal_of_the_service_itself_is_as_described() {
    let document = document().await;
    let failures = [
        UpstreamError::Unavailable {
            reason: "away".into(),
        },
        UpstreamError::Unexpected {
            reason: "odd".into(),
        },
    ];
    for route in ROUTES {
        let method = route.verb.method();
        let ask = async |request| {
            let database = RecordingDatabase::answering("null");
            let answer = send(service(&database), request).await;
            assert!(answer.status.is_client_error(), "{route:?}");
            assert_described(&document, route.path, method.as_str(), &answer);
            answer.status.as_u16()
        };
        let draft = Draft::new(route, |_| true);
        let mut anonymous = draft.request();
        anonymous.headers_mut().remove(header::AUTHORIZATION);
        assert_eq!(ask(anonymous).await, 401);
        if route.verb.has_body() {
            let large = format!(r#"{{"a": "{}"}}"#, "x".repeat(2 << 20));
            assert_eq!(
                ask(request(method.as_str(), &draft.path, Some(&large))).await,
                413
            );
            let mut form = request(method.as_str(), &draft.path, Some("a=b"));
            let value = "application/x-www-form-urlencoded"
                .parse()
                .expect("a value");
            form.headers_mut().insert(header::CONTENT_TYPE, value);
            assert_eq!(ask(form).await, 415);
        }
        let unknown = draft.with("colour", "1").request();
        if route.whole_body.is_none() {
            assert_eq!(ask(unknown).await, 400);
        }
        let other = request("TRACE", &Draft::new(route, |_| true).path, None);
        assert_eq!(ask(other).await, 405);
        for failure in failures.clone() {
            let database = RecordingDatabase::failing(failure);
            let request = Draft::new(route, |_| true).request();
            let answer = send(service(&database), request).await;
            assert!(answer.status.is_server_error(), "{route:?}");
            assert_described(&document, route.path, method.as_str(), &answer);
        }
    }
}

#[tokio::test]
async fn the_routes_by_hand_answer_as_described() {
    let document = document().await;
    for path in [
        "/healthz",
        "/readyz",
        "/v1/errors",
        "/openapi.json",
        "/docs",
    ] {
        assert_described(&document, path, "GET", &get(path).await);
    }
    let one = get("/v1/errors/banned").await;
    assert_described(&document, "/v1/errors/{code}", "GET", &one);
    let none = get("/v1/errors/nonsense").await;
    assert_described(&document, "/v1/errors/{code}", "GET", &none);
    let database = RecordingDatabase::answering("null");
    let notice = request("POST", "/webhooks/agora", Some("{}"));
    let refused = send(service(&database), notice).await;
    assert_eq!(refused.status, 503);
    assert_described(&document, "/webhooks/agora", "POST", &refused);
    let path = "/v1/operator/breakers/database/trip";
    let not_let_in = send(service(&database), request("POST", path, None)).await;
    let template = "/v1/operator/breakers/{name}/trip";
    assert_described(&document, template, "POST", &not_let_in);
}

#[tokio::test]
async fn arguments_have_their_types_ranges_and_sentences() {
    let document = document().await;
    let history = &document["paths"]["/v1/streams/{session_id}/messages"]["get"];
    let parameters = history["parameters"].as_array().expect("parameters");
    let page_size = parameters
        .iter()
        .find(|parameter| parameter["name"] == "page_size");
    let page_size = page_size.expect("an argument");
    assert_eq!(page_size["in"], "query");
    assert_eq!(page_size["required"], false);
    let schema =
        json!({"type": "integer", "format": "int32", "minimum": 1, "maximum": 200, "default": 50});
    assert_eq!(page_size["schema"], schema);

    let send = &document["paths"]["/v1/streams/{session_id}/messages"]["post"];
    let schema = &send["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(schema["required"], json!(["content"]));
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["properties"]["content"]["maxLength"], 2000);
    assert_eq!(
        schema["properties"]["id"]["type"],
        json!(["string", "null"])
    );
    assert_eq!(
        send["security"],
        json!([{"access_token": ["authenticated"]}, {"access_token": ["service_role"]}])
    );
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, described) in item.as_object().expect("methods") {
            for parameter in described["parameters"].as_array().into_iter().flatten() {
                let sentence = &parameter["description"];
                let is_said = parameter.get("$ref").is_some()
                    || sentence.as_str().is_some_and(|text| !text.is_empty());
                assert!(is_said, "{method} {path}: {parameter}");
            }
        }
    }
}

#[tokio::test]
async fn no_reference_leads_nowhere_and_no_component_is_unused() {
    let document = document().await;
    let text = document.to_string();
    for piece in text.split("\"$ref\":\"#").skip(1) {
        let (pointer, _) = piece.split_once('"').expect("a text");
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
    for (kind, components) in document["components"].as_object().expect("components") {
        for name in components.as_object().expect("components").keys() {
            let reference = format!("\"#/components/{kind}/{name}\"");
            let is_scheme = kind == "securitySchemes" && text.contains(&format!("{{\"{name}\":["));
            assert!(is_scheme || text.contains(&reference), "{kind} {name}");
        }
    }
}

#[tokio::test]
async fn the_document_is_kept_by_its_entity_tag() {
    let database = RecordingDatabase::answering("null");
    let service = service(&database);
    for path in ["/openapi.json", "/docs", "/docs/page.css", "/docs/page.js"] {
        let ask = async |tag: &str| {
            let request = Request::get(path).header(header::IF_NONE_MATCH, tag);
            send(
                service.clone(),
                request.body(Body::empty()).expect("a request"),
            )
            .await
        };
        let first = ask("\"other\"").await;
        assert_eq!(
            (first.status.as_u16(), first.header("cache-control")),
            (200, "no-cache")
        );
        let tag = first.header("etag");
        assert!(tag.starts_with('"'), "{tag}");
        let again = ask(tag).await;
        assert_eq!(
            (
                again.status.as_u16(),
                again.body.as_str(),
                again.header("etag")
            ),
            (304, "", tag)
        );
    }
    assert!(database.asked().is_empty());
}

#[tokio::test]
async fn a_description_of_an_operation_without_an_answer_has_no_content() {
    let document = document().await;
    for route in ROUTES {
        if operation(route).rows == Rows::None {
            let method = route.verb.method();
            let described = response(&document, route.path, method.as_str(), 204);
            assert!(described.get("content").is_none(), "{route:?}");
        }
    }
}
