//! Certificates of an authority that a test makes, and files that a server can read them from.

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::certificate_file::CertificateFile;
use crate::secret;

/// An authority of a test's own, and its certificate in a file.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub file: CertificateFile,
}

/// A server's key and the certificate of it.
pub struct ServerFiles {
    pub key: CertificateFile,
    pub certificate: CertificateFile,
}

impl Authority {
    pub fn new() -> Result<Self> {
        let key = KeyPair::generate()?;
        let mut parameters = CertificateParams::new(Vec::new())?;
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = parameters.self_signed(&key)?;
        let file = CertificateFile::choose()?;
        file.write(certificate.pem().as_bytes(), 0o644)?;
        Ok(Self {
            issuer: Issuer::new(parameters, key),
            file,
        })
    }

    /// A certificate for a host, a name or an address.
    pub fn certify(&self, host: &str) -> Result<ServerFiles> {
        let key = KeyPair::generate()?;
        let parameters = CertificateParams::new(vec![host.to_owned()])?;
        let certificate = parameters.signed_by(&key, &self.issuer)?;
        let text = key.serialize_pem();
        secret::note("a server's key", text.lines().nth(1).unwrap_or_default())?;
        let files = ServerFiles {
            key: CertificateFile::choose()?,
            certificate: CertificateFile::choose()?,
        };
        files.key.write(text.as_bytes(), 0o600)?;
        files
            .certificate
            .write(certificate.pem().as_bytes(), 0o644)?;
        Ok(files)
    }
}

impl ServerFiles {
    /// The settings with which Postgres speaks TLS.
    pub fn settings(&self) -> Vec<String> {
        vec![
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", self.certificate.path().display()),
            format!("ssl_key_file={}", self.key.path().display()),
        ]
    }
}
