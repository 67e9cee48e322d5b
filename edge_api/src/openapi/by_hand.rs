//! The routes that call no operation of the table: health, the catalogue of errors, the document itself, Agora's
//! notices, and what operators call.

use serde_json::{Value, json};
use stream_core::error::ErrorCode;

use super::open::{self, Words, json_answer};
use super::refusals::Refusals;
use super::{headers, operator, parameters, schemas, webhook};
use crate::contract::Contract;

const READINESS: [ErrorCode; 1] = [ErrorCode::UpstreamUnavailable];

/// Path, method and description of each.
pub fn routes(
    contract: &Contract,
    refusals: &mut Refusals,
) -> Vec<(&'static str, &'static str, Value)> {
    let none = || std::iter::empty::<ErrorCode>();
    let health = Words(
        "get_health",
        "The process answers",
        "Says nothing of the database, whose outage no restart would mend.",
    );
    let readiness = Words(
        "get_readiness",
        "The service can do its work",
        "For balancers: a copy that refuses takes no requests.",
    );
    let errors = Words(
        "list_errors",
        "The catalogue of errors",
        "Problems point here.",
    );
    let error = Words(
        "get_error",
        "One error of the catalogue",
        "What a code means, and what an app does then.",
    );
    let unknown = [ErrorCode::RouteNotFound];
    let entry = || schemas::reference("catalogue_entry");
    let entries = json!({"type": "array", "items": entry()});
    let codes = ErrorCode::ALL.iter().map(|code| code.as_str());
    let one = open::route(refusals, error, unknown, json_answer(entry()));
    let one = open::with_path_parameter(one, "code", "The code.", codes);
    let mut routes = vec![
        (
            "/healthz",
            "get",
            open::route(refusals, health, none(), json_answer(status())),
        ),
        (
            "/readyz",
            "get",
            open::route(refusals, readiness, READINESS, json_answer(ready())),
        ),
        (
            "/v1/errors",
            "get",
            open::route(refusals, errors, none(), json_answer(entries)),
        ),
        ("/v1/errors/{code}", "get", one),
        (
            "/webhooks/agora",
            "post",
            webhook::route(contract, refusals),
        ),
    ];
    routes.extend(documents(refusals));
    routes.extend(operator::routes(refusals));
    routes
}

fn status() -> Value {
    json!({
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"const": "ok"}},
    })
}

fn ready() -> Value {
    json!({
        "type": "object",
        "required": ["status", "contract_version", "oldest_client", "database", "breakers", "has_token_keys"],
        "properties": {
            "status": {
                "description": "Degraded: it serves, but a breaker is not closed, the database has another contract, or keys are missing.",
                "enum": ["ok", "degraded"],
            },
            "database": database(),
            "breakers": {"type": "array", "items": breaker()},
            "has_token_keys": {
                "description": "Whether the keys of access tokens were read.",
                "type": "boolean",
            },
            "contract_version": {"type": "string"},
            "oldest_client": {"description": "The oldest contract that a client may have been built with.", "type": "string"},
        },
    })
}

/// What is installed in the database.
fn database() -> Value {
    json!({
        "type": "object",
        "required": ["extension_version", "contract_version", "contract"],
        "properties": {
            "extension_version": {"type": ["string", "null"]},
            "contract_version": {"type": ["string", "null"]},
            "contract": {
                "description": "The database's contract, next to the one that is built in.",
                "enum": ["same", "older", "newer", "unknown"],
            },
        },
    })
}

fn breaker() -> Value {
    json!({
        "type": "object",
        "required": ["name", "state"],
        "properties": {
            "name": {"type": "string"},
            "state": {"enum": ["CLOSED", "OPEN", "HALF_OPEN"]},
        },
    })
}

/// What is built into the service and kept by its entity tag.
fn documents(refusals: &mut Refusals) -> [(&'static str, &'static str, Value); 2] {
    let mut document = |words, media_type, schema, names| {
        let kept = open::answer(media_type, schema, names);
        let mut route = open::route(refusals, words, [], kept);
        route["responses"]["304"] = json!({
            "description": "The same as the copy with this entity tag. No body.",
            "headers": headers::of(names),
        });
        if let Some(all) = route["parameters"].as_array_mut() {
            all.extend(parameters::of(parameters::KEPT));
        }
        route
    };
    let program = Words("get_openapi", "This document", "OpenAPI 3.1.");
    let people = Words(
        "get_reference",
        "This document for people",
        "One page that needs no other host.",
    );
    let html = "text/html; charset=utf-8";
    [
        (
            "/openapi.json",
            "get",
            document(
                program,
                "application/json",
                json!({"type": "object"}),
                headers::DOCUMENT,
            ),
        ),
        (
            "/docs",
            "get",
            document(people, html, json!({"type": "string"}), headers::PAGE),
        ),
    ]
}
