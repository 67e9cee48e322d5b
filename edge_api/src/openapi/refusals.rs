//! The problems with which a request may be answered: one response for each status and set of codes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use stream_core::error::ErrorCode;

use super::headers;
use crate::contract::{Contract, Operation};

/// The refusals of the service itself, before or in place of the database's.
const OF_EVERY_CALL: &[ErrorCode] = &[
    ErrorCode::InvalidArgument,
    ErrorCode::InvalidText,
    ErrorCode::PayloadTooLarge,
    ErrorCode::RateLimited,
    ErrorCode::Overloaded,
    ErrorCode::UpstreamUnavailable,
    ErrorCode::StatementTimeout,
    ErrorCode::Internal,
];

const OF_TOKENS: &[ErrorCode] = &[
    ErrorCode::Unauthenticated,
    ErrorCode::TokenExpired,
    ErrorCode::TokenInvalid,
];

/// A status and the codes that come with it, in the catalogue's order.
type Key = (u16, Vec<&'static str>);

/// Every response that the document refers to.
#[derive(Debug, Default)]
pub struct Refusals(BTreeMap<Key, String>);

impl Refusals {
    /// The responses of an operation, by status.
    pub fn of_operation(
        &mut self,
        operation: &Operation,
        contract: &Contract,
        has_body: bool,
    ) -> Map<String, Value> {
        let names = operation.errors.iter().chain(&contract.common_errors);
        let raised = names.filter_map(|name| ErrorCode::parse(name));
        let own = OF_EVERY_CALL.iter().chain(OF_TOKENS).copied();
        self.of_codes(raised.chain(own), has_body)
    }

    /// The responses of a route by hand, by status.
    pub fn of_codes(
        &mut self,
        codes: impl IntoIterator<Item = ErrorCode>,
        has_body: bool,
    ) -> Map<String, Value> {
        let mut by_status: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
        for code in codes {
            by_status.entry(code.http_status()).or_default().push(code);
        }
        // HTTP's own refusals, whose codes are those of other statuses.
        by_status.insert(405, vec![ErrorCode::RouteNotFound]);
        if has_body {
            by_status.insert(415, vec![ErrorCode::InvalidArgument]);
        }
        let responses = by_status.into_iter();
        responses
            .map(|(status, codes)| {
                let in_order = ErrorCode::ALL.iter().filter(|code| codes.contains(code));
                let key = (status, in_order.map(|code| code.as_str()).collect());
                let name = self.name_of(key);
                let reference = json!({"$ref": format!("#/components/responses/{name}")});
                (status.to_string(), reference)
            })
            .collect()
    }

    fn name_of(&mut self, key: Key) -> &str {
        let of_same_status = self.0.keys().filter(|(status, _)| *status == key.0).count();
        let name = format!("refusal-{}-{}", key.0, of_same_status + 1);
        self.0.entry(key).or_insert(name)
    }

    pub fn into_components(self) -> Value {
        let responses = self.0.into_iter();
        let responses = responses.map(|((status, codes), name)| (name, response(status, &codes)));
        Value::Object(responses.collect())
    }
}

fn response(status: u16, codes: &[&str]) -> Value {
    let sentences = codes.iter().map(|name| {
        let sentence = ErrorCode::parse(name).map_or("", ErrorCode::message);
        format!("`{name}`: {sentence}")
    });
    let description = match status {
        405 => "`route_not_found`: this route exists, but not for this method".to_owned(),
        415 => "`invalid_argument`: the body is not application/json".to_owned(),
        _ => sentences.collect::<Vec<_>>().join("; "),
    };
    let particular = match status {
        401 => "www-authenticate",
        405 => "allow",
        429 | 503 => "retry-after",
        _ => "",
    };
    let particular = Some(particular).filter(|name| !name.is_empty());
    let names: Vec<_> = headers::NOT_STORED
        .iter()
        .copied()
        .chain(particular)
        .collect();
    let headers = headers::of(&names);
    json!({
        "description": format!("{description}."),
        "headers": headers,
        "content": {"application/problem+json": {"schema": {
            "allOf": [
                {"$ref": "#/components/schemas/problem"},
                {"properties": {"status": {"const": status}, "code": {"enum": codes}}},
            ],
        }}},
    })
}
