//! One route of the table, with the operation that it calls.

use serde_json::{Map, Value, json};

use super::refusals::Refusals;
use super::{arguments, examples, headers, parameters, schemas};
use crate::body::BODY_LIMIT_BYTES;
use crate::contract::{Contract, Operation, Parameter, Repeat, Rows};
use crate::routes::Route;

/// What the document says of a route.
pub fn describe(
    route: &Route,
    operation: &Operation,
    contract: &Contract,
    refusals: &mut Refusals,
) -> Value {
    let (summary, _) = operation
        .description
        .split_once(". ")
        .unwrap_or((operation.description.trim_end_matches('.'), ""));
    let mut responses = refusals.of_operation(operation, contract, route.verb.has_body());
    let (status, answer) = success(route, operation);
    responses.insert(status.to_owned(), answer);
    if route.version.is_some() {
        let headers = headers::of(headers::POLLED);
        let description = "Nothing has changed since the answer of this entity tag. No body.";
        let unchanged = json!({"description": description, "headers": headers});
        responses.insert("304".to_owned(), unchanged);
    }
    let mut described = json!({
        "operationId": operation.name,
        "summary": summary,
        "description": format!("{}\n\n{}", operation.description, repeat(operation)),
        "tags": [tag(route.path)],
        "security": operation.callers.iter().map(|role| json!({"access_token": [role]})).collect::<Value>(),
        "parameters": arguments_of(route, operation),
        "responses": responses,
    });
    if route.verb.has_body() {
        described["requestBody"] = body(route, operation);
    }
    described
}

/// The section of a path.
pub fn tag(path: &str) -> &'static str {
    let has = |piece: &str| path.split('/').any(|other| other == piece);
    match () {
        () if has("moderation") || has("reports") => "moderation",
        () if has("users") => "users",
        () if has("tokens") => "tokens",
        () if has("viewers") || has("join") || has("heartbeat") || has("heartbeats") => "viewers",
        () if [
            "messages",
            "sync",
            "reads",
            "subscriptions",
            "auction-updates",
        ]
        .into_iter()
        .any(has) =>
        {
            "chat"
        }
        () => "streams",
    }
}

fn repeat(operation: &Operation) -> String {
    match operation.repeat {
        Repeat::Safe => "Safe to repeat when the answer was lost.".to_owned(),
        Repeat::SafeWith(key) => {
            format!("Safe to repeat with the same `{key}` when the answer was lost.")
        }
        Repeat::Unsafe => {
            "Not safe to repeat: ask what is there before sending it again.".to_owned()
        }
    }
}

fn arguments_of(route: &Route, operation: &Operation) -> Value {
    let mut described = parameters::of(parameters::EVERYWHERE);
    if route.version.is_some() {
        described.extend(parameters::of(parameters::KEPT));
    }
    for parameter in &operation.parameters {
        let is_in_path = route.path_parameters().any(|name| name == parameter.name);
        if !is_in_path && route.verb.has_body() {
            continue;
        }
        let argument = arguments::of_parameter(operation.name, parameter);
        let mut entry = json!({
            "name": parameter.name,
            "in": if is_in_path { "path" } else { "query" },
            "required": is_in_path || argument.is_needed,
            "description": argument.description,
            "schema": argument.schema,
        });
        if !is_in_path && let Some(default) = argument.default {
            entry["schema"]["default"] = default;
        }
        described.push(entry);
    }
    described.into()
}

fn body(route: &Route, operation: &Operation) -> Value {
    let limit = route.body_limit_bytes.unwrap_or(BODY_LIMIT_BYTES);
    let described = |description: &str, schema: Value, is_needed: bool| {
        json!({
            "description": format!("{description} At most {} KiB.", limit / 1024),
            "required": is_needed,
            "content": {"application/json": {"schema": schema}},
        })
    };
    if let Some(parameter) = whole_body(route, operation) {
        let argument = arguments::of_parameter(operation.name, parameter);
        return described(argument.description, argument.schema, true);
    }
    let mut properties = Map::new();
    let mut required = Vec::new();
    let in_path: Vec<_> = route.path_parameters().collect();
    let members = operation.parameters.iter();
    for parameter in members.filter(|parameter| !in_path.contains(&parameter.name)) {
        let argument = arguments::of_parameter(operation.name, parameter);
        let mut schema = argument.schema;
        if argument.is_needed {
            required.push(parameter.name);
        } else {
            schemas::allow_null(&mut schema);
        }
        schema["description"] = argument.description.into();
        if let Some(default) = argument.default {
            schema["default"] = default;
        }
        properties.insert(parameter.name.to_owned(), schema);
    }
    let is_needed = !required.is_empty();
    let mut schema =
        json!({"type": "object", "additionalProperties": false, "properties": properties});
    if is_needed {
        schema["required"] = required.into();
    }
    let description = match (
        schema["properties"].as_object().is_some_and(Map::is_empty),
        is_needed,
    ) {
        (true, _) => "Nothing: an empty object, or no body at all.",
        (false, true) => "The arguments.",
        (false, false) => "The arguments; no body at all when none is given.",
    };
    described(description, schema, is_needed)
}

fn whole_body<'a>(route: &Route, operation: &'a Operation) -> Option<&'a Parameter> {
    let position = operation.position(route.whole_body?)?;
    operation.parameters.get(position)
}

fn success(route: &Route, operation: &Operation) -> (&'static str, Value) {
    let headers = match route.version {
        Some(_) => headers::of(headers::POLLED),
        None => headers::of(headers::NOT_STORED),
    };
    if operation.rows == Rows::None {
        return ("204", json!({"description": "Done.", "headers": headers}));
    }
    let item = schemas::of_result(operation.result_type, operation.result_may_be_null);
    let schema = match operation.rows {
        Rows::Many => json!({"type": "array", "items": item}),
        Rows::One | Rows::None => item,
    };
    let mut media = json!({"schema": schema});
    if let Some(example) = examples::of(operation.name) {
        media["example"] = example;
    }
    let answer = json!({
        "description": "The answer of the database.",
        "headers": headers,
        "content": {"application/json": media},
    });
    ("200", answer)
}
