//! The App ID and the certificate of an Agora project.

use std::fmt;

/// The public id of an Agora project: 32 hexadecimal characters, their case kept as given, since
/// Agora signs and compares them as text.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AppId([u8; 32]);

/// The secret of an Agora project. It is never shown: its `Debug` is blank, it has no `Display`, no
/// comparison and no accessor outside this module.
#[derive(Clone)]
pub struct Certificate([u8; 32]);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an app id has 32 hexadecimal characters")]
pub struct AppIdError;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a certificate has 32 hexadecimal characters")]
pub struct CertificateError;

impl AppId {
    pub fn parse(text: &str) -> Result<Self, AppIdError> {
        hexadecimal(text.as_bytes()).map(Self).ok_or(AppIdError)
    }

    pub fn as_str(&self) -> &str {
        // `parse` admits ASCII only.
        str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Certificate {
    pub fn parse(text: &str) -> Result<Self, CertificateError> {
        hexadecimal(text.as_bytes())
            .map(Self)
            .ok_or(CertificateError)
    }

    /// The 32 characters as Agora signs with them, not the 16 bytes that they spell.
    pub(super) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for AppId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("AppId")
            .field(&self.as_str())
            .finish()
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Certificate(..)")
    }
}

fn hexadecimal(text: &[u8]) -> Option<[u8; 32]> {
    let characters = <[u8; 32]>::try_from(text).ok()?;
    characters
        .iter()
        .all(u8::is_ascii_hexdigit)
        .then_some(characters)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIXED_CASE: &str = "0123456789abcdefABCDEF0123456789";

    #[test]
    fn an_app_id_keeps_its_case() {
        assert_eq!(AppId::parse(MIXED_CASE).unwrap().as_str(), MIXED_CASE);
    }

    #[test]
    fn anything_but_32_hexadecimal_characters_is_refused() {
        let too_long = format!("{MIXED_CASE}0");
        let padded = format!(" {}", &MIXED_CASE[1..]);
        let not_hexadecimal = format!("g{}", &MIXED_CASE[1..]);
        for text in ["", &MIXED_CASE[1..], &too_long, &padded, &not_hexadecimal] {
            assert_eq!(AppId::parse(text), Err(AppIdError), "{text:?}");
            assert!(Certificate::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_certificate_is_not_shown_by_debug() {
        let certificate = Certificate::parse(MIXED_CASE).unwrap();
        assert_eq!(format!("{certificate:?}"), "Certificate(..)");
        assert_eq!(
            format!("{:#?}", Some(certificate))
                .matches(MIXED_CASE)
                .count(),
            0
        );
    }
}
