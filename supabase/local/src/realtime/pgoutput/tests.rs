//! Tests of decoding the messages of Postgres's plugin pgoutput.

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
