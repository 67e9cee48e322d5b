//! Results, log rows and frames without what is another one in every broadcast: ids, times, tokens.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Members whose content the database made as JSON: their times are in UTC whatever the session says.
const JSON_COLUMNS: &[&str] = &["messages", "pinned", "read", "restrictions", "metadata"];

/// Values that stand for what is another one in every broadcast.
#[derive(Default)]
pub struct Placeholders(BTreeMap<String, String>);

impl Placeholders {
    fn of(&mut self, uuid: &str) -> String {
        let next = format!("<uuid {}>", self.0.len());
        self.0.entry(uuid.to_owned()).or_insert(next).clone()
    }

    pub fn normalise(&mut self, value: &Value, is_json_column: bool) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text, is_json_column)),
            Value::Array(items) => items
                .iter()
                .map(|item| self.normalise(item, is_json_column))
                .collect(),
            Value::Object(members) => {
                let members = members.iter().map(|(name, value)| {
                    let is_inside = is_json_column || JSON_COLUMNS.contains(&name.as_str());
                    let normal = match name.as_str() {
                        "agora_uid" => json!("<uid>"),
                        "uid" if value.as_i64() > Some(1_000_000) => json!("<uid>"),
                        "token" | "epoch" | "version" if value.is_string() => {
                            json!(format!("<{name}>"))
                        }
                        "cooldown_ms" | "retry_after_ms" | "watch_ms" | "oldest_age" => {
                            json!("<span>")
                        }
                        _ => self.normalise(value, is_inside),
                    };
                    (name.clone(), normal)
                });
                Value::Object(members.collect::<Map<_, _>>())
            }
            other => other.clone(),
        }
    }

    fn text(&mut self, text: &str, is_json_column: bool) -> String {
        if Uuid::try_parse(text).is_ok() {
            return self.of(text);
        }
        if let Some((kind, uuid)) = text.split_once(':')
            && Uuid::try_parse(uuid).is_ok()
        {
            return format!("{kind}:{}", self.of(uuid));
        }
        let is_time =
            text.len() > 20 && text.get(4..5) == Some("-") && text.get(10..11) == Some("T");
        let is_utc = text.ends_with("+00:00") || text.ends_with('Z');
        // Of a bid, and always the same.
        if is_time && !text.starts_with("2020-") && (is_utc || !is_json_column) {
            return "<time>".to_owned();
        }
        text.to_owned()
    }
}
