//! Comparing what real calls return with `contract/`, in every call that a test makes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use tokio_postgres::Error;
use xtask::workspace;

/// The contract of one operation.
struct OperationContract {
    is_set: bool,
    result: Validator,
    /// The common ones included.
    errors: BTreeSet<String>,
}

/// A part of the contract, as it is committed.
///
/// # Panics
///
/// When it is not there or no JSON.
pub fn part(name: &str) -> Value {
    let file = workspace::root().join(format!("contract/{name}.json"));
    let text = fs::read_to_string(&file).expect("the contract is there");
    serde_json::from_str(&text).expect("the contract is JSON")
}

/// # Panics
///
/// When an operation returned what its contract does not allow.
pub fn check_answer(function: &str, rows: &[Value]) {
    let Some(operation) = operations().get(function) else {
        return;
    };
    assert!(
        operation.is_set || rows.len() == 1,
        "{function} returned {} rows",
        rows.len()
    );
    for row in rows {
        if let Err(error) = operation.result.validate(row) {
            panic!(
                "{function} returned what contract/ does not allow at {}: {}",
                error.instance_path(),
                // Messages and tokens are in no log.
                error.masked()
            );
        }
    }
}

/// # Panics
///
/// When an operation was refused with a code of the catalogue that its contract does not name.
pub fn check_refusal(function: &str, error: &Error) {
    let Some(operation) = operations().get(function) else {
        return;
    };
    if let Some(code) = code_of(error) {
        assert!(
            operation.errors.contains(code),
            "{function} was refused with {code}, which contract/ does not name"
        );
    }
}

/// The code of the catalogue; null for what a test's own trigger raised, or a lost connection.
fn code_of(error: &Error) -> Option<&'static str> {
    let error = error.as_db_error()?;
    let detail: Option<Value> = error
        .detail()
        .and_then(|detail| serde_json::from_str(detail).ok());
    let code = match detail.as_ref().and_then(|detail| detail["code"].as_str()) {
        Some(code) => ErrorCode::parse(code)?,
        None => ErrorCode::from_sqlstate(error.code().code())?,
    };
    Some(code.as_str())
}

fn operations() -> &'static BTreeMap<String, OperationContract> {
    static OPERATIONS: OnceLock<BTreeMap<String, OperationContract>> = OnceLock::new();
    OPERATIONS.get_or_init(|| {
        let contract = part("operations");
        let types = part("types");
        let operations = contract["operations"].as_object().expect("an object");
        let read = |(name, operation): (&String, &Value)| {
            let errors = [&operation["errors"], &contract["common_errors"]];
            let read = OperationContract {
                is_set: operation["result"]["set"] == json!(true),
                result: validator(&types, &operation["result"]),
                errors: errors
                    .into_iter()
                    .flat_map(|codes| codes.as_array().expect("a list"))
                    .map(|code| code.as_str().expect("a code").to_owned())
                    .collect(),
            };
            (name.clone(), read)
        };
        operations.iter().map(read).collect()
    })
}

/// Of one row of a result.
fn validator(types: &Value, result: &Value) -> Validator {
    let name = result["type"].as_str().expect("a type");
    let schema = match name {
        "uuid" => json!({"type": "string", "format": "uuid"}),
        "timestamptz" => json!({"type": "string", "format": "date-time"}),
        "integer" | "bigint" => json!({"type": "integer"}),
        "double precision" => json!({"type": "number"}),
        "boolean" => json!({"type": "boolean"}),
        "text" => json!({"type": "string"}),
        "json" | "jsonb" => json!({}),
        // As JSON, a function without a result returns the empty text.
        "void" => json!({"const": ""}),
        composite => json!({"$ref": format!("#/$defs/{composite}")}),
    };
    let schema = if result["null"] == json!(true) {
        json!({"anyOf": [schema, {"type": "null"}], "$defs": types["$defs"]})
    } else {
        json!({"allOf": [schema], "$defs": types["$defs"]})
    };
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .expect("the contract is a schema")
}
