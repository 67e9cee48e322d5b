//! The text of a token of version 007: wrapping and unwrapping its content.
//!
//! The text is `007`, then standard Base64 of a zlib stream (RFC 1950). The wrapping is not signed,
//! and several texts can hold the same content; a text is therefore never a key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::{Decompress, FlushDecompress, Status};

use super::decode_error::DecodeError;
use super::deflate::deflate;

const VERSION: &str = "007";

/// Deflate with a 32 KiB window; default level.
const ZLIB_HEADER: [u8; 2] = [0x78, 0x9C];

/// Ordinary contents have 92 to 384 bytes.
const MAX_CONTENT_BYTES: usize = 4096;

/// The Base64 of an incompressible content of the greatest size, and some.
const MAX_TEXT_BYTES: usize = 6000;

pub(super) fn wrap(content: &[u8]) -> String {
    let mut zlib = Vec::with_capacity(content.len() + content.len() / 8 + 16);
    zlib.extend_from_slice(&ZLIB_HEADER);
    deflate(content, &mut zlib);
    zlib.extend_from_slice(&adler32(content).to_be_bytes());

    let mut text = String::with_capacity(VERSION.len() + zlib.len().div_ceil(3) * 4);
    text.push_str(VERSION);
    STANDARD.encode_string(&zlib, &mut text);
    text
}

/// The content of a token. The zlib stream must be whole, pass its checksum and end with the text.
pub(super) fn unwrap(text: &str) -> Result<Vec<u8>, DecodeError> {
    let base64 = text.strip_prefix(VERSION).ok_or(DecodeError::Version)?;
    if text.len() > MAX_TEXT_BYTES {
        return Err(DecodeError::TooLarge);
    }
    let zlib = STANDARD.decode(base64).map_err(|_| DecodeError::Base64)?;

    // One byte of room beyond the limit tells "as large as allowed" from "larger".
    let mut content = Vec::with_capacity(MAX_CONTENT_BYTES + 1);
    let mut inflater = Decompress::new(true);
    let status = inflater
        .decompress_vec(&zlib, &mut content, FlushDecompress::Finish)
        .map_err(|_| DecodeError::Zlib)?;
    if content.len() > MAX_CONTENT_BYTES {
        return Err(DecodeError::TooLarge);
    }
    if status != Status::StreamEnd {
        return Err(DecodeError::Zlib);
    }
    if inflater.total_in() != zlib.len() as u64 {
        return Err(DecodeError::TrailingBytes);
    }
    Ok(content)
}

fn adler32(bytes: &[u8]) -> u32 {
    /// The largest prime below 2^16.
    const MODULUS: u32 = 65_521;
    /// So many bytes can be summed before 32 bits overflow.
    const CHUNK_BYTES: usize = 5552;

    let (mut sum, mut sum_of_sums) = (1, 0);
    for chunk in bytes.chunks(CHUNK_BYTES) {
        for byte in chunk {
            sum += u32::from(*byte);
            sum_of_sums += sum;
        }
        sum %= MODULUS;
        sum_of_sums %= MODULUS;
    }
    sum_of_sums << 16 | sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(zlib: &[u8]) -> String {
        format!("007{}", STANDARD.encode(zlib))
    }

    fn zlib_of(content: &[u8]) -> Vec<u8> {
        STANDARD.decode(&wrap(content)[3..]).unwrap()
    }

    #[test]
    fn the_checksum_is_adler_32() {
        assert_eq!(adler32(b""), 1);
        assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
        assert_eq!(adler32(&[255; 20_000]), {
            let (a, b) = (0..20_000).fold((1u64, 0u64), |(a, b), _| {
                let a = (a + 255) % 65_521;
                (a, (a + b) % 65_521)
            });
            (b << 16 | a) as u32
        });
    }

    #[test]
    fn a_wrapped_content_comes_back() {
        for content in [&b""[..], b"a", &[0xFF; 4096]] {
            assert_eq!(unwrap(&wrap(content)).as_deref(), Ok(content));
        }
    }

    #[test]
    fn a_small_text_that_inflates_beyond_the_limit_is_too_large() {
        assert_eq!(unwrap(&wrap(&[0; 4097])), Err(DecodeError::TooLarge));
        assert_eq!(unwrap(&wrap(&[0; 1_000_000])), Err(DecodeError::TooLarge));
    }

    #[test]
    fn a_long_text_is_too_large_before_it_is_read() {
        assert_eq!(
            unwrap(&format!("007{}", "!".repeat(6000))),
            Err(DecodeError::TooLarge)
        );
    }

    #[test]
    fn bytes_after_the_zlib_stream_are_refused() {
        let mut zlib = zlib_of(b"content");
        zlib.push(0);
        assert_eq!(unwrap(&text_of(&zlib)), Err(DecodeError::TrailingBytes));
    }

    #[test]
    fn a_damaged_or_truncated_stream_is_refused() {
        let zlib = zlib_of(b"content");
        let mut damaged = zlib.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert_eq!(unwrap(&text_of(&damaged)), Err(DecodeError::Zlib));
        for end in 0..zlib.len() {
            assert_eq!(
                unwrap(&text_of(&zlib[..end])),
                Err(DecodeError::Zlib),
                "{end}"
            );
        }
    }

    #[test]
    fn other_versions_and_other_text_are_refused() {
        assert_eq!(
            unwrap("006970CA35de60c44645bbae8a215061b33IAA="),
            Err(DecodeError::Version)
        );
        assert_eq!(unwrap(""), Err(DecodeError::Version));
        assert_eq!(unwrap("007"), Err(DecodeError::Zlib));
        assert_eq!(unwrap("007not base64"), Err(DecodeError::Base64));
        assert_eq!(
            unwrap(&format!("{}\n", wrap(b"content"))),
            Err(DecodeError::Base64)
        );
    }
}
