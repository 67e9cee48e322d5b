//! The TypeScript type of a JSON Schema.

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Which of the two forms of the same value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As the server writes it: the database's names, instants as text.
    Wire,
    /// As the client hands it out: camelCase, instants as `Date`.
    Named,
}

pub fn members(object: &Value) -> Result<Vec<(&str, &Value)>> {
    let members = object.as_object().context("is no object")?;
    Ok(members
        .iter()
        .map(|(name, value)| (name.as_str(), value))
        .collect())
}

/// The name of a type: `viewer_lease` is `ViewerLease`.
pub fn pascal(name: &str) -> String {
    name.split('_').map(capitalized).collect()
}

/// The name of a member in the client: `host_uid` is `hostUid`.
pub fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |text, word| text + &capitalized(word))
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_ascii_uppercase().to_string() + letters.as_str()
    })
}

/// The name behind `#/$defs/`.
pub fn referenced(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/$defs/")
}

pub fn is_instant(schema: &Value) -> bool {
    schema["format"] == "date-time"
}

/// An object whose members nobody declared: of the application, or by kind.
pub fn is_opaque(schema: &Value) -> bool {
    types_of(schema).contains(&"object") && schema["properties"].is_null()
}

fn types_of(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

pub fn type_of(schema: &Value, form: Form) -> Result<String> {
    if let Some(name) = referenced(schema) {
        return Ok(pascal(name));
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let choices: Result<Vec<_>> = choices.iter().map(|one| type_of(one, form)).collect();
        return Ok(choices?.join(" | "));
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<_> = values.iter().map(literal).collect();
        return Ok(values.join(" | "));
    }
    let kinds = types_of(schema);
    if kinds.is_empty() {
        return Ok("unknown".to_owned());
    }
    let kinds: Result<Vec<_>> = kinds.iter().map(|kind| one(kind, schema, form)).collect();
    Ok(kinds?.join(" | "))
}

fn one(kind: &str, schema: &Value, form: Form) -> Result<String> {
    Ok(match kind {
        "string" if is_instant(schema) && form == Form::Named => "Date".to_owned(),
        "string" => "string".to_owned(),
        "integer" | "number" => "number".to_owned(),
        "boolean" => "boolean".to_owned(),
        "null" => "null".to_owned(),
        "object" => "Record<string, unknown>".to_owned(),
        "array" => {
            let item = type_of(&schema["items"], form)?;
            match (schema["minItems"].as_u64(), schema["maxItems"].as_u64()) {
                (Some(2), Some(2)) => format!("[{item}, {item}]"),
                _ if item.contains(' ') && !item.starts_with('[') => format!("({item})[]"),
                _ => format!("{item}[]"),
            }
        }
        other => bail!("{other} is no type of TypeScript"),
    })
}

fn literal(value: &Value) -> String {
    match value.as_str() {
        Some(text) => format!("'{text}'"),
        None => value.to_string(),
    }
}

/// The description as a comment in front of a member or a type.
pub fn comment(schema: &Value, indent: &str) -> String {
    match schema["description"].as_str() {
        Some(text) if !text.is_empty() => {
            format!("{indent}/** {} */\n", text.replace("*/", "* /"))
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn schemas_become_types_in_both_forms() {
        let instant = json!({"type": ["string", "null"], "format": "date-time"});
        let pairs = json!({"type": "array", "items": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}});
        let choice = json!({"anyOf": [{"$ref": "#/$defs/agora_token"}, {"type": "null"}]});
        let mixed = json!({"type": "array", "items": {"enum": ["a", null]}});
        for (schema, wire, named) in [
            (&instant, "string | null", "Date | null"),
            (&pairs, "[number, number][]", "[number, number][]"),
            (&choice, "AgoraToken | null", "AgoraToken | null"),
            (&mixed, "('a' | null)[]", "('a' | null)[]"),
            (&json!({}), "unknown", "unknown"),
        ] {
            assert_eq!(type_of(schema, Form::Wire).unwrap(), wire);
            assert_eq!(type_of(schema, Form::Named).unwrap(), named);
        }
        assert!(type_of(&json!({"type": "money"}), Form::Wire).is_err());
    }

    #[test]
    fn names_lose_their_underscores() {
        assert_eq!(pascal("viewer_lease"), "ViewerLease");
        assert_eq!(camel("slow_mode_ms"), "slowModeMs");
        assert_eq!(camel("id"), "id");
    }
}
