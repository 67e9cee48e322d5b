//! Arguments and answers as the driver writes and reads them.

use std::error::Error;

use bytes::BytesMut;
use serde_json::value::RawValue;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};

use crate::contract::{Argument, ArgumentType, JsonText};

type Failure = Box<dyn Error + Sync + Send>;

/// The type that a parameter of a function is declared with.
pub(super) fn type_of(argument_type: ArgumentType) -> Type {
    match argument_type {
        ArgumentType::Uuid => Type::UUID,
        ArgumentType::Uuids => Type::UUID_ARRAY,
        ArgumentType::Text => Type::TEXT,
        ArgumentType::Texts => Type::TEXT_ARRAY,
        ArgumentType::Integer => Type::INT4,
        ArgumentType::Bigint => Type::INT8,
        ArgumentType::Double => Type::FLOAT8,
        ArgumentType::Boolean => Type::BOOL,
        ArgumentType::Timestamptz => Type::TIMESTAMPTZ,
        ArgumentType::Json => Type::JSON,
        ArgumentType::Jsonb => Type::JSONB,
    }
}

impl ToSql for Argument {
    /// A value of another type than the database's is an error: contract and database differ.
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Uuid(value) => value.to_sql_checked(ty, out),
            Self::Uuids(values) => values.to_sql_checked(ty, out),
            Self::Text(value) => value.to_sql_checked(ty, out),
            Self::Texts(values) => values.to_sql_checked(ty, out),
            Self::Integer(value) => value.to_sql_checked(ty, out),
            Self::Bigint(value) => value.to_sql_checked(ty, out),
            Self::Double(value) => value.to_sql_checked(ty, out),
            Self::Boolean(value) => value.to_sql_checked(ty, out),
            Self::Timestamptz(value) => value.to_sql_checked(ty, out),
            Self::Json(value) => value.to_sql_checked(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl ToSql for JsonText {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        if *ty == Type::JSONB {
            // The version of jsonb's binary form.
            out.extend_from_slice(&[1]);
        }
        out.extend_from_slice(self.as_str().as_bytes());
        Ok(IsNull::No)
    }

    accepts!(JSON, JSONB);
    to_sql_checked!();
}

/// The one value of a row, as the database wrote it.
pub(super) fn answer_of(row: &Row) -> Result<Box<RawValue>, tokio_postgres::Error> {
    let answer = row.try_get::<_, Option<Answer>>(0)?;
    Ok(answer.map_or_else(|| RawValue::NULL.to_owned(), |Answer(json)| json))
}

struct Answer(Box<RawValue>);

impl<'a> FromSql<'a> for Answer {
    fn from_sql(_: &Type, bytes: &'a [u8]) -> Result<Self, Failure> {
        let json = String::from_utf8(bytes.to_vec())?;
        Ok(Self(RawValue::from_string(json)?))
    }

    accepts!(JSON);
}
