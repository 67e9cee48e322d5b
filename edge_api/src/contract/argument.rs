//! Values of arguments, which never show a text when they are printed.

use std::fmt;

use jiff::Timestamp;
use serde_json::value::RawValue;
use uuid::Uuid;

/// The value of an argument.
#[derive(Clone, PartialEq)]
pub enum Argument {
    Null,
    Uuid(Uuid),
    Uuids(Vec<Uuid>),
    Text(String),
    Texts(Vec<String>),
    Integer(i32),
    Bigint(i64),
    Double(f64),
    Boolean(bool),
    Timestamptz(Timestamp),
    Json(JsonText),
}

/// Well-formed JSON as its author wrote it: no digit and no key is lost.
#[derive(Clone, PartialEq, Eq)]
pub struct JsonText(String);

impl JsonText {
    pub fn new(json: &RawValue) -> Self {
        Self(json.get().to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Texts are messages and reasons: they are counted, never shown. JSON may hold any of them.
impl fmt::Debug for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Uuid(id) => write!(f, "{id}"),
            Self::Uuids(ids) => write!(f, "{ids:?}"),
            Self::Text(text) => write!(f, "text of {} bytes", text.len()),
            Self::Texts(texts) => write!(f, "{} texts", texts.len()),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Bigint(number) => write!(f, "{number}"),
            Self::Double(number) => write!(f, "{number}"),
            Self::Boolean(truth) => write!(f, "{truth}"),
            Self::Timestamptz(time) => write!(f, "{time}"),
            Self::Json(json) => write!(f, "{json:?}"),
        }
    }
}

impl fmt::Debug for JsonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JSON of {} bytes", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::ArgumentType;

    #[test]
    fn a_printed_argument_shows_no_text() {
        for (argument_type, json) in [
            (ArgumentType::Text, r#""my card is 4111""#),
            (ArgumentType::Texts, r#"["my card is 4111"]"#),
            (ArgumentType::Json, r#"[{"pin": 4111}]"#),
            (ArgumentType::Jsonb, r#"{"pin": 4111}"#),
        ] {
            let json: &RawValue = serde_json::from_str(json).expect("JSON");
            let argument = argument_type.from_json(json).expect("an argument");
            let printed = format!("{argument:?}");
            assert!(!printed.contains("4111"), "{printed}");
        }
    }
}
