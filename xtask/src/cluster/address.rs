//! The address of a running cluster, for this process and for others.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::psql::Psql;

/// The superuser, named as on Supabase.
pub const SUPERUSER: &str = "supabase_admin";

/// The roles that log in over TCP, each with a password of its own.
pub const LOGIN_ROLES: &[&str] = &[
    SUPERUSER,
    "postgres",
    "authenticator",
    "supabase_auth_admin",
    "realtime_gateway",
];

/// A cluster's socket, port and passwords.
#[derive(Clone, Serialize, Deserialize)]
pub struct Address {
    /// The client programs of the server's version.
    pub bin_dir: PathBuf,
    pub socket_dir: PathBuf,
    pub port: u16,
    /// The passwords by role. They are in force once [`crate::database::prepare`] has made the roles.
    pub passwords: BTreeMap<String, String>,
}

impl Address {
    /// A connection string over TCP. Fails for a role that does not log in.
    pub fn url(&self, role: &str, database: &str) -> Result<String> {
        let password = self
            .passwords
            .get(role)
            .with_context(|| format!("role {role} has no password"))?;
        Ok(format!(
            "postgres://{role}:{password}@127.0.0.1:{}/{database}",
            self.port
        ))
    }

    /// `psql` over the socket, where any role may come in without a password.
    pub fn psql(&self, role: &str, database: &str) -> Psql {
        Psql {
            program: self.bin_dir.join("psql"),
            socket_dir: self.socket_dir.clone(),
            port: self.port,
            role: role.to_owned(),
            database: database.to_owned(),
        }
    }

    /// Makes a database as a copy of another one that nobody is connected to; it belongs to the
    /// role `postgres`, as on Supabase.
    pub fn create_database_from_template(&self, name: &str, template: &str) -> Result<()> {
        let statement = format!(
            "create database {} template {} owner postgres;",
            quoted(name),
            quoted(template)
        );
        self.psql(SUPERUSER, "template1")
            .run(&statement)
            .with_context(|| format!("cannot make the database {name}"))?;
        Ok(())
    }

    /// Makes an empty database in a cluster that has no role but the superuser yet.
    pub fn create_empty_database(&self, name: &str) -> Result<()> {
        let statement = format!("create database {} template template0;", quoted(name));
        self.psql(SUPERUSER, "template1")
            .run(&statement)
            .with_context(|| format!("cannot make the database {name}"))?;
        Ok(())
    }

    /// Makes an empty database of another collation than the cluster's: `locale` is that part of CREATE DATABASE.
    pub fn create_empty_database_of_locale(&self, name: &str, locale: &str) -> Result<()> {
        let statement = format!(
            "create database {} template template0 encoding 'UTF8' {locale} owner postgres;",
            quoted(name)
        );
        self.psql(SUPERUSER, "template1")
            .run(&statement)
            .with_context(|| format!("cannot make the database {name} with {locale}"))?;
        Ok(())
    }

    /// Lets nobody connect to a database any more, so that it can be copied at any time.
    pub fn close_database(&self, name: &str) -> Result<()> {
        let statement = format!(
            "alter database {} with is_template true allow_connections false;",
            quoted(name)
        );
        self.psql(SUPERUSER, "template1")
            .run(&statement)
            .with_context(|| format!("cannot close the database {name}"))?;
        Ok(())
    }

    /// Lets connections to a database again that [`Address::close_database`] has closed.
    pub fn open_database(&self, name: &str) -> Result<()> {
        let statement = format!("alter database {} allow_connections true;", quoted(name));
        self.psql(SUPERUSER, "template1")
            .run(&statement)
            .with_context(|| format!("cannot open the database {name}"))?;
        Ok(())
    }

    /// Removes a database, disconnecting whoever is in it.
    pub fn drop_database(&self, name: &str) -> Result<()> {
        let statement = format!("drop database if exists {} with (force);", quoted(name));
        self.psql(SUPERUSER, "template1")
            .run(&statement)
            .with_context(|| format!("cannot drop the database {name}"))?;
        Ok(())
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address")
            .field("socket_dir", &self.socket_dir)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// An SQL identifier.
fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_without_a_password_has_no_url() {
        let address = Address {
            bin_dir: PathBuf::from("/opt/postgres/bin"),
            socket_dir: PathBuf::from("/tmp/x"),
            port: 5432,
            passwords: BTreeMap::from([("postgres".to_owned(), "abc".to_owned())]),
        };
        assert_eq!(
            address.url("postgres", "d").unwrap(),
            "postgres://postgres:abc@127.0.0.1:5432/d"
        );
        assert!(address.url("anon", "d").is_err());
    }

    #[test]
    fn quote_in_an_identifier_is_doubled() {
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
    }
}
