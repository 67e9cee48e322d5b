//! Preparing an empty database: Supabase's schemas, the extension and the whole product.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::cluster::{Address, LOGIN_ROLES, SUPERUSER};
use crate::edition::Edition;
use crate::{hex, secrets, workspace};

/// The role that owns the product's tables.
pub const OWNER: &str = "postgres";

/// What stands in for Supabase's own schemas.
const SUPABASE_FILES: &str = "supabase/local/sql";

/// The one of them that a cluster needs once.
const ROLES_FILE: &str = "_roles.sql";

/// Agora settings of a demo project that does not exist: tokens are well formed, and no call is made.
#[derive(Clone, Serialize, Deserialize)]
pub struct AgoraSettings {
    pub app_id: String,
    pub certificate: String,
}

/// A project of one's own for `cargo x up`: both, or neither.
const AGORA_APP_ID: &str = "AGORA_APP_ID";
const AGORA_APP_CERTIFICATE: &str = "AGORA_APP_CERTIFICATE";

impl AgoraSettings {
    /// Those of the variables `AGORA_APP_ID` and `AGORA_APP_CERTIFICATE`, where they are set.
    pub fn from_environment() -> Result<Option<Self>> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self::of_project(variable(AGORA_APP_ID), variable(AGORA_APP_CERTIFICATE))
    }

    fn of_project(app_id: Option<String>, certificate: Option<String>) -> Result<Option<Self>> {
        let is_agoras = |value: &str| value.len() == 32 && hex::is_lower_case(value);
        match (app_id, certificate) {
            (None, None) => Ok(None),
            (Some(app_id), Some(certificate)) => {
                // Both become part of SQL below.
                if !is_agoras(&app_id) || !is_agoras(&certificate) {
                    bail!(
                        "{AGORA_APP_ID} and {AGORA_APP_CERTIFICATE} are 32 characters of lower-case hex each"
                    );
                }
                Ok(Some(Self {
                    app_id,
                    certificate,
                }))
            }
            _ => bail!("{AGORA_APP_ID} and {AGORA_APP_CERTIFICATE} are set together or not at all"),
        }
    }

    /// Two random values of Agora's form.
    pub fn random() -> Result<Self> {
        Ok(Self {
            app_id: secrets::random_hex(16)?,
            certificate: secrets::random_hex(16)?,
        })
    }
}

impl std::fmt::Debug for AgoraSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AgoraSettings")
            .field("app_id", &self.app_id)
            .finish_non_exhaustive()
    }
}

/// Turns an existing, empty database of a fresh cluster into the local stack's: roles and schemas of
/// Supabase, the passwords, every migration of the chosen edition, the Agora settings, the demo users.
pub fn prepare(address: &Address, database: &str, agora: &AgoraSettings) -> Result<()> {
    bootstrap(address, database)?;
    migrate(address, database, Edition::chosen()?)?;
    set_agora(address, database, agora)?;
    seed(address, database)
}

/// The same for an empty database of a cluster that has the roles and their passwords, with any edition.
pub fn prepare_beside(
    address: &Address,
    database: &str,
    edition: Edition,
    agora: &AgoraSettings,
) -> Result<()> {
    let superuser = address.psql(SUPERUSER, database);
    for file in sql_files(SUPABASE_FILES)? {
        if !name(&file).ends_with(ROLES_FILE) {
            superuser.run_file(&file)?;
        }
    }
    migrate(address, database, edition)?;
    set_agora(address, database, agora)?;
    seed(address, database)
}

