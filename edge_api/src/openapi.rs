//! The OpenAPI 3.1 document of the service, built from the table of routes and the contract.
//!
//! * [`route`]: one route of the table, with the operation that it calls.
//! * [`arguments`]: what the contract does not say of an argument: a sentence, and the values that are accepted.
//! * [`schemas`]: the composite types of the contract, and the shapes of answers.
//! * [`refusals`]: the problems with which a request may be answered, by status.
//! * [`by_hand`]: the routes that call no operation of the table, [`webhook`] and [`operator`] among them, in the frame of
//!   [`open`].
//! * [`headers`] of answers and [`parameters`] of requests that many share.
//! * [`examples`]: answers of a real database.

mod arguments;
mod by_hand;
mod examples;
mod headers;
mod open;
mod operator;
mod parameters;
mod refusals;
mod route;
mod schemas;
mod webhook;

use serde_json::{Map, Value, json};

use crate::contract::Contract;
use crate::routes::Route;
use refusals::Refusals;

const DESCRIPTION: &str = "\
Live-auction streams: their life, tokens for Agora, viewers, chat and moderation. Each route calls the \
operation of the database that its operationId names and passes the database's JSON on, so a request and the same call \
through `supabase.rpc` have the same answer.\n\n\
Arguments that are unknown, missing, malformed or given twice are refused with `invalid_argument`; `field` names the \
argument. Ids have their hyphens, integers no fraction, times an offset (RFC 3339); no text holds the character NUL. \
Refusals are problems of RFC 9457; clients decide by `code`.";

/// The sections, in their order.
const TAGS: &[(&str, &str)] = &[
    ("streams", "The life of a stream, from start to end."),
    ("tokens", "Agora tokens of hosts and viewers."),
    ("viewers", "Joining, leaving and heartbeats."),
    ("chat", "Messages, what was missed, and what was read."),
    (
        "moderation",
        "Mutes, bans, deletions, pins, blocked terms, reports.",
    ),
    ("users", "What is stored of a user. For the service alone."),
    ("service", "The service itself, and Agora's notices."),
];

/// The document for a table of routes.
pub fn document(table: &[Route], contract: &Contract) -> Value {
    let mut refusals = Refusals::default();
    let mut paths = Map::new();
    for route in table {
        if let Some(operation) = contract.operation(route.operation) {
            let described = route::describe(route, operation, contract, &mut refusals);
            insert(
                &mut paths,
                route.path,
                route.verb.method().as_str(),
                described,
            );
        }
    }
    for (path, method, described) in by_hand::routes(contract, &mut refusals) {
        insert(&mut paths, path, method, described);
    }
    let tags = TAGS
        .iter()
        .map(|(name, description)| json!({"name": name, "description": description}));
    let responses = refusals.into_components();
    let schemas = schemas::components(&json!([paths, responses]));
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "edge_api",
            "version": contract.version,
            "summary": "HTTP service of live-auction streams",
            "description": DESCRIPTION,
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": "/", "description": "the host that serves this document"}],
        "tags": tags.collect::<Value>(),
        "security": [{"access_token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "access_token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The access token of a signed-in user, or the service role's key, which acts for anybody. \
                        The names in a requirement are the roles that are let in.",
                },
                "agora_signature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Agora-Signature-V2",
                    "description": "HMAC-SHA256 of the raw body in hexadecimal, by the secret of Agora's notification service.",
                },
            },
            "parameters": parameters::components(),
            "headers": headers::components(),
            "responses": responses,
            "schemas": schemas,
        },
    })
}

fn insert(paths: &mut Map<String, Value>, path: &str, method: &str, described: Value) {
    let item = paths.entry(path).or_insert_with(|| json!({}));
    item[method.to_lowercase()] = described;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::ROUTES;

    #[test]
    fn every_argument_has_a_sentence_and_every_sentence_an_argument() {
        let mut named = std::collections::BTreeSet::new();
        for route in ROUTES {
            let operation = Contract::get().operation(route.operation);
            let operation = operation.expect("an operation");
            for parameter in &operation.parameters {
                let found = arguments::find(operation.name, parameter.name);
                let (position, _) = found.unwrap_or_else(|| {
                    panic!(
                        "{} of {} has no description",
                        parameter.name, operation.name
                    )
                });
                named.insert(position);
            }
        }
        assert_eq!(
            named.len(),
            arguments::COUNT,
            "a description is of no argument: {named:?}"
        );
    }

    #[test]
    fn every_route_has_an_example_or_no_answer() {
        for route in ROUTES {
            assert!(
                examples::of(route.operation).is_some(),
                "{}",
                route.operation
            );
        }
    }

    #[test]
    fn a_route_stands_in_a_section() {
        for route in ROUTES {
            let tag = route::tag(route.path);
            assert!(TAGS.iter().any(|(name, _)| *name == tag), "{route:?}");
        }
    }
}
