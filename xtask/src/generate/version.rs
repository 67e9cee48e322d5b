//! Versions of the contract.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Result};
use serde::{Serialize, Serializer};

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
        Ok(Self {
            contract: of("contract_version")?,
            oldest_client: of("oldest_client")?,
        })
    }
}