/// Roles and schemas of Supabase, and the passwords: an empty database of a fresh cluster gets them.
pub fn bootstrap(address: &Address, database: &str) -> Result<()> {
    let superuser = address.psql(SUPERUSER, database);
    for file in sql_files(SUPABASE_FILES)? {
        superuser.run_file(&file)?;
    }
    // Without this a server would log the passwords, or keep them among the statements that it counts.
    let mut statements = String::from(
        "set log_statement = none;
         set log_min_error_statement = panic;
         set pg_stat_statements.track = none;\n",
    );
    for role in LOGIN_ROLES {
        let password = &address.passwords[*role];
        statements.push_str(&format!("alter role {role} password '{password}';\n"));
    }
    superuser
        .run(&statements)
        .context("cannot set the passwords")?;
    Ok(())
}

/// Applies every migration of an edition, the applications' too, as the role that owns the tables.
pub fn migrate(address: &Address, database: &str, edition: Edition) -> Result<()> {
    let owner = address.psql(OWNER, database);
    for file in migrations(edition)? {
        owner.run_file(&file)?;
    }
    Ok(())
}

/// Puts another edition in the place of the product in a database that has the application's tables and nothing of the product.
pub fn install(address: &Address, database: &str, edition: Edition) -> Result<()> {
    let owner = address.psql(OWNER, database);
    for file in migrations(edition)? {
        if !name(&file).ends_with("_demo_app.sql") {
            owner.run_file(&file)?;
        }
    }
    Ok(())
}

/// Moves a database with the product to another edition, as a DBA does.
pub fn move_to(address: &Address, database: &str, edition: Edition) -> Result<()> {
    address
        .psql(SUPERUSER, database)
        .run_script(&workspace::root().join(edition.move_script()))
}

/// The migrations of an edition in their order: its own, and those that it shares with the native one.
pub fn migrations(edition: Edition) -> Result<Vec<PathBuf>> {
    let is_of_native = |file: &PathBuf| {
        let name = name(file);
        name.contains("_stream_schema") || name.ends_with("_stream_code.sql")
    };
    let mut files = sql_files(Edition::Native.migrations())?;
    if edition != Edition::Native {
        files.retain(|file| !is_of_native(file));
        files.extend(sql_files(edition.migrations())?);
        files.sort_by_key(|file| name(file));
    }
    Ok(files)
}

fn name(file: &Path) -> String {
    file.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn set_agora(address: &Address, database: &str, agora: &AgoraSettings) -> Result<()> {
    // COPY keeps the certificate out of every statement text.
    let statements = format!(
        "create temporary table agora_certificate (value text);\n\
         copy agora_certificate from stdin;\n\
         {}\n\
         \\.\n\
         do $$ begin\n\
             perform vault.create_secret(value, 'agora_app_certificate') from agora_certificate;\n\
         end $$;\n\
         update stream.config set agora_app_id = '{}' where id;\n",
        agora.certificate, agora.app_id
    );
    address
        .psql(OWNER, database)
        .run(&statements)
        .context("cannot store the Agora settings")?;
    Ok(())
}

/// The people and auctions of the demo application.
pub fn seed(address: &Address, database: &str) -> Result<()> {
    address
        .psql(OWNER, database)
        .run_file(&workspace::root().join("supabase/seed.sql"))
}

/// The SQL files of a directory of the repository, in the order of their names.
fn sql_files(directory: &str) -> Result<Vec<PathBuf>> {
    let directory = workspace::root().join(directory);
    let mut files: Vec<PathBuf> = fs::read_dir(&directory)
        .with_context(|| format!("cannot read {}", directory.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| is_sql(path))
        .collect();
    files.sort();
    Ok(files)
}

fn is_sql(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sql")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn project_of_agora_is_named_by_both_settings_or_none() {
        let id = || Some("0123456789abcdef0123456789abcdef".to_owned());
        assert!(AgoraSettings::of_project(None, None).is_ok_and(|none| none.is_none()));
        assert!(AgoraSettings::of_project(id(), id()).is_ok_and(|some| some.is_some()));
        for (app_id, certificate) in [
            (id(), None),
            (None, id()),
            (id(), Some("'; drop".to_owned())),
        ] {
            assert!(AgoraSettings::of_project(app_id, certificate).is_err());
        }
    }
}
