//! A call of a SQL function, apart from the way it is sent.

use std::fmt;
use std::time::SystemTime;

use serde_json::Value;
use uuid::Uuid;

/// One call of a function of the schema `stream`. Names are constants of this program, so an
/// implementation may put them into a statement or a path; values are parameters always.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub function: &'static str,
    pub access: Access,
    pub rows: Rows,
    /// By name; every argument of the function, so that each function has one statement.
    pub arguments: Vec<(&'static str, Argument)>,
}

/// What the transaction of a call may do. PostgREST derives the same from the function's volatility.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    ReadOnly,
    ReadWrite,
}

/// How many rows a function returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// One value: its JSON is the answer.
    One,
    /// A set: a JSON array, in the order of the function, is the answer.
    Many,
}

/// The value of an argument; `None` is SQL's null.
#[derive(Clone, PartialEq)]
pub enum Argument {
    Uuid(Option<Uuid>),
    Uuids(Vec<Uuid>),
    Text(Option<String>),
    Integer(Option<i32>),
    Bigint(Option<i64>),
    Boolean(Option<bool>),
    Timestamp(Option<SystemTime>),
    Json(Value),
}

impl Call {
    pub(super) fn reading(function: &'static str) -> Self {
        Self {
            function,
            access: Access::ReadOnly,
            rows: Rows::One,
            arguments: Vec::new(),
        }
    }

    pub(super) fn writing(function: &'static str) -> Self {
        Self {
            access: Access::ReadWrite,
            ..Self::reading(function)
        }
    }

    pub(super) fn set(mut self) -> Self {
        self.rows = Rows::Many;
        self
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<Argument>) -> Self {
        self.arguments.push((name, value.into()));
        self
    }
}

/// Texts are messages and reasons: they are counted, never shown. JSON may hold any of them.
impl fmt::Debug for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(value) => write!(f, "{value:?}"),
            Self::Uuids(values) => write!(f, "{values:?}"),
            Self::Text(None) => f.write_str("None"),
            Self::Text(Some(text)) => write!(f, "Some(text of {} bytes)", text.len()),
            Self::Integer(value) => write!(f, "{value:?}"),
            Self::Bigint(value) => write!(f, "{value:?}"),
            Self::Boolean(value) => write!(f, "{value:?}"),
            Self::Timestamp(value) => write!(f, "{value:?}"),
            Self::Json(Value::Array(items)) => write!(f, "array of {} items", items.len()),
            Self::Json(_) => f.write_str("json"),
        }
    }
}

impl From<String> for Argument {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<String>> for Argument {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<i32> for Argument {
    fn from(number: i32) -> Self {
        Self::Integer(Some(number))
    }
}

impl From<Option<i32>> for Argument {
    fn from(number: Option<i32>) -> Self {
        Self::Integer(number)
    }
}

impl From<i64> for Argument {
    fn from(number: i64) -> Self {
        Self::Bigint(Some(number))
    }
}

impl From<Option<i64>> for Argument {
    fn from(number: Option<i64>) -> Self {
        Self::Bigint(number)
    }
}

impl From<Option<bool>> for Argument {
    fn from(truth: Option<bool>) -> Self {
        Self::Boolean(truth)
    }
}

impl From<Value> for Argument {
    fn from(json: Value) -> Self {
        Self::Json(json)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_printed_call_shows_no_text() {
        let call = Call::writing("send_message").with("content", "my card is 4111".to_owned());
        let printed = format!("{call:?}");
        assert!(!printed.contains("4111"), "{printed}");
        assert!(printed.contains("15 bytes"), "{printed}");

        for json in [json!([{"pin": 4111}]), json!({"pin": 4111})] {
            let printed = format!("{:?}", Call::writing("heartbeats").with("items", json));
            assert!(!printed.contains("4111"), "{printed}");
        }
    }
}
