//! Refusals of token functions where the operator has not stored a usable app id or certificate.

use anyhow::{Context, Result};
use stream_core::error::ErrorCode;
use stream_tests::agora::{buyer_token, seller_token};
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::refusal::{expect_refusal, refuses_before_writing};
use stream_tests::secret;
use tokio_postgres::error::SqlState;

/// Fails unless the statements of the superuser make tokens impossible for the given reason.
async fn assert_refused_after(code: ErrorCode, statements: &str) -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let ben = database.user(demo::BEN).await?;
    let id = database.start_stream().await?;
    let ada = database.viewer(id, demo::ADA).await?;
    seller_token(&seller, id).await?;
    buyer_token(&ada, id).await?;
    database
        .superuser()
        .await?
        .batch_execute(statements)
        .await?;
    for (caller, call) in [
        (
            &seller,
            format!("stream.generate_seller_token(null, '{id}')"),
        ),
        (&seller, format!("stream.refresh_token(null, '{id}')")),
        (&ada, format!("stream.generate_buyer_token(null, '{id}')")),
        (&ada, format!("stream.refresh_token(null, '{id}')")),
        (&ada, format!("stream.join_stream('{id}')")),
        (&ben, format!("stream.join_stream('{id}')")),
    ] {
        refuses_before_writing(caller, code, &call)
            .await
            .context(statements.to_owned())?;
    }
    database
        .refuses(code, seller_token(&seller, id))
        .await
        .context(statements.to_owned())
}

/// Whoever is refused for another reason hears that one.
#[tokio::test]
async fn a_missing_certificate_does_not_hide_what_the_caller_may_not() -> Result<()> {
    let database = TestDatabase::create().await?;
    let ben = database.user(demo::BEN).await?;
    let id = database.start_stream().await?;
    database.change("delete from vault.secrets").await?;
    database
        .refuses(ErrorCode::NotViewer, buyer_token(&ben, id))
        .await?;
    database
        .refuses(ErrorCode::NotStreamOwner, seller_token(&ben, id))
        .await
}

#[tokio::test]
async fn without_an_app_id_there_are_no_tokens() -> Result<()> {
    assert_refused_after(
        ErrorCode::NotConfigured,
        "update stream.config set agora_app_id = null where id",
    )
    .await
}

#[tokio::test]
async fn without_the_named_secret_there_are_no_tokens() -> Result<()> {
    assert_refused_after(
        ErrorCode::CertificateMissing,
        "update stream.config set agora_certificate_secret = 'another' where id",
    )
    .await?;
    assert_refused_after(ErrorCode::CertificateMissing, "delete from vault.secrets").await
}

#[tokio::test]
async fn with_a_malformed_certificate_there_are_no_tokens() -> Result<()> {
    for malformed in [
        "",
        "5CFd2fd1755d40ecb72977518be15d3",
        "5CFd2fd1755d40ecb72977518be15d3g",
    ] {
        secret::note("a malformed certificate", malformed)?;
        assert_refused_after(
            ErrorCode::CertificateMalformed,
            &format!("update vault.secrets set secret = '{malformed}'"),
        )
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn without_a_readable_vault_there_are_no_tokens() -> Result<()> {
    for statements in [
        "drop schema vault cascade",
        "drop view vault.decrypted_secrets",
        "revoke all on vault.decrypted_secrets from postgres, service_role",
        "revoke all on schema vault from postgres, service_role",
        // As when the key of the Vault is not there. The secret is in what it raises.
        "create function vault.broken(secret text) returns text language plpgsql
             as $$ begin raise 'cannot decrypt %', secret; end $$;
         create or replace view vault.decrypted_secrets as
             select s.id, s.name, s.description, s.secret, vault.broken(s.secret) as decrypted_secret,
                 s.key_id, s.nonce, s.created_at, s.updated_at
             from vault.secrets as s",
    ] {
        assert_refused_after(ErrorCode::VaultUnreadable, statements).await?;
    }
    Ok(())
}

/// What the Vault has taken before it raises is given back before the call goes on to the reason for a refusal.
#[tokio::test]
async fn an_error_of_the_vault_leaves_nothing_half_done() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.start_stream().await?;
    let ada = database.viewer(id, demo::ADA).await?;
    database
        .superuser()
        .await?
        .batch_execute(
            "create function vault.broken() returns text language plpgsql
                 as $$ begin perform pg_advisory_xact_lock(1); raise 'cannot decrypt'; end $$;
             create or replace view vault.decrypted_secrets as
                 select s.id, s.name, s.description, s.secret, vault.broken() as decrypted_secret,
                     s.key_id, s.nonce, s.created_at, s.updated_at
                 from vault.secrets as s",
        )
        .await?;
    // The reason is read from the places, which somebody holds.
    let holder = database.connect("postgres").await?;
    holder
        .batch_execute("begin; lock table stream.stream_viewers in access exclusive mode")
        .await?;
    let backend = ada.backend().await?;
    let waiting = tokio::spawn(async move { buyer_token(&ada, id).await });
    wait_until_blocked(&database.owner, backend).await?;
    let held: i64 = database
        .value(&format!(
            "select count(*) from pg_locks where pid = {backend} and locktype = 'advisory' and objid = 1"
        ))
        .await?;
    holder.batch_execute("commit").await?;
    expect_refusal(ErrorCode::VaultUnreadable, waiting.await?)?;
    assert_eq!(held, 0);
    Ok(())
}

#[tokio::test]
async fn no_refusal_shows_the_certificate() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.start_stream().await?;
    let certificate = "0123456789-this-is-no-certificate";
    secret::note("a malformed certificate", certificate)?;
    let superuser = database.superuser().await?;
    superuser
        .execute("update vault.secrets set secret = $1", &[&certificate])
        .await?;
    let error = seller_token(&seller, id).await.unwrap_err();
    let refusal = format!("{:?}", error.as_db_error());
    assert!(refusal.contains("certificate_malformed"), "{refusal}");
    assert!(!refusal.contains("this-is-no"), "{refusal}");
    Ok(())
}

#[tokio::test]
async fn a_wrong_setting_is_refused_by_the_table() -> Result<()> {
    let database = TestDatabase::create().await?;
    for setting in [
        "agora_app_id = '970CA35de60c44645bbae8a215061b3'",
        "agora_app_id = '970CA35de60c44645bbae8a215061b33x'",
        "agora_app_id = '970CA35de60c44645bbae8a215061b3g'",
        "agora_app_id = ''",
        "agora_certificate_secret = ''",
        "token_ttl_s = 59",
        "token_ttl_s = 86401",
        "token_rate_per_minute = 0",
        "token_rate_per_minute = 1000001",
        "agora_secondary_certificate_secret = ''",
        "id = false",
    ] {
        let statement = format!("update stream.config set {setting}");
        let error = database.owner.execute(&statement, &[]).await.unwrap_err();
        assert_eq!(error.code(), Some(&SqlState::CHECK_VIOLATION), "{setting}");
    }
    for row in ["(true)", "(false)"] {
        let statement = format!("insert into stream.config (id) values {row}");
        assert!(
            database.owner.execute(&statement, &[]).await.is_err(),
            "{row}"
        );
    }
    for setting in [
        "token_ttl_s = 60",
        "token_ttl_s = 86400",
        "agora_app_id = null",
    ] {
        let statement = format!("update stream.config set {setting}");
        assert_eq!(database.owner.execute(&statement, &[]).await?, 1);
    }
    Ok(())
}
