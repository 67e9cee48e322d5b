//! The signature of a notice, verified over its raw bytes.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

/// Lower-case hexadecimal HMAC-SHA256 over the raw body.
pub const SIGNATURE_HEADER: &str = "agora-signature-v2";

/// The older one, HMAC-SHA1. Agora sends both; it is never enough.
pub const SHA1_SIGNATURE_HEADER: &str = "agora-signature";

const SIGNATURE_BYTES: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Absent, malformed, or of other bytes or another secret: the sender does not learn which.
    #[error("no valid signature")]
    Invalid,
    #[error("only the signature of the older kind")]
    Outdated,
}

/// Compares in constant time with what each of the secrets gives; more than one is in use while it
/// is being changed. `has_sha1` says whether the older header came along.
pub fn verify(
    signature: Option<&[u8]>,
    has_sha1: bool,
    body: &[u8],
    secrets: &[&[u8]],
) -> Result<(), SignatureError> {
    let Some(signature) = signature else {
        return Err(if has_sha1 {
            SignatureError::Outdated
        } else {
            SignatureError::Invalid
        });
    };
    let given = parse_hex(signature).ok_or(SignatureError::Invalid)?;
    let mut is_valid = Choice::from(0);
    for secret in secrets {
        is_valid |= sign(secret, body).ct_eq(&given);
    }
    if is_valid.into() {
        Ok(())
    } else {
        Err(SignatureError::Invalid)
    }
}

fn sign(secret: &[u8], body: &[u8]) -> [u8; SIGNATURE_BYTES] {
    Hmac::<Sha256>::new_from_slice(secret)
        .expect("HMAC accepts keys of every length")
        .chain_update(body)
        .finalize()
        .into_bytes()
        .into()
}

fn parse_hex(text: &[u8]) -> Option<[u8; SIGNATURE_BYTES]> {
    if text.len() != 2 * SIGNATURE_BYTES {
        return None;
    }
    let mut bytes = [0; SIGNATURE_BYTES];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

const fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        b'A'..=b'F' => Some(character - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use property_seed::config;

    /// Agora's documented sample.
    const BODY: &[u8] = br#"{"eventMs":1560408533119,"eventType":10,"noticeId":"4eb720f0-8da7-11e9-a43e-53f411c2761f","notifyMs":1560408533119,"payload":{"a":"1","b":2},"productId":1}"#;
    const SIGNATURE: &[u8] = b"6d3320c60b11101395b7fc8f9068748808a0aa1bfa064438e39d1bc2c7d74d99";
    const SHA1_SIGNATURE: &[u8] = b"033c62f40f687675f17f0f41f91a40c71c0f134c";
    const SECRET: &[u8] = b"secret";

    #[test]
    fn agoras_own_sample_is_valid() {
        assert_eq!(verify(Some(SIGNATURE), true, BODY, &[SECRET]), Ok(()));
        let upper = SIGNATURE.to_ascii_uppercase();
        assert_eq!(verify(Some(&upper), false, BODY, &[SECRET]), Ok(()));
    }

    #[test]
    fn either_of_two_secrets_is_enough_and_none_never() {
        for secrets in [[SECRET, b"other"], [b"other", SECRET]] {
            assert_eq!(verify(Some(SIGNATURE), true, BODY, &secrets), Ok(()));
        }
        let refused = verify(Some(SIGNATURE), true, BODY, &[]);
        assert_eq!(refused, Err(SignatureError::Invalid));
    }

    #[test]
    fn the_older_signature_alone_is_outdated_and_no_signature_is_invalid() {
        let refused = verify(None, true, BODY, &[SECRET]);
        assert_eq!(refused, Err(SignatureError::Outdated));
        let refused = verify(None, false, BODY, &[SECRET]);
        assert_eq!(refused, Err(SignatureError::Invalid));
        // Nor does it pass under the newer name.
        let refused = verify(Some(SHA1_SIGNATURE), true, BODY, &[SECRET]);
        assert_eq!(refused, Err(SignatureError::Invalid));
    }

    #[test]
    fn a_malformed_signature_is_invalid() {
        let long = [SIGNATURE, b"00"].concat();
        let spaced = [b" ", &SIGNATURE[1..]].concat();
        for bad in [&b""[..], &SIGNATURE[..63], &long, &spaced, &[0xff; 64]] {
            let refused = verify(Some(bad), false, BODY, &[SECRET]);
            assert_eq!(refused, Err(SignatureError::Invalid), "{bad:?}");
        }
    }

    proptest! {
        #![proptest_config(config(512))]

        #[test]
        fn one_changed_bit_of_body_or_signature_is_noticed(
            at in 0..BODY.len(), in_signature in 0..SIGNATURE.len(), bit in 0..8_u32,
        ) {
            let mut body = BODY.to_vec();
            body[at] ^= 1 << bit;
            prop_assert!(verify(Some(SIGNATURE), true, &body, &[SECRET]).is_err());
            let mut signature = SIGNATURE.to_vec();
            signature[in_signature] ^= 1 << bit;
            let is_same_number = signature.eq_ignore_ascii_case(SIGNATURE);
            prop_assert_eq!(verify(Some(&signature), true, BODY, &[SECRET]).is_ok(), is_same_number);
        }
    }
}
