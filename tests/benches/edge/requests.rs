//! The requests of the measured routes, as bytes.

use std::io::Write as _;

use uuid::Uuid;

/// The words of every message.
pub const CONTENT: &str = "Is the blue one still there? I would take two.";

pub fn write_heartbeat(request: &mut Vec<u8>, token: &str, session: Uuid) {
    write_post(
        request,
        format_args!("/v1/streams/{session}/heartbeat"),
        token,
        "{}",
    );
}

pub fn write_message(request: &mut Vec<u8>, token: &str, session: Uuid) {
    let body = format!(r#"{{"content":"{CONTENT}","id":"{}"}}"#, Uuid::new_v4());
    write_post(
        request,
        format_args!("/v1/streams/{session}/messages"),
        token,
        &body,
    );
}

pub fn write_buyer_token(request: &mut Vec<u8>, token: &str, session: Uuid) {
    let body = format!(r#"{{"channel_id":"{session}"}}"#);
    write_post(request, format_args!("/v1/tokens/buyer"), token, &body);
}

/// What an app's HTTP client sends, without the headers that nobody reads.
fn write_post(request: &mut Vec<u8>, path: std::fmt::Arguments<'_>, token: &str, body: &str) {
    write!(
        request,
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("a Vec takes everything");
}
