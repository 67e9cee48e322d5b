//! Defaults of arguments: constants, as SQL and as JSON write them.

use anyhow::{Result, bail};
use serde::Serialize;

/// A constant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Text(String),
}

impl Value {
    /// From an expression as Postgres shows it. Fails for anything but a constant.
    pub fn parse(expression: &str) -> Result<Self> {
        let constant = match expression.rsplit_once("::") {
            Some((constant, type_name)) if !type_name.contains('\'') => constant,
            _ => expression,
        };
        let constant = constant
            .strip_prefix('(')
            .and_then(|inner| inner.strip_suffix(')'))
            .unwrap_or(constant);
        if let Some(text) = constant
            .strip_prefix('\'')
            .and_then(|inner| inner.strip_suffix('\''))
        {
            let text = text.replace("''", "'");
            return Ok(match text.parse() {
                Ok(number) if text.starts_with('-') => Self::Integer(number),
                _ => Self::Text(text),
            });
        }
        match constant {
            "NULL" => Ok(Self::Null),
            "true" => Ok(Self::Boolean(true)),
            "false" => Ok(Self::Boolean(false)),
            number => match number.parse() {
                Ok(number) => Ok(Self::Integer(number)),
                Err(_) => bail!("{expression} is no constant"),
            },
        }
    }

    /// The value as an SQL literal.
    pub fn sql(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Boolean(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Text(value) => literal(value),
        }
    }
}

/// A string constant of SQL.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_read_as_postgres_shows_them() {
        for (expression, value, sql) in [
            ("NULL::timestamp with time zone", Value::Null, "null"),
            ("50", Value::Integer(50), "50"),
            ("'-1'::integer", Value::Integer(-1), "-1"),
            ("true", Value::Boolean(true), "true"),
            ("'it''s'::text", Value::Text("it's".to_owned()), "'it''s'"),
        ] {
            let read = Value::parse(expression).expect("is a constant");
            assert_eq!(read, value);
            assert_eq!(read.sql(), sql);
        }
        assert!(Value::parse("now()").is_err());
        assert!(Value::parse("ARRAY[1, 2]").is_err());
    }
}
