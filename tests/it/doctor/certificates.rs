//! doctor() names the certificate that cannot be used, and why, before a user asks for a token.

use anyhow::{Context, Result};
use serde_json::json;
use stream_core::error::ErrorCode;
use stream_tests::agora::{PUBLISHER, seller_token};
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::secret;

const SECONDARY: &str = "d0c7021d0c7021d0c7021d0c7021d0c7";
/// In the place of either certificate; also what must not be shown.
const MALFORMED: &str = "not-a-certificate-0123456789abcd";

/// Where each of the two is named, and its check.
const PRIMARY_CHECK: (&str, &str) = ("certificate", "agora_certificate_secret");
const SECONDARY_CHECK: (&str, &str) = (
    "secondary_certificate",
    "agora_secondary_certificate_secret",
);

/// Both certificates in the Vault, and a malformed one that nothing names.
async fn rotating() -> Result<TestDatabase> {
    let database = TestDatabase::create().await?;
    secret::note("the doctor's secondary certificate", SECONDARY)?;
    secret::note("the doctor's malformed certificate", MALFORMED)?;
    database
        .change(&format!(
            "select vault.create_secret('{SECONDARY}', 'secondary');
             select vault.create_secret('{MALFORMED}', 'malformed');
             update stream.config set agora_secondary_certificate_secret = 'secondary'"
        ))
        .await?;
    for (name, _) in [PRIMARY_CHECK, SECONDARY_CHECK] {
        assert_eq!(database.check(name).await?.0, "ok", "{name}");
    }
    Ok(database)
}

/// Fails unless the check fails with the code, and shows no secret.
async fn assert_fails(database: &TestDatabase, name: &str, code: ErrorCode) -> Result<()> {
    let (status, detail) = database.check(name).await?;
    assert_eq!(status, "failure", "{name}: {detail}");
    let expected = format!("{}: ", code.as_str());
    assert!(detail.starts_with(&expected), "{name}: {detail}");
    assert!(detail.len() > expected.len(), "{name}: {detail}");
    for secret in [
        SECONDARY,
        MALFORMED,
        &database.environment.agora.certificate,
    ] {
        assert!(!detail.contains(secret), "{detail}");
    }
    Ok(())
}

#[tokio::test]
async fn a_certificate_that_is_missing_or_malformed_fails_its_own_check_alone() -> Result<()> {
    for ((name, column), (other, _)) in [
        (PRIMARY_CHECK, SECONDARY_CHECK),
        (SECONDARY_CHECK, PRIMARY_CHECK),
    ] {
        for (secret, code) in [
            ("not there", ErrorCode::CertificateMissing),
            ("malformed", ErrorCode::CertificateMalformed),
        ] {
            let database = rotating().await?;
            database
                .change(&format!("update stream.config set {column} = '{secret}'"))
                .await?;
            assert_fails(&database, name, code).await?;
            assert_eq!(database.check(other).await?.0, "ok", "{name}: {secret}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_vault_that_cannot_be_read_and_a_missing_app_id_fail_both_checks() -> Result<()> {
    for (code, statements) in [
        (
            ErrorCode::VaultUnreadable,
            "revoke all on vault.decrypted_secrets from postgres, service_role",
        ),
        // As when the key of the Vault is not there. The secret is in what it raises.
        (
            ErrorCode::VaultUnreadable,
            "create function vault.broken(secret text) returns text language plpgsql
                 as $$ begin raise 'cannot decrypt %', secret; end $$;
             create or replace view vault.decrypted_secrets as
                 select s.id, s.name, s.description, s.secret, vault.broken(s.secret) as decrypted_secret,
                     s.key_id, s.nonce, s.created_at, s.updated_at
                 from vault.secrets as s",
        ),
        (
            ErrorCode::NotConfigured,
            "update stream.config set agora_app_id = null",
        ),
    ] {
        let database = rotating().await?;
        let superuser = database.superuser().await?;
        superuser.batch_execute(statements).await?;
        for (name, _) in [PRIMARY_CHECK, SECONDARY_CHECK] {
            assert_fails(&database, name, code).await.context(statements)?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn without_a_secondary_certificate_its_check_says_that_none_is_rotated() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (status, detail) = database.check(SECONDARY_CHECK.0).await?;
    assert_eq!(status, "ok");
    assert!(detail.contains("none is configured"), "{detail}");
    Ok(())
}

/// It only verifies: tokens are minted, and none can be inspected.
#[tokio::test]
async fn a_secondary_certificate_that_fails_stops_inspection_and_no_user() -> Result<()> {
    let database = rotating().await?;
    let id = database.start_stream().await?;
    let seller = database.user(demo::SELLER).await?;
    let service = database.service().await?;
    database
        .change("update stream.config set agora_secondary_certificate_secret = 'malformed'")
        .await?;
    let code = ErrorCode::CertificateMalformed;
    assert_fails(&database, SECONDARY_CHECK.0, code).await?;
    let minted = seller_token(&seller, id).await?;
    database.verified(&minted, PUBLISHER)?;
    let inspected = service.rpc("inspect_token", json!({"token": minted["token"]}));
    database.refuses(code, inspected).await
}
