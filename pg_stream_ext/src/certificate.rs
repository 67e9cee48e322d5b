//! Where does the Agora certificate come from?
//!
//! From a file that only the server's user may read, or from Supabase Vault. It is read for each
//! token and kept nowhere; no error, log line or setting ever holds it.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

use pgrx::prelude::*;
use stream_core::agora::{AppId, Certificate};
use stream_core::error::ErrorCode;

use crate::caller;
use crate::error::{Failure, Result, answer};
use crate::guc;
use crate::spi::{self, column, nullable, statements};

/// 32 digits and a line end; whatever is longer is another file.
const MAX_FILE_BYTES: u64 = 64;

/// Permission bits of group and others.
const FOREIGN_ACCESS: u32 = 0o077;

statements! {
    READABLE: Read []
        "select coalesce(
             has_schema_privilege('vault', 'usage')
             and has_table_privilege(to_regclass('vault.decrypted_secrets'), 'select'), false)
         from pg_catalog.pg_namespace as n where n.nspname = 'vault'";

    CONFIGURATION: Read []
        "select c.agora_app_id, c.agora_certificate_secret from stream.config as c";

    FROM_VAULT: Read [TEXTOID]
        "select d.decrypted_secret from vault.decrypted_secrets as d where d.name = $1";
}

/// Why tokens cannot be minted; null when they can. The certificate itself never leaves.
#[pg_extern(stable)]
fn check_certificate() -> Option<String> {
    answer(caller::enter_as_owner().and_then(|()| check())).err()
}

fn check() -> Result<std::result::Result<(), String>> {
    let configuration = spi::first(&CONFIGURATION, &[], |row| {
        Ok(Configuration {
            app_id: nullable(row, 1)?,
            certificate_secret: column(row, 2)?,
        })
    })?
    .ok_or(Failure::Row("the config row is gone"))?;
    let outcome = configuration
        .app_id()
        .map(|_| ())
        .and_then(|()| read(&configuration).map(|_| ()));
    match outcome {
        Ok(()) => Ok(Ok(())),
        Err(Failure::Refused { hint, .. }) => Ok(Err(hint.unwrap_or_default())),
        Err(other) => Err(other),
    }
}

/// The Agora part of the config row.
pub struct Configuration {
    pub app_id: Option<String>,
    pub certificate_secret: String,
}

impl Configuration {
    pub fn app_id(&self) -> Result<AppId> {
        let text = self
            .app_id
            .as_deref()
            .ok_or_else(|| not_configured("set stream.config.agora_app_id to the Agora App ID"))?;
        AppId::parse(text).map_err(|_| not_configured("stream.config.agora_app_id is malformed"))
    }
}

pub fn read(configuration: &Configuration) -> Result<Certificate> {
    match guc::certificate_file() {
        Some(path) => from_file(&path),
        None => from_vault(&configuration.certificate_secret),
    }
}

fn from_file(path: &str) -> Result<Certificate> {
    let unreadable = |_| {
        not_configured(
            "the file of pg_stream_ext.agora_certificate_file cannot be read by the server",
        )
    };
    // Without waiting, in case the path names a pipe.
    let file = File::options()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    // SAFETY: reads the process's own user id.
    let is_own = metadata.uid() == unsafe { libc::geteuid() };
    if !metadata.is_file() || !is_own || metadata.mode() & FOREIGN_ACCESS != 0 {
        return Err(not_configured(
            "the file of pg_stream_ext.agora_certificate_file must belong to the server's user, mode 0600 or 0400",
        ));
    }
    let mut text = String::new();
    file.take(MAX_FILE_BYTES)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    parse(&text)
}

fn from_vault(name: &str) -> Result<Certificate> {
    let readable = spi::first(&READABLE, &[], |row| column(row, 1))?;
    if readable != Some(true) {
        return Err(not_configured(
            "neither pg_stream_ext.agora_certificate_file is set nor can vault.decrypted_secrets be read",
        ));
    }
    let secret = spi::first(&FROM_VAULT, &[name.into()], |row| column::<String>(row, 1))?;
    let secret = secret.ok_or_else(|| {
        not_configured("create the Vault secret that stream.config.agora_certificate_secret names")
    })?;
    parse(&secret)
}

fn parse(text: &str) -> Result<Certificate> {
    Certificate::parse(text.trim())
        .map_err(|_| not_configured("the Agora certificate is not 32 hexadecimal digits"))
}

fn not_configured(hint: &str) -> Failure {
    Failure::with_hint(ErrorCode::NotConfigured, hint)
}
