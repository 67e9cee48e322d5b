//! Reading a certificate from Supabase Vault; refuses while the Vault is closed or raises errors.

use pgrx::prelude::*;
use stream_core::agora::Certificate;
use stream_core::error::ErrorCode;

use crate::postgres::catalogue;
use crate::postgres::error::{Failure, Result};
use crate::postgres::spi::{self, statements};
use crate::postgres::transaction;
use crate::token::certificate::source::{CertificateSource, parse};

statements! {
    SECRET: Read [TEXTOID] -> Option<String>,
        "select d.decrypted_secret from vault.decrypted_secrets as d where d.name = $1";
}

pub fn read(name: &str, names: &CertificateSource) -> Result<Certificate> {
    if !is_open() {
        return Err(Failure::with_hint(
            ErrorCode::VaultUnreadable,
            format!(
                "the owner of the tables may not read vault.decrypted_secrets, and {} is not set",
                names.setting
            ),
        ));
    }
    let secret = secret(name)?.ok_or_else(|| {
        Failure::with_hint(
            ErrorCode::CertificateMissing,
            format!("create the Vault secret that {} names", names.column),
        )
    })?;
    parse(
        &secret,
        &format!("the Vault secret that {} names", names.column),
    )
}

/// Whether the Vault exists and the effective user may read it. Read from the syscache, since a statement about a
/// missing table would raise.
fn is_open() -> bool {
    let view = catalogue::find_relation(c"vault", c"decrypted_secrets");
    let (Some(schema), Some(view)) = (catalogue::find_schema(c"vault"), view) else {
        return false;
    };
    let usage = pg_sys::ACL_USAGE as pg_sys::AclMode;
    let select = pg_sys::ACL_SELECT as pg_sys::AclMode;
    // SAFETY: look-ups of what was found, inside a transaction.
    let answers = unsafe {
        let reader = pg_sys::GetUserId();
        #[cfg(feature = "pg15")]
        let schema = pg_sys::pg_namespace_aclcheck(schema, reader, usage);
        #[cfg(not(feature = "pg15"))]
        let schema = pg_sys::object_aclcheck(pg_sys::NamespaceRelationId, schema, reader, usage);
        [schema, pg_sys::pg_class_aclcheck(view, reader, select)]
    };
    answers == [pg_sys::AclResult::ACLCHECK_OK; 2]
}

/// Reads the decrypted secret. An error that the Vault raises is replaced by a code of the catalogue and its text is
/// dropped, because it could quote anything. A cancelled statement stays cancelled. The caller goes on after a refusal: whoever
/// may have no token is told that instead.
fn secret(name: &str) -> Result<Option<String>> {
    let unreadable = || {
        Failure::with_hint(
            ErrorCode::VaultUnreadable,
            "vault.decrypted_secrets raised an error of its own: read it as the owner of the tables",
        )
    };
    transaction::attempt_or(unreadable, || {
        Ok(spi::first(&SECRET, &[name.into()])?.flatten())
    })
}
