//! Is any text read as a token, or refused, without a panic?

#![no_main]

use libfuzzer_sys::fuzz_target;
use stream_core::agora::{Certificate, decode, decode_006};

fuzz_target!(|text: &str| {
    let certificate = Certificate::parse("5CFd2fd1755d40ecb72977518be15d3b").unwrap();
    if let Ok(token) = decode(text) {
        token.verify(&certificate);
    }
    if let Ok(token) = decode_006(text) {
        token.verify(&certificate, "room-1", "1");
    }
});
