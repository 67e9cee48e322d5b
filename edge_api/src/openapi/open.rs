//! The frame of a route that calls no operation of the table.

use serde_json::{Map, Value, json};
use stream_core::error::ErrorCode;

use super::refusals::Refusals;
use super::{headers, parameters};

/// Any request may be refused with these: for its headers, its rate or the load, or because it took too long.
const EVERYWHERE: &[ErrorCode] = &[
    ErrorCode::InvalidArgument,
    ErrorCode::RateLimited,
    ErrorCode::Overloaded,
    ErrorCode::StatementTimeout,
    ErrorCode::Internal,
];

/// Name, one line and a paragraph.
pub struct Words(pub &'static str, pub &'static str, pub &'static str);

/// A route for everybody, without arguments.
pub fn route(
    refusals: &mut Refusals,
    words: Words,
    codes: impl IntoIterator<Item = ErrorCode>,
    answer: Value,
) -> Value {
    let Words(name, summary, description) = words;
    let codes = codes.into_iter().chain(EVERYWHERE.iter().copied());
    let mut responses: Map<String, Value> = refusals.of_codes(codes, false);
    responses.insert("200".to_owned(), answer);
    json!({
        "operationId": name,
        "summary": summary,
        "description": description,
        "tags": ["service"],
        "security": [],
        "parameters": parameters::of(parameters::EVERYWHERE),
        "responses": responses,
    })
}

/// The same with a parameter of the path that is one of some texts.
pub fn with_path_parameter(
    mut route: Value,
    name: &str,
    description: &str,
    values: impl IntoIterator<Item = &'static str>,
) -> Value {
    let parameter = json!({
        "name": name,
        "in": "path",
        "required": true,
        "description": description,
        "schema": {"type": "string", "enum": values.into_iter().collect::<Vec<_>>()},
    });
    if let Some(parameters) = route["parameters"].as_array_mut() {
        parameters.push(parameter);
    }
    route
}

/// An answer of JSON.
pub fn json_answer(schema: Value) -> Value {
    answer("application/json", schema, &["x-request-id"])
}

pub fn answer(media_type: &str, schema: Value, names: &[&str]) -> Value {
    json!({
        "description": "The answer.",
        "headers": headers::of(names),
        "content": {media_type: {"schema": schema}},
    })
}
