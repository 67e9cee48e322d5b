//! The address by which devices of the local network reach this machine, and the certificate under which it serves TLS there.
//!
//! A phone trusts the authority once; its key stays in `.local/`, and by its name constraints it vouches for private
//! addresses alone. Certificates of the server are made anew at each start, for the address of the day.

use std::fs;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};

use crate::local_dir;

/// Ports that stay the same from one start to the next, so that a phone finds what it bookmarked.
pub const PLAIN_PORT: u16 = 54321;
pub const TLS_PORT: u16 = 54443;

/// iOS takes no certificate of a longer life, whoever vouches for it.
const LIFE: Duration = Duration::from_secs(397 * 24 * 3600);
/// For phones whose clock is behind.
const EARLIER: Duration = Duration::from_secs(24 * 3600);

/// Addresses that no packet of the internet is delivered to.
const PRIVATE_NETWORKS: [([u8; 4], [u8; 4]); 5] = [
    ([10, 0, 0, 0], [255, 0, 0, 0]),
    ([127, 0, 0, 0], [255, 0, 0, 0]),
    ([169, 254, 0, 0], [255, 255, 0, 0]),
    ([172, 16, 0, 0], [255, 240, 0, 0]),
    ([192, 168, 0, 0], [255, 255, 0, 0]),
];

/// Where supabase_local listens for devices of the local network, beside its loopback address.
#[derive(Debug, Clone)]
pub struct LocalNetwork {
    pub plain: SocketAddr,
    pub tls: SocketAddr,
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// What a phone has to trust.
    pub authority: PathBuf,
}

impl LocalNetwork {
    /// At an address that the caller names, or that of the route to other networks.
    pub fn prepare(named: Option<IpAddr>) -> Result<Self> {
        let address = match named {
            Some(address) => address,
            None => own_address()?,
        };
        refuse_public(address)?;
        let directory = local_dir::directory("local_network")?;
        let mut network = Self {
            plain: SocketAddr::new(address, PLAIN_PORT),
            tls: SocketAddr::new(address, TLS_PORT),
            certificate: directory.join("server.pem"),
            key: directory.join("server.key"),
            authority: directory.join("authority.pem"),
        };
        network.write_certificates(&directory.join("authority.key"))?;
        Ok(network)
    }

    /// The settings of supabase_local.
    pub fn variables(&self) -> [(&'static str, String); 5] {
        let path = |path: &Path| path.display().to_string();
        [
            ("HOST_LISTEN", self.plain.to_string()),
            ("HOST_TLS_LISTEN", self.tls.to_string()),
            ("HOST_CERTIFICATE_FILE", path(&self.certificate)),
            ("HOST_KEY_FILE", path(&self.key)),
            ("HOST_AUTHORITY_FILE", path(&self.authority)),
        ]
    }

    fn write_certificates(&mut self, authority_key: &Path) -> Result<()> {
        let (authority, certificate) = authority(authority_key, &self.authority)?;
        fs::write(&self.authority, certificate)?;
        let key = KeyPair::generate()?;
        let mut parameters = CertificateParams::new(Vec::new())?;
        parameters.subject_alt_names = vec![SanType::IpAddress(self.tls.ip())];
        parameters
            .distinguished_name
            .push(DnType::CommonName, "pg_stream on the local network");
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.use_authority_key_identifier_extension = true;
        let now = SystemTime::now();
        parameters.not_before = (now - EARLIER).into();
        parameters.not_after = (now - EARLIER + LIFE).into();
        let certificate = parameters.signed_by(&key, &authority)?;
        fs::write(&self.certificate, certificate.pem())?;
        local_dir::write_private(&self.key, key.serialize_pem().as_bytes())
    }
}

/// The authority of this checkout, made once: a phone that trusted it keeps doing so. The certificate of an older one stays
/// as it was written.
fn authority(
    key_file: &Path,
    certificate_file: &Path,
) -> Result<(Issuer<'static, KeyPair>, String)> {
    let mut parameters = CertificateParams::new(Vec::new())?;
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters
        .distinguished_name
        .push(DnType::CommonName, "pg_stream development authority");
    let networks = PRIVATE_NETWORKS
        .map(|(network, mask)| GeneralSubtree::IpAddress(CidrSubnet::V4(network, mask)));
    parameters.name_constraints = Some(NameConstraints {
        // A name is a promise too: it may be none but this machine's.
        permitted_subtrees: networks
            .into_iter()
            .chain([GeneralSubtree::DnsName("localhost".to_owned())])
            .collect(),
        excluded_subtrees: Vec::new(),
    });
    if let (Ok(key), Ok(certificate)) = (
        fs::read_to_string(key_file),
        fs::read_to_string(certificate_file),
    ) {
        let key =
            KeyPair::from_pem(&key).with_context(|| format!("{} is no key", key_file.display()))?;
        return Ok((Issuer::new(parameters, key), certificate));
    }
    let key = KeyPair::generate()?;
    let certificate = parameters.self_signed(&key)?.pem();
    local_dir::write_private(key_file, key.serialize_pem().as_bytes())?;
    Ok((Issuer::new(parameters, key), certificate))
}

/// The address of this machine on the way to other networks. Connecting a UDP socket sends nothing.
fn own_address() -> Result<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    // Of the block for documentation, which nobody has.
    socket
        .connect("192.0.2.1:9")
        .context("this machine has no network; --host=ADDRESS names the address to listen on")?;
    Ok(socket.local_addr()?.ip())
}

/// Whoever reaches the stack can use the demo accounts: it never listens where the internet could reach it.
fn refuse_public(address: IpAddr) -> Result<()> {
    let is_private = match address {
        IpAddr::V4(address) => PRIVATE_NETWORKS.iter().any(|(network, mask)| {
            address
                .octets()
                .iter()
                .zip(mask)
                .map(|(octet, mask)| octet & mask)
                .eq(network.iter().copied())
        }),
        IpAddr::V6(_) => false,
    };
    if !is_private {
        bail!(
            "{address} is no address of a private network (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16): the stack is for \
             development, with accounts whose password everybody knows; --host=ADDRESS names another"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(address: &str) -> bool {
        refuse_public(address.parse().unwrap()).is_err()
    }

    #[test]
    fn stack_is_offered_to_private_networks_alone() {
        for address in [
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.1",
            "192.168.178.20",
            "127.0.0.1",
        ] {
            assert!(!is_refused(address), "{address}");
        }
        for address in [
            "0.0.0.0",
            "8.8.8.8",
            "172.32.0.1",
            "192.169.0.1",
            "100.64.0.1",
            "::",
            "2001:db8::1",
        ] {
            assert!(is_refused(address), "{address}");
        }
    }

    #[test]
    fn authority_stays_the_same_and_servers_are_made_anew() {
        let directory =
            std::env::temp_dir().join(format!("pg_stream_authority_{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let mut network = LocalNetwork {
            plain: "192.168.1.2:1".parse().unwrap(),
            tls: "192.168.1.2:2".parse().unwrap(),
            certificate: directory.join("server.pem"),
            key: directory.join("server.key"),
            authority: directory.join("authority.pem"),
        };
        let mut made = || {
            network
                .write_certificates(&directory.join("authority.key"))
                .unwrap();
            [&network.authority, &network.certificate].map(|file| fs::read_to_string(file).unwrap())
        };
        let [first, second] = [made(), made()];
        fs::remove_dir_all(&directory).unwrap();
        assert_eq!(first[0], second[0]);
        assert_ne!(first[1], second[1]);
    }
}
