//! The headers of answers.

use serde_json::{Map, Value, json};

/// Of an answer that nobody may keep.
pub const NOT_STORED: &[&str] = &["x-request-id", "cache-control"];

/// Of an answer that its reader may keep and asks about again.
pub const POLLED: &[&str] = &[
    "x-request-id",
    "cache-control-of-polled",
    "etag-weak",
    "vary",
    "x-poll-interval-ms",
];

/// Of a document that is built into the service.
pub const DOCUMENT: &[&str] = &["x-request-id", "cache-control-of-document", "etag"];

/// Of the page for people.
pub const PAGE: &[&str] = &[
    "x-request-id",
    "cache-control-of-document",
    "etag",
    "content-security-policy",
    "referrer-policy",
    "x-content-type-options",
    "x-frame-options",
];

/// References to headers. What follows `-of-` and `-weak` tells two descriptions of one header apart.
pub fn of(components: &[&str]) -> Value {
    let headers = components.iter().map(|component| {
        let name = component.split("-of-").next().unwrap_or(component);
        let name = name.strip_suffix("-weak").unwrap_or(name);
        let reference = json!({"$ref": format!("#/components/headers/{component}")});
        (name.to_owned(), reference)
    });
    Value::Object(headers.collect())
}

#[rustfmt::skip] // One header, one line.
pub fn components() -> Value {
    let text = || json!({"type": "string"});
    let count = || json!({"type": "integer", "minimum": 1});
    let headers = [
        ("x-request-id", "The id of the request: the caller's own, or a new one.", text()),
        ("cache-control", "Nobody on the way may keep it.", json!({"const": "no-store"})),
        ("cache-control-of-polled", "The reader alone may keep it, and asks with If-None-Match before each use.", json!({"const": "private, no-cache"})),
        ("cache-control-of-document", "May be kept, and is asked for with If-None-Match before each use.", json!({"const": "no-cache"})),
        ("etag", "The version of these bytes.", json!({"type": "string", "pattern": "^\".*\"$"})),
        ("content-security-policy", "The page needs no other host.", text()),
        ("referrer-policy", "Links tell nobody where they stand.", text()),
        ("x-content-type-options", "Bytes are what their type says.", text()),
        ("x-frame-options", "No other page shows this one.", text()),
        ("etag-weak", "The version of the answer. Weak: times in it change without it.", json!({"type": "string", "pattern": "^W/\".*\"$"})),
        ("vary", "Another caller has another answer.", text()),
        ("x-poll-interval-ms", "How long to wait before the next request of this kind, in milliseconds.", count()),
        ("retry-after", "When to send it again, in seconds.", count()),
        ("www-authenticate", "The scheme that is missing, or what is wrong with the token.", text()),
        ("allow", "The methods of this path.", text()),
    ];
    let headers = headers.into_iter().map(|(name, description, schema)| {
        // A version that no tag may hold has none.
        let is_required = name != "etag-weak";
        let header = json!({"description": description, "required": is_required, "schema": schema});
        (name.to_owned(), header)
    });
    Value::Object(Map::from_iter(headers))
}
