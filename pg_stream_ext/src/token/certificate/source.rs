//! The settings that name where a certificate is read, and parsing what is read there.

use stream_core::agora::Certificate;
use stream_core::error::ErrorCode;

use crate::postgres::error::{Failure, Result};

/// The setting and the column by which an operator configures a certificate; hints name them.
pub struct CertificateSource {
    pub setting: &'static str,
    pub column: &'static str,
}

/// Parses a certificate; `source` names in the hint where it was read.
pub fn parse(text: &str, source: &str) -> Result<Certificate> {
    Certificate::parse(text.trim()).map_err(|_| {
        Failure::with_hint(
            ErrorCode::CertificateMalformed,
            format!("{source} does not hold 32 hexadecimal digits"),
        )
    })
}
