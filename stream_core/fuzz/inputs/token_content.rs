//! A fuzz input read as the content of a token: it is read or refused, without a panic.
//!
//! Behind Base64 and zlib, which a fuzzer would hardly get through by itself.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use stream_core::agora::{Certificate, decode, decode_006};

/// True when the bytes were read as the content of a token of either version.
pub fn play(content: &[u8]) -> bool {
    let certificate = Certificate::parse("5CFd2fd1755d40ecb72977518be15d3b").unwrap();
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(content).unwrap();
    let zlib = encoder.finish().unwrap();
    let token = decode(&format!("007{}", STANDARD.encode(zlib)));
    if let Ok(token) = &token {
        token.verify(&certificate);
    }
    let app_id = "970CA35de60c44645bbae8a215061b33";
    let token_006 = decode_006(&format!("006{app_id}{}", STANDARD.encode(content)));
    if let Ok(token) = &token_006 {
        token.verify(&certificate, "room-1", "1");
    }
    token.is_ok() || token_006.is_ok()
}
