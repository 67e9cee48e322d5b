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
mod tests {
    use super::*;

    const COLUMNS: [&str; 9] = [
        "topic",
        "extension",
        "payload",
        "event",
        "private",
        "updated_at",
        "inserted_at",
        "id",
        "binary_payload",
    ];
    const ID: &str = "7a8f3f4e-0000-4000-8000-000000000001";

    fn relation(schema: &str, table: &str) -> Bytes {
        let mut message = b"R".to_vec();
        message.extend_from_slice(&42u32.to_be_bytes());
        message.extend_from_slice(format!("{schema}\0{table}\0d").as_bytes());
        message.extend_from_slice(&(COLUMNS.len() as u16).to_be_bytes());
        for column in COLUMNS {
            message.extend_from_slice(format!("\x01{column}\0").as_bytes());
            message.extend_from_slice(&[0; 8]);
        }
        message.into()
    }

    fn insert(values: [Option<&str>; 9]) -> Bytes {
        let mut message = b"I".to_vec();
        message.extend_from_slice(&42u32.to_be_bytes());
        message.push(b'N');
        message.extend_from_slice(&9u16.to_be_bytes());
        for value in values {
            match value {
                None => message.push(b'n'),
                Some(text) => {
                    message.push(b't');
                    message.extend_from_slice(&(text.len() as u32).to_be_bytes());
                    message.extend_from_slice(text.as_bytes());
                }
            }
        }
        message.into()
    }

    fn values() -> [Option<&'static str>; 9] {
        let time = Some("2026-01-01 00:00:00");
        [
            Some("chat:1"),
            Some("broadcast"),
            Some("{\"a\": 1}"),
            Some("messages"),
            Some("t"),
            time,
            time,
            Some(ID),
            None,
        ]
    }

    fn decoder() -> Decoder {
        let mut decoder = Decoder::default();
        let relation = relation("realtime", "messages_2026_01_01");
        assert_eq!(decoder.decode(&relation), Ok(None));
        decoder
    }

    #[test]
    fn an_insert_into_a_partition_is_a_row() {
        let row = decoder().decode(&insert(values())).unwrap().unwrap();
        assert_eq!(row.id.to_string(), ID);
        assert_eq!(row.topic, "chat:1");
        assert_eq!(row.event, "messages");
        assert!(row.private);
        assert_eq!(row.encoding, Encoding::Json);
        assert_eq!(row.payload, b"{\"a\": 1}");
    }

    #[test]
    fn a_binary_payload_is_its_bytes() {
        let mut binary = values();
        binary[2] = None;
        binary[8] = Some("\\x00ff10");
        let row = decoder().decode(&insert(binary)).unwrap().unwrap();
        assert_eq!(row.encoding, Encoding::Binary);
        assert_eq!(row.payload, [0, 255, 16]);
    }

    #[test]
    fn a_row_without_an_event_or_a_payload_reaches_nobody() {
        for (column, name) in [(2, "payload"), (3, "event"), (4, "private")] {
            let mut missing = values();
            missing[column] = None;
            assert_eq!(
                decoder().decode(&insert(missing)),
                Err(PgoutputError::Missing(name))
            );
        }
    }

    #[test]
    fn other_relations_are_passed_over() {
        let mut decoder = Decoder::default();
        decoder.decode(&relation("public", "messages_x")).unwrap();
        assert_eq!(decoder.decode(&insert(values())), Ok(None));
    }

    #[test]
    fn a_row_before_its_relation_is_an_error() {
        let refused = Decoder::default().decode(&insert(values()));
        assert_eq!(refused, Err(PgoutputError::UnknownRelation));
    }

    #[test]
    fn a_message_cut_short_anywhere_is_an_error() {
        let whole = insert(values());
        for length in 0..whole.len() {
            let cut = whole.slice(..length);
            assert!(decoder().decode(&cut).is_err(), "{length} bytes");
        }
    }
}
