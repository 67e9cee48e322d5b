//! A fuzz input read as the text of a token: it is read or refused, without a panic.

use stream_core::agora::{Certificate, decode, decode_006};

/// True when the text that the bytes begin with was read as a token of either version.
pub fn play(bytes: &[u8]) -> bool {
    let text = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let certificate = Certificate::parse("5CFd2fd1755d40ecb72977518be15d3b").unwrap();
    let token = decode(text);
    if let Ok(token) = &token {
        token.verify(&certificate);
    }
    let token_006 = decode_006(text);
    if let Ok(token) = &token_006 {
        token.verify(&certificate, "room-1", "1");
    }
    token.is_ok() || token_006.is_ok()
}
