//! The signature of a token of version 007.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Certificate;

pub(super) const SIGNATURE_BYTES: usize = 32;

/// Three HMAC-SHA256 in a row. The public values are the keys of the first two, and the secret is
/// the first message: unusual, and what Agora's servers compute.
pub(super) fn sign(
    certificate: &Certificate,
    issued_at: u32,
    salt: u32,
    signed: &[u8],
) -> [u8; SIGNATURE_BYTES] {
    let for_time = hmac_sha256(&issued_at.to_le_bytes(), certificate.as_bytes());
    let for_salt = hmac_sha256(&salt.to_le_bytes(), &for_time);
    hmac_sha256(&for_salt, signed)
}

pub(super) fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; SIGNATURE_BYTES] {
    Hmac::<Sha256>::new_from_slice(key)
        .expect("HMAC accepts keys of every length")
        .chain_update(message)
        .finalize()
        .into_bytes()
        .into()
}
