//! Versions of the contract.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use serde::{Serialize, Serializer};
use stream_core::contract::OLDEST_CLIENT;

use crate::cluster::Address;
use crate::database::OWNER;

/// The first number moves with what breaks clients, the second with what is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
}

impl FromStr for Version {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let numbers = text.split_once('.').and_then(|(major, minor)| {
            Some(Self {
                major: major.parse().ok()?,
                minor: minor.parse().ok()?,
            })
        });
        numbers.with_context(|| format!("{text} is no version of two numbers"))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The versions that the server declares.
#[derive(Debug, Clone, Copy)]
pub struct Versions {
    pub contract: Version,
    /// The oldest version whose clients are served.
    pub oldest_client: Version,
}

impl Versions {
    /// Reads the versions from the functions of the hand-written SQL.
    pub fn read(address: &Address, database: &str) -> Result<Self> {
        let of = |function: &str| -> Result<Version> {
            address
                .psql(OWNER, database)
                .run(&format!("select stream_private.{function}()"))
                .and_then(|text| text.parse())
                .with_context(|| format!("stream_private.{function}()"))
        };
        let versions = Self {
            contract: of("contract_version")?,
            oldest_client: of("oldest_client")?,
        };
        versions.agree_with(OLDEST_CLIENT)?;
        Ok(versions)
    }

    /// Heartbeats name the version that is compiled in, everything else the one of the function.
    fn agree_with(&self, compiled: &str) -> Result<()> {
        if self.oldest_client != compiled.parse()? {
            bail!(
                "stream_private.oldest_client() is {} and stream_core::contract::OLDEST_CLIENT {compiled}",
                self.oldest_client
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_sql_and_of_the_extension_must_agree() {
        let versions = Versions {
            contract: "2.3".parse().unwrap(),
            oldest_client: "2.0".parse().unwrap(),
        };
        assert!(versions.agree_with("2.0").is_ok());
        assert!(versions.agree_with("1.0").is_err());
    }
}
