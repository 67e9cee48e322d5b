//! Decoding of tokens of version 007, and verification against a certificate.

use std::fmt;

use subtle::ConstantTimeEq;

use super::decode_error::DecodeError;
use super::envelope::unwrap;
use super::reader::Reader;
use super::signature::{SIGNATURE_BYTES, sign};
use super::{AppId, Certificate};

/// The content of a token of version 007. Nothing of it is proven before [`DecodedToken::verify`], and
/// neither judges whether the token has expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedToken {
    pub app_id: AppId,
    /// Unix seconds.
    pub issued_at: u32,
    /// Seconds after `issued_at`.
    pub expires_in_s: u32,
    pub salt: u32,
    /// In the order of the token.
    pub services: Vec<DecodedService>,
    /// The type of the first service whose layout is not known here. It and the services behind it
    /// are not in `services`; they are still covered by the signature.
    pub unknown_service: Option<u16>,
    signed: SignedContent,
}

/// One service of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedService {
    /// Agora's number: 1 RTC, 2 RTM (Signaling), 3 Streaming, 4 FPA, 5 Chat, 6 FCDN, 7 APaaS,
    /// 9 ConvoAI, 10 STT.
    pub service_type: u16,
    pub privileges: Vec<Privilege>,
    /// The channel (for APaaS the room), where the service has one. `Some("")` is a wildcard.
    pub channel: Option<String>,
    /// The uid or account as text, where the service has one. `Some("")` is a wildcard.
    pub uid: Option<String>,
}

/// One privilege of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Privilege {
    pub id: u16,
    /// Seconds after the token's `issued_at`; 0 means as long as the token.
    pub expires_in_s: u32,
}

/// The original bytes, as the signature covers them.
#[derive(Clone, PartialEq, Eq)]
struct SignedContent {
    signature: [u8; SIGNATURE_BYTES],
    bytes: Vec<u8>,
}

/// Reads a token of version 007. It never panics, and inflates 4 KiB at most.
///
/// Bytes behind the zlib stream or behind the last service are refused: no library writes them,
/// and the former are not signed. A service of unknown layout ends the reading with success, as in
/// Agora's own parsers, since services are sorted by type and new types come last.
pub fn decode(token: &str) -> Result<DecodedToken, DecodeError> {
    let content = unwrap(token)?;
    let mut reader = Reader::new(&content);
    let signature = reader
        .bytes()?
        .try_into()
        .map_err(|_| DecodeError::Signature)?;
    let bytes = reader.rest().to_vec();

    let app_id = AppId::parse(&reader.text()?).map_err(|_| DecodeError::AppId)?;
    let issued_at = reader.u32()?;
    let expires_in_s = reader.u32()?;
    let salt = reader.u32()?;
    let (services, unknown_service) = read_services(&mut reader)?;
    if unknown_service.is_none() && !reader.rest().is_empty() {
        return Err(DecodeError::TrailingBytes);
    }
    let signed = SignedContent { signature, bytes };
    Ok(DecodedToken {
        app_id,
        issued_at,
        expires_in_s,
        salt,
        services,
        unknown_service,
        signed,
    })
}

impl DecodedToken {
    /// True when this certificate signed the token. The time that it takes does not depend on the
    /// signature.
    pub fn verify(&self, certificate: &Certificate) -> bool {
        sign(certificate, self.issued_at, self.salt, &self.signed.bytes)
            .ct_eq(&self.signed.signature)
            .into()
    }
}

impl fmt::Debug for SignedContent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SignedContent(..)")
    }
}

fn read_services(
    reader: &mut Reader<'_>,
) -> Result<(Vec<DecodedService>, Option<u16>), DecodeError> {
    let mut services = Vec::new();
    for _ in 0..reader.u16()? {
        let service_type = reader.u16()?;
        let Some(layout) = Layout::of(service_type) else {
            return Ok((services, Some(service_type)));
        };
        let privileges = read_privileges(reader)?;
        let channel = layout.has_channel.then(|| reader.text()).transpose()?;
        let uid = layout.has_uid.then(|| reader.text()).transpose()?;
        if layout.has_role {
            reader.u16()?;
        }
        services.push(DecodedService {
            service_type,
            privileges,
            channel,
            uid,
        });
    }
    Ok((services, None))
}

fn read_privileges(reader: &mut Reader<'_>) -> Result<Vec<Privilege>, DecodeError> {
    let count = reader.u16()?;
    (0..count)
        .map(|_| {
            Ok(Privilege {
                id: reader.u16()?,
                expires_in_s: reader.u32()?,
            })
        })
        .collect()
}

/// The fields that follow the privileges of a service, in this order.
struct Layout {
    has_channel: bool,
    has_uid: bool,
    has_role: bool,
}

impl Layout {
    /// RTM2 (8) nests lists of its own and is left unknown.
    const fn of(service_type: u16) -> Option<Self> {
        let (has_channel, has_uid, has_role) = match service_type {
            1 | 3 | 6 => (true, true, false),
            2 | 5 => (false, true, false),
            4 | 9 | 10 => (false, false, false),
            7 => (true, true, true),
            _ => return None,
        };
        Some(Self {
            has_channel,
            has_uid,
            has_role,
        })
    }
}

#[cfg(test)]
mod tests;
