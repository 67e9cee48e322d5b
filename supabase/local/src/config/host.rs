//! Settings of the listeners for devices of the local network.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Where phones of the local network reach the stand-in, with and without TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostConfig {
    pub plain: SocketAddr,
    pub tls: SocketAddr,
    pub certificate_file: PathBuf,
    pub key_file: PathBuf,
    /// The authority's certificate, which phones fetch to trust it.
    pub authority_file: PathBuf,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum HostSettingError {
    #[error("{0} is not set, and the other HOST_ settings are")]
    Missing(&'static str),
    #[error("{0} is no address with a port")]
    Address(&'static str),
}

const NAMES: [&str; 5] = [
    "HOST_LISTEN",
    "HOST_TLS_LISTEN",
    "HOST_CERTIFICATE_FILE",
    "HOST_KEY_FILE",
    "HOST_AUTHORITY_FILE",
];

impl HostConfig {
    /// None without any of the settings: nothing listens beyond `--listen` then.
    pub fn from_variables(
        variable: &impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, HostSettingError> {
        if NAMES.iter().all(|name| variable(name).is_none()) {
            return Ok(None);
        }
        let text = |name| variable(name).ok_or(HostSettingError::Missing(name));
        let address = |name| {
            text(name)?
                .parse()
                .map_err(|_| HostSettingError::Address(name))
        };
        let [plain, tls, certificate, key, authority] = NAMES;
        Ok(Some(Self {
            plain: address(plain)?,
            tls: address(tls)?,
            certificate_file: text(certificate)?.into(),
            key_file: text(key)?.into(),
            authority_file: text(authority)?.into(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<Option<HostConfig>, HostSettingError> {
        HostConfig::from_variables(&|name: &str| {
            let found = settings.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn without_settings_nothing_listens_on_the_local_network() {
        assert_eq!(read(&[]), Ok(None));
    }

    #[test]
    fn half_of_the_settings_is_refused_and_the_missing_one_named() {
        let half = [("HOST_LISTEN", "192.168.1.2:54321")];
        assert_eq!(
            read(&half),
            Err(HostSettingError::Missing("HOST_TLS_LISTEN"))
        );
        let wrong = [("HOST_LISTEN", "192.168.1.2")];
        assert_eq!(read(&wrong), Err(HostSettingError::Address("HOST_LISTEN")));
    }
}
