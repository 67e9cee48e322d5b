//! The Agora certificates: their configuration, and reading them.
//!
//! Each comes from a file that only the server's user may read, or from Supabase Vault. They are read for
//! each token and never kept; no error, log line or setting ever holds one.

mod file;
mod source;
mod vault;

use pgrx::prelude::*;
use stream_core::agora::{AppId, Certificate, Certificates};
use stream_core::error::ErrorCode;

use crate::postgres::caller;
use crate::postgres::column::columns;
use crate::postgres::error::{Failure, Result, or_raise};
use crate::postgres::guc;
use crate::postgres::spi::{self, statements};
use source::CertificateSource;

statements! {
    CONFIGURATION: Read [] -> Configuration,
        "select c.agora_app_id as app_id, c.agora_certificate_secret as certificate_secret,
             c.agora_secondary_certificate_secret as secondary_secret
         from stream.config as c";
}

/// Whether a certificate is configured. Raises when it cannot be used, or without an App ID. The
/// certificate itself is never returned.
#[pg_extern(stable)]
fn check_certificate(is_secondary: Option<bool>) -> bool {
    or_raise(caller::enter_as_owner().and_then(|_| check(is_secondary == Some(true))))
}

fn check(is_secondary: bool) -> Result<bool> {
    let configuration = Configuration::read()?;
    configuration.signing.app_id()?;
    if is_secondary {
        Ok(configuration.secondary()?.is_some())
    } else {
        configuration.signing.primary().map(|_| true)
    }
}

columns! {
    /// The part of the config row that signing a token needs.
    pub struct SigningConfiguration {
        pub app_id: Option<String>,
        pub certificate_secret: String,
    }

    /// The Agora part of the config row.
    pub struct Configuration {
        signing: SigningConfiguration,
        secondary_secret: Option<String>,
    }
}

impl SigningConfiguration {
    pub fn app_id(&self) -> Result<AppId> {
        let refusal = |hint: &str| Failure::with_hint(ErrorCode::NotConfigured, hint);
        let text = self
            .app_id
            .as_deref()
            .ok_or_else(|| refusal("set stream.config.agora_app_id to the Agora App ID"))?;
        AppId::parse(text).map_err(|_| refusal("stream.config.agora_app_id is malformed"))
    }

    pub fn primary(&self) -> Result<Certificate> {
        let source = CertificateSource {
            setting: "pg_stream_ext.agora_certificate_file",
            column: "stream.config.agora_certificate_secret",
        };
        match guc::certificate_file() {
            Some(path) => file::read(&path, &source),
            None => vault::read(&self.certificate_secret, &source),
        }
    }

    pub fn signer(&self) -> Result<Signer> {
        Ok(Signer {
            app_id: self.app_id()?,
            certificate: self.primary()?,
        })
    }
}

impl Configuration {
    pub fn read() -> Result<Self> {
        spi::first(&CONFIGURATION, &[])?.ok_or(Failure::Row("the config row is gone"))
    }

    /// The certificate that only verifies; none unless certificates are being rotated.
    fn secondary(&self) -> Result<Option<Certificate>> {
        let source = CertificateSource {
            setting: "pg_stream_ext.agora_secondary_certificate_file",
            column: "stream.config.agora_secondary_certificate_secret",
        };
        match (guc::secondary_certificate_file(), &self.secondary_secret) {
            (Some(path), _) => file::read(&path, &source).map(Some),
            (None, Some(secret)) => vault::read(secret, &source).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// The certificates that verify tokens. A configured secondary certificate that cannot be used is an error:
    /// without it, valid tokens would be reported as forged.
    pub fn certificates(&self) -> Result<Certificates> {
        Ok(Certificates {
            primary: self.signing.primary()?,
            secondary: self.secondary()?,
        })
    }
}

/// The App ID and the certificate that a token is signed with.
pub struct Signer {
    pub app_id: AppId,
    pub certificate: Certificate,
}
