//! Words of the document as HTML: escaped texts, and schemas in a few words.

use std::fmt::Write;

use serde_json::Value;

/// A schema in words, with links to composite types.
pub fn phrase(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = escaped(reference.rsplit('/').next().unwrap_or(reference));
        return format!("<a href=\"#type-{name}\">{name}</a>");
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        return choices.iter().map(phrase).collect::<Vec<_>>().join(" or ");
    }
    if let Some(values) = schema["enum"].as_array() {
        let values = values
            .iter()
            .map(|value| format!("<code>{}</code>", plain(value)));
        return values.collect::<Vec<_>>().join(", ");
    }
    if let Some(value) = schema.get("const") {
        return format!("<code>{}</code>", plain(value));
    }
    let types: Vec<String> = match &schema["type"] {
        Value::Array(types) => types.iter().map(text).collect(),
        Value::String(name) => vec![escaped(name)],
        _ => vec!["any JSON".to_owned()],
    };
    let mut words = types.join(" or ").replace("array", "list");
    if let Some(items) = schema.get("items") {
        let _ = write!(words, " of {}", phrase(items));
    }
    if let Some(format) = schema["format"].as_str() {
        let _ = write!(words, " ({})", escaped(format));
    }
    let bounds = [
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " elements"),
    ];
    for (least, most, unit) in bounds {
        match (schema.get(least), schema.get(most)) {
            (Some(least), Some(most)) => {
                let _ = write!(words, ", {least} to {most}{unit}");
            }
            (Some(least), None) => {
                let _ = write!(words, ", at least {least}{unit}");
            }
            (None, Some(most)) => {
                let _ = write!(words, ", at most {most}{unit}");
            }
            (None, None) => {}
        }
    }
    words
}

pub fn text(value: &Value) -> String {
    escaped(value.as_str().unwrap_or_default())
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), escaped)
}

/// Paragraphs, between empty lines.
pub fn paragraphs(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    let paragraphs = text.split("\n\n").filter(|paragraph| !paragraph.is_empty());
    paragraphs
        .map(|paragraph| format!("<p>{}</p>", inline(paragraph)))
        .collect()
}

/// Text in which backquotes mark code.
pub fn inline(text: &str) -> String {
    let pieces = text
        .split('`')
        .enumerate()
        .map(|(number, piece)| match number % 2 {
            0 => escaped(piece),
            _ => format!("<code>{}</code>", escaped(piece)),
        });
    pieces.collect()
}

pub fn escaped(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut html, character| {
            match character {
                '&' => html.push_str("&amp;"),
                '<' => html.push_str("&lt;"),
                '>' => html.push_str("&gt;"),
                '"' => html.push_str("&quot;"),
                other => html.push(other),
            }
            html
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_is_said_in_words() {
        for (schema, words) in [
            (
                json!({"type": "integer", "minimum": 1, "maximum": 200}),
                "integer, 1 to 200",
            ),
            (
                json!({"type": ["string", "null"], "format": "uuid"}),
                "string or null (uuid)",
            ),
            (
                json!({"type": "array", "items": {"$ref": "#/components/schemas/viewer"}}),
                "list of <a href=\"#type-viewer\">viewer</a>",
            ),
            (
                json!({"enum": ["mute", null]}),
                "<code>mute</code>, <code>null</code>",
            ),
            (
                json!({"type": "array", "maxItems": 9}),
                "list, at most 9 elements",
            ),
            (json!({}), "any JSON"),
        ] {
            assert_eq!(phrase(&schema), words);
        }
    }
}
