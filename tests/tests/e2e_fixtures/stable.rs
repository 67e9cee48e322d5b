//! Answers with stable ids, times and tokens, so that two runs write the same files.

use std::collections::HashMap;

use serde_json::Value;
use uuid::Uuid;

const TIME: &str = "2026-11-22T15:48:00+00:00";
const UUID_LENGTH: usize = 36;

/// The host's of the first generation; viewers have one at random.
const HOST_UID: i64 = 1;

/// The demo's own ids begin with it and are stable already.
const DEMO: &str = "00000000-0000-4000-8000-";

/// Ids that were met, by their order.
#[derive(Default)]
pub struct Names {
    ids: HashMap<Uuid, usize>,
}

impl Names {
    pub fn stable(&mut self, answer: &Value) -> Value {
        match answer {
            Value::String(text) => Value::from(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.stable(item)).collect(),
            Value::Object(members) => {
                let members = members.iter();
                let members = members.map(|(name, value)| (name.clone(), self.member(name, value)));
                members.collect()
            }
            other => other.clone(),
        }
    }

    fn member(&mut self, name: &str, value: &Value) -> Value {
        match (name, value) {
            ("token", Value::String(_)) => "007eJxTYBBbsMMnKq7p9Hf".into(),
            ("epoch", Value::String(_)) => "1-7a1f".into(),
            ("app_id", Value::String(_)) => "0123456789abcdef0123456789abcdef".into(),
            ("watch_ms" | "cooldown_ms" | "duration_ms", Value::Number(_)) => 2500.into(),
            ("agora_uid" | "uid", Value::Number(uid)) if uid.as_i64() > Some(HOST_UID) => {
                1_000_001.into()
            }
            (_, value) => self.stable(value),
        }
    }

    /// A time, or a text with every id in it renamed.
    fn text(&mut self, text: &str) -> String {
        if is_time(text) {
            return TIME.to_owned();
        }
        let mut stable = String::new();
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            let id = rest.get(..UUID_LENGTH);
            match id.and_then(|id| Uuid::try_parse(id).ok()) {
                Some(id) => {
                    stable.push_str(&self.id(id));
                    rest = &rest[UUID_LENGTH..];
                }
                None => {
                    stable.push(character);
                    rest = &rest[character.len_utf8()..];
                }
            }
        }
        stable
    }

    fn id(&mut self, id: Uuid) -> String {
        let text = id.to_string();
        if text.starts_with(DEMO) {
            return text;
        }
        let next = self.ids.len() + 1;
        let number = self.ids.entry(id).or_insert(next);
        format!("{DEMO}1{number:011}")
    }
}

/// As the database writes a `timestamptz` into JSON.
fn is_time(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|character| {
            if character.is_ascii_digit() {
                '0'
            } else {
                character
            }
        })
        .collect();
    let whole = shape.strip_prefix("0000-00-00T00:00:00");
    whole.is_some_and(|rest| rest.starts_with(['.', '+', 'Z']))
}
