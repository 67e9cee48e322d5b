//! Decoding of tokens of the older version 006, and verification against a certificate.
//!
//! Such tokens are read, never minted: they hold channel and user only as checksums, and their
//! signature covers both without a border between them, so that `room1`, `23` and `room12`, `3` are
//! signed alike.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Crc;
use subtle::ConstantTimeEq;

use super::decode_error::DecodeError;
use super::reader::Reader;
use super::signature::{SIGNATURE_BYTES, hmac_sha256};
use super::{AppId, Certificate};

/// The content of a token of version 006. Nothing of it is proven before [`DecodedToken006::verify`], and
/// neither judges whether the token has expired.
#[derive(Clone, PartialEq, Eq)]
pub struct DecodedToken006 {
    pub app_id: AppId,
    /// Unix seconds.
    pub expires_at: u32,
    pub salt: u32,
    /// Their times are Unix seconds here, and 0 means as long as the token. Ids as in the RTC service of
    /// version 007, and 1000 for the login to RTM.
    pub privileges: Vec<Privilege006>,
    channel_checksum: u32,
    user_checksum: u32,
    signature: [u8; SIGNATURE_BYTES],
    message: Vec<u8>,
}

/// One privilege of a token of version 006.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Privilege006 {
    pub id: u16,
    /// Unix seconds; 0 means as long as the token.
    pub expires_at: u32,
}

const VERSION: &str = "006";

const APP_ID_BYTES: usize = 32;

/// Ordinary tokens have up to 160 characters; all ids that ever existed would take 400.
const MAX_TEXT_BYTES: usize = 1024;

/// Reads a token of version 006. It never panics.
pub fn decode_006(token: &str) -> Result<DecodedToken006, DecodeError> {
    let text = token.strip_prefix(VERSION).ok_or(DecodeError::Version)?;
    if text.len() > MAX_TEXT_BYTES {
        return Err(DecodeError::TooLarge);
    }
    let (app_id, base64) = text
        .split_at_checked(APP_ID_BYTES)
        .ok_or(DecodeError::Truncated)?;
    let app_id = AppId::parse(app_id).map_err(|_| DecodeError::AppId)?;
    let content = STANDARD.decode(base64).map_err(|_| DecodeError::Base64)?;

    let mut reader = Reader::new(&content);
    let signature = reader
        .bytes()?
        .try_into()
        .map_err(|_| DecodeError::Signature)?;
    let channel_checksum = reader.u32()?;
    let user_checksum = reader.u32()?;
    let message = reader.bytes()?;
    if !reader.rest().is_empty() {
        return Err(DecodeError::TrailingBytes);
    }

    let mut reader = Reader::new(message);
    let salt = reader.u32()?;
    let expires_at = reader.u32()?;
    let privileges = (0..reader.u16()?)
        .map(|_| {
            Ok(Privilege006 {
                id: reader.u16()?,
                expires_at: reader.u32()?,
            })
        })
        .collect::<Result<_, _>>()?;
    if !reader.rest().is_empty() {
        return Err(DecodeError::TrailingBytes);
    }
    Ok(DecodedToken006 {
        app_id,
        expires_at,
        salt,
        privileges,
        channel_checksum,
        user_checksum,
        signature,
        message: message.to_vec(),
    })
}

impl DecodedToken006 {
    /// True when this certificate signed the token for this channel and user, found out in a time that
    /// does not depend on the signature. The user is a uid or an account as text, empty for uid 0; a
    /// token for RTM has the user's name as its channel, and no user.
    pub fn verify(&self, certificate: &Certificate, channel: &str, user: &str) -> bool {
        let signed = [
            self.app_id.as_bytes(),
            channel.as_bytes(),
            user.as_bytes(),
            &self.message,
        ]
        .concat();
        let is_signed = hmac_sha256(certificate.as_bytes(), &signed).ct_eq(&self.signature);
        // Not covered by the signature, but all that keeps `room1`, `23` from being `room12`, `3`.
        let is_for_channel = checksum(channel).ct_eq(&self.channel_checksum);
        let is_for_user = checksum(user).ct_eq(&self.user_checksum);
        (is_signed & is_for_channel & is_for_user).into()
    }
}

impl fmt::Debug for DecodedToken006 {
    /// Without the signature and what it covers.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DecodedToken006")
            .field("app_id", &self.app_id)
            .field("expires_at", &self.expires_at)
            .field("privileges", &self.privileges)
            .finish_non_exhaustive()
    }
}

/// CRC-32 as in zlib; of an empty text 0.
fn checksum(text: &str) -> u32 {
    let mut crc = Crc::new();
    crc.update(text.as_bytes());
    crc.sum()
}

#[cfg(test)]
mod tests;
