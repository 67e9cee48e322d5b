//! Is any content read as that of a token, or refused, without a panic?
//!
//! Behind Base64 and zlib, which a fuzzer would hardly get through by itself.

#![no_main]

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use libfuzzer_sys::fuzz_target;
use stream_core::agora::{Certificate, decode, decode_006};

fuzz_target!(|content: &[u8]| {
    let certificate = Certificate::parse("5CFd2fd1755d40ecb72977518be15d3b").unwrap();
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(content).unwrap();
    let zlib = encoder.finish().unwrap();
    if let Ok(token) = decode(&format!("007{}", STANDARD.encode(zlib))) {
        token.verify(&certificate);
    }
    let app_id = "970CA35de60c44645bbae8a215061b33";
    if let Ok(token) = decode_006(&format!("006{app_id}{}", STANDARD.encode(content))) {
        token.verify(&certificate, "room-1", "1");
    }
});
