//! TLS to the database, with the modes of libpq's `sslmode` that make sense for a service.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

/// How a connection is secured, in libpq's words. `allow` is left out: it would prefer clear text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// Clear text always.
    Disable,
    /// TLS where the server offers it, without a look at its certificate; else clear text.
    Prefer,
    /// TLS or no connection. The certificate is verified when an authority is named, as in libpq.
    Require,
    /// The certificate must come from the named authority; for whichever host it was made.
    VerifyCa,
    /// And it must be the host's.
    VerifyFull,
}

/// The text is none of the modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is none of disable, prefer, require, verify-ca and verify-full")]
pub struct UnknownMode;

impl FromStr for TlsMode {
    type Err = UnknownMode;

    fn from_str(mode: &str) -> Result<Self, UnknownMode> {
        Ok(match mode {
            "disable" => Self::Disable,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return Err(UnknownMode),
        })
    }
}

/// The authorities that sign certificates of databases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorities {
    /// A file with certificates in PEM.
    File(PathBuf),
    /// Those that this machine trusts.
    System,
}

/// A reason for which TLS cannot be set up. Completes a sentence that begins with a setting's name.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{}", match .0 {
        TlsMode::Disable => "is disable, which never asks a certificate authority",
        _ => "is prefer, which would fall back to clear text where the certificate is wrong; use verify-full",
    })]
    AuthorityUnused(TlsMode),
    #[error("is verify-ca, which needs a file of the database's authority; or use verify-full")]
    AuthorityMissing,
    #[error(
        "is weaker than verify-full, with which alone the system's authorities make sense: they sign for anybody"
    )]
    SystemTooWeak,
    #[error("holds no certificate that can be read: {}", .0.display())]
    Unreadable(PathBuf),
    #[error("cannot be used: the system has no certificate authorities")]
    NoSystemAuthorities,
    #[error("cannot be used for TLS")]
    Setup(#[from] rustls::Error),
    #[error("cannot be used for TLS")]
    Verifier(#[from] rustls::client::VerifierBuilderError),
}

/// What each new connection does about TLS.
#[derive(Clone)]
pub struct Tls {
    mode: TlsMode,
    pub(super) connect: Option<MakeRustlsConnect>,
}

impl Tls {
    /// Clear text.
    pub const DISABLED: Self = Self {
        mode: TlsMode::Disable,
        connect: None,
    };

    /// Reads the authorities. Without a mode it is `verify-full` where an authority is named, else `prefer`.
    pub fn new(mode: Option<TlsMode>, authorities: Option<&Authorities>) -> Result<Self, TlsError> {
        let mode = mode.unwrap_or(match authorities {
            Some(_) => TlsMode::VerifyFull,
            None => TlsMode::Prefer,
        });
        let connect = match (mode, authorities) {
            (TlsMode::Disable | TlsMode::Prefer, Some(_)) => {
                return Err(TlsError::AuthorityUnused(mode));
            }
            (TlsMode::Require | TlsMode::VerifyCa, Some(Authorities::System)) => {
                return Err(TlsError::SystemTooWeak);
            }
            (TlsMode::VerifyCa, None) => return Err(TlsError::AuthorityMissing),
            (TlsMode::Disable, None) => return Ok(Self::DISABLED),
            (TlsMode::Prefer | TlsMode::Require, None) => unverified()?,
            (TlsMode::Require | TlsMode::VerifyCa, Some(Authorities::File(file))) => {
                any_host(roots_of(file)?)?
            }
            (TlsMode::VerifyFull, Some(Authorities::File(file))) => verified(roots_of(file)?)?,
            (TlsMode::VerifyFull, None | Some(Authorities::System)) => verified(system_roots()?)?,
        };
        Ok(Self {
            mode,
            connect: Some(MakeRustlsConnect::new(connect)),
        })
    }

    /// The driver's part of the mode: whether TLS is asked for, and whether clear text would do.
    pub(super) fn negotiation(&self) -> SslMode {
        match self.mode {
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => SslMode::Require,
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tls({:?})", self.mode)
    }
}

fn roots_of(file: &Path) -> Result<RootCertStore, TlsError> {
    let unreadable = || TlsError::Unreadable(file.to_owned());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|_| unreadable())? {
        let certificate = certificate.map_err(|_| unreadable())?;
        roots.add(certificate).map_err(|_| unreadable())?;
    }
    if roots.is_empty() {
        return Err(unreadable());
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    // One that this library cannot read is no reason to trust none.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(TlsError::NoSystemAuthorities);
    }
    Ok(roots)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn verified(roots: RootCertStore) -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_provider(provider());
    let builder = builder.with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn any_host(roots: RootCertStore) -> Result<ClientConfig, TlsError> {
    let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build()?;
    lenient(Some(chain))
}

fn unverified() -> Result<ClientConfig, TlsError> {
    lenient(None)
}

fn lenient(chain: Option<Arc<WebPkiServerVerifier>>) -> Result<ClientConfig, TlsError> {
    let provider = provider();
    let builder = ClientConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions()?;
    let builder = builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Lenient { chain, provider }));
    Ok(builder.with_no_client_auth())
}

/// Looks at less of a certificate than rustls does by itself. That the server has the certificate's key is verified
/// always: safe from whoever only listens, as `require` promises.
#[derive(Debug)]
struct Lenient {
    /// Verifies the chain, whichever host the certificate was made for; none: any certificate will do.
    chain: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else {
            return Ok(ServerCertVerified::assertion());
        };
        match chain.verify_server_cert(certificate, intermediates, host, ocsp_response, now) {
            // The host is looked at last, after the chain.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
