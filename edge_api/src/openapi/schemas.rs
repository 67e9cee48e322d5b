//! Schemas: the composite types of the contract, and those of scalars.

use serde_json::{Map, Value, json};
use stream_core::error::{Category, ErrorCode};

use crate::contract::ArgumentType;

/// JSON Schema of every composite type, generated from the database's catalogue.
const TYPES: &str = include_str!("../../../contract/types.json");

/// No text of Postgres holds NUL.
const TEXT_PATTERN: &str = "^[^\\u0000]*$";

fn types() -> Map<String, Value> {
    let text = TYPES.replace("#/$defs/", "#/components/schemas/");
    let file: Value = serde_json::from_str(&text).unwrap_or_default();
    match file {
        Value::Object(mut file) => match file.remove("$defs") {
            Some(Value::Object(types)) => types,
            _ => Map::new(),
        },
        _ => Map::new(),
    }
}

/// The composites that `used` refers to, directly or by others, and the service's own types.
pub fn components(used: &Value) -> Value {
    let mut types = types();
    types.extend(own());
    let mut kept = Map::new();
    let mut waiting = vec![used.to_string()];
    while let Some(text) = waiting.pop() {
        let names: Vec<String> = types
            .keys()
            .filter(|name| text.contains(&format!("\"#/components/schemas/{name}\"")))
            .cloned()
            .collect();
        for name in names {
            if let Some(schema) = types.remove(&name) {
                waiting.push(schema.to_string());
                kept.insert(name, schema);
            }
        }
    }
    kept.into()
}

/// The schema of an answer, or of one row of it.
pub fn of_result(name: &str, may_be_null: bool) -> Value {
    let mut schema = match name {
        "uuid" => json!({"type": "string", "format": "uuid"}),
        "text" => json!({"type": "string"}),
        "integer" => json!({"type": "integer", "format": "int32"}),
        "bigint" => json!({"type": "integer", "format": "int64"}),
        "double precision" => json!({"type": "number", "format": "double"}),
        "boolean" => json!({"type": "boolean"}),
        "timestamptz" => json!({"type": "string", "format": "date-time"}),
        "json" | "jsonb" => json!({"type": "object"}),
        composite => reference(composite),
    };
    if may_be_null {
        allow_null(&mut schema);
    }
    schema
}

/// The schema of an argument as far as its type decides it.
pub fn of_argument(argument_type: ArgumentType) -> Value {
    match argument_type {
        ArgumentType::Uuid => json!({"type": "string", "format": "uuid"}),
        ArgumentType::Uuids => {
            json!({"type": "array", "items": {"type": "string", "format": "uuid"}})
        }
        ArgumentType::Text => json!({"type": "string", "pattern": TEXT_PATTERN}),
        ArgumentType::Texts => {
            json!({"type": "array", "items": {"type": "string", "pattern": TEXT_PATTERN}})
        }
        ArgumentType::Integer => json!({
            "type": "integer", "format": "int32", "minimum": i32::MIN, "maximum": i32::MAX,
        }),
        ArgumentType::Bigint => json!({
            "type": "integer", "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX,
        }),
        ArgumentType::Double => json!({"type": "number", "format": "double"}),
        ArgumentType::Boolean => json!({"type": "boolean"}),
        ArgumentType::Timestamptz => json!({"type": "string", "format": "date-time"}),
        ArgumentType::Json | ArgumentType::Jsonb => json!({}),
    }
}

/// The values of an enumerated member of a composite, without null.
pub fn values(composite: &str, member: &str) -> Vec<Value> {
    let types = types();
    let member = types
        .get(composite)
        .map(|schema| &schema["properties"][member]);
    let values = member.and_then(|member| member["enum"].as_array());
    let values = values.into_iter().flatten();
    values.filter(|value| !value.is_null()).cloned().collect()
}

pub fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Lets null be a value too.
pub fn allow_null(schema: &mut Value) {
    if schema.get("$ref").is_some() {
        *schema = json!({"anyOf": [schema.take(), {"type": "null"}]});
        return;
    }
    if let Some(name @ Value::String(_)) = schema.get("type").cloned() {
        schema["type"] = json!([name, "null"]);
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.push(Value::Null);
    }
}

/// The types of the service itself.
fn own() -> Map<String, Value> {
    let categories = Category::ALL.iter().map(|category| category.as_str());
    let codes = ErrorCode::ALL.iter().map(|code| code.as_str());
    let recovery = json!({
        "description": "What an app does after the error.",
        "type": "object",
        "required": ["auto_retry", "max_retry_attempts", "retry_delay_ms", "fallback_action", "user_notification"],
        "properties": {
            "auto_retry": {"type": "boolean"},
            "max_retry_attempts": {"type": "integer", "minimum": 0},
            "retry_delay_ms": {"description": "Before the first retry, unless the problem has retry_after_ms.", "type": "integer", "minimum": 0},
            "fallback_action": {"description": "When retrying is over or pointless.", "type": "string"},
            "user_notification": {"type": "boolean"},
        },
    });
    let problem = json!({
        "description": "A refusal: a problem of RFC 9457 with the members of the catalogue.",
        "type": "object",
        "required": ["type", "title", "status", "detail", "code", "category", "recoverable", "recovery", "request_id"],
        "properties": {
            "type": {"description": "Where the code is explained.", "type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"description": "What to do, or what is wrong with this request.", "type": "string"},
            "code": {"description": "What a client decides by.", "type": "string", "enum": codes.clone().collect::<Value>()},
            "category": {"type": "string", "enum": categories.clone().collect::<Value>()},
            "recoverable": {"description": "Whether the same request can succeed later.", "type": "boolean"},
            "field": {"description": "The argument that is refused.", "type": "string"},
            "retry_after_ms": {"type": "integer", "minimum": 0},
            "recovery": {"$ref": "#/components/schemas/recovery_strategy"},
            "request_id": {"description": "The header x-request-id.", "type": "string"},
        },
    });
    let entry = json!({
        "description": "One error of the catalogue.",
        "type": "object",
        "required": ["type", "code", "category", "status", "sqlstate", "recoverable", "title", "hint", "recovery"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "code": {"type": "string", "enum": codes.collect::<Value>()},
            "category": {"type": "string", "enum": categories.collect::<Value>()},
            "status": {"type": "integer"},
            "sqlstate": {"description": "Null: no SQL function raises it.", "type": ["string", "null"]},
            "recoverable": {"type": "boolean"},
            "title": {"type": "string"},
            "hint": {"type": "string"},
            "recovery": {"$ref": "#/components/schemas/recovery_strategy"},
        },
    });
    Map::from_iter([
        ("recovery_strategy".to_owned(), recovery),
        ("problem".to_owned(), problem),
        ("catalogue_entry".to_owned(), entry),
    ])
}
