//! Rows of realtime.messages out of pgoutput: relations and inserts, values in text format.

use std::collections::HashMap;

use axum::body::Bytes;
use uuid::Uuid;

use crate::realtime::frame::Encoding;

/// The columns of a row that its subscribers are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub id: Uuid,
    pub topic: String,
    pub event: String,
    pub private: bool,
    pub encoding: Encoding,
    pub payload: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PgoutputError {
    #[error("a message of the stream is cut short")]
    Short,
    #[error("a name in the stream is not UTF-8")]
    Name,
    #[error("a row arrived before its relation")]
    UnknownRelation,
    #[error("realtime.messages lacks column {0}")]
    NoColumn(&'static str),
    #[error("column {0} of realtime.messages cannot be read")]
    Value(&'static str),
    #[error("column {0} of a row is null, so it reaches nobody")]
    Missing(&'static str),
}

/// Remembers the relations of one stream.
#[derive(Default)]
pub struct Decoder {
    relations: HashMap<u32, Option<Columns>>,
}

/// The positions of the columns in a relation that is a partition of realtime.messages.
struct Columns {
    id: usize,
    topic: usize,
    event: usize,
    private: usize,
    payload: usize,
    binary_payload: Option<usize>,
}

impl Decoder {
    /// Reads one message of the stream: a row when it is an insert into realtime.messages.
    pub fn decode(&mut self, message: &Bytes) -> Result<Option<Row>, PgoutputError> {
        let mut reader = Reader(message);
        match reader.u8()? {
            b'R' => {
                let (oid, columns) = relation(&mut reader)?;
                self.relations.insert(oid, columns);
                Ok(None)
            }
            b'I' => {
                let oid = reader.u32()?;
                match self.relations.get(&oid) {
                    None => Err(PgoutputError::UnknownRelation),
                    Some(None) => Ok(None),
                    Some(Some(columns)) => row(&mut reader, columns).map(Some),
                }
            }
            // Updates, deletes and the rest reach nobody, as on the real server.
            _ => Ok(None),
        }
    }
}

fn relation(reader: &mut Reader<'_>) -> Result<(u32, Option<Columns>), PgoutputError> {
    let oid = reader.u32()?;
    let schema = reader.text()?;
    let table = reader.text()?;
    let _replica_identity = reader.u8()?;
    let mut names = Vec::new();
    for _ in 0..reader.u16()? {
        let _key = reader.u8()?;
        names.push(reader.text()?);
        let _type = reader.u32()?;
        let _modifier = reader.u32()?;
    }
    if schema != "realtime" || !(table == "messages" || table.starts_with("messages_")) {
        return Ok((oid, None));
    }
    let find = |name| names.iter().position(|column| *column == name);
    let need = |name| find(name).ok_or(PgoutputError::NoColumn(name));
    let columns = Columns {
        id: need("id")?,
        topic: need("topic")?,
        event: need("event")?,
        private: need("private")?,
        payload: need("payload")?,
        binary_payload: find("binary_payload"),
    };
    Ok((oid, Some(columns)))
}

fn row(reader: &mut Reader<'_>, columns: &Columns) -> Result<Row, PgoutputError> {
    if reader.u8()? != b'N' {
        return Err(PgoutputError::Short);
    }
    let mut values = Vec::new();
    for _ in 0..reader.u16()? {
        values.push(match reader.u8()? {
            b't' => {
                let length = reader.u32()? as usize;
                Some(reader.take(length)?)
            }
            _ => None,
        });
    }
    let value = |index: usize| values.get(index).copied().flatten();
    let text = |index, name| {
        let bytes = value(index).ok_or(PgoutputError::Missing(name))?;
        std::str::from_utf8(bytes).map_err(|_| PgoutputError::Value(name))
    };
    let (encoding, payload) = match (
        value(columns.payload),
        columns.binary_payload.and_then(value),
    ) {
        (Some(json), _) => (Encoding::Json, json.to_vec()),
        (None, Some(hex)) => (
            Encoding::Binary,
            bytea(hex).ok_or(PgoutputError::Value("binary_payload"))?,
        ),
        (None, None) => return Err(PgoutputError::Missing("payload")),
    };
    Ok(Row {
        id: Uuid::parse_str(text(columns.id, "id")?).map_err(|_| PgoutputError::Value("id"))?,
        topic: text(columns.topic, "topic")?.to_owned(),
        event: text(columns.event, "event")?.to_owned(),
        private: text(columns.private, "private")? == "t",
        encoding,
        payload,
    })
}

/// `\x` and hex digits, as bytea_output = hex has it.
fn bytea(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text.strip_prefix(b"\\x")?;
    let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    digits
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], PgoutputError> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(PgoutputError::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn u8(&mut self) -> Result<u8, PgoutputError> {
        Ok(self.take(1)?[0])
    }

    fn u16(&mut self) -> Result<u16, PgoutputError> {
        let bytes = self.take(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn u32(&mut self) -> Result<u32, PgoutputError> {
        let bytes = self.take(4)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// A string that ends in a zero byte.
    fn text(&mut self) -> Result<&'a str, PgoutputError> {
        let length = self
            .0
            .iter()
            .position(|byte| *byte == 0)
            .ok_or(PgoutputError::Short)?;
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| PgoutputError::Name)?;
        self.take(1)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests;
