//! `inspect_token`: the content that it reads, for the service alone, and the certificates that vouch for it.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::agora::{buyer_token, foreign_token, seller_token};
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::secret;
use stream_tests::session::Session;
use tokio_postgres::Error;

const VECTORS: &str = include_str!("../../vectors/agora.json");

async fn inspect(caller: &Session, token: &Value) -> Result<Value, Error> {
    caller.rpc("inspect_token", json!({"token": token})).await
}

fn granted(inspection: &Value) -> Vec<(String, String)> {
    let privileges = inspection["privileges"].as_array();
    let privileges = privileges.map_or(&[][..], Vec::as_slice);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    privileges
        .iter()
        .map(|granted| (text(&granted["service"]), text(&granted["privilege"])))
        .collect()
}

/// A token of another certificate that names an account and logs in to RTM, 100 s old.
async fn old_foreign_token(
    database: &TestDatabase,
    certificate: &str,
    expires_in_s: u32,
) -> Result<String> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let issued_at = u32::try_from(now.as_secs())? - 100;
    let environment = &database.environment;
    let (channel, account) = ("room 1", "alice@example.com");
    foreign_token(
        environment,
        certificate,
        channel,
        account,
        issued_at,
        expires_in_s,
    )
    .await
}

#[tokio::test]
async fn a_minted_token_says_whose_it_is_and_that_the_primary_certificate_signed_it() -> Result<()>
{
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let service = database.service().await?;
    let seller = database.user(demo::SELLER).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    for (token, role, privileges) in [
        (
            seller_token(&seller, id).await?,
            "publisher",
            &["join", "publish_audio", "publish_video", "publish_data"][..],
        ),
        (buyer_token(&ada, id).await?, "subscriber", &["join"]),
    ] {
        let said = inspect(&service, &token["token"]).await?;
        assert_eq!(said["version"], "007");
        assert_eq!(said["app_id"], database.environment.agora.app_id);
        assert_eq!(said["channel_id"], json!(id));
        assert_eq!(said["account"], token["uid"].to_string());
        assert_eq!(said["role"], role);
        assert_eq!(said["expires_at"], token["expires_at"]);
        assert_eq!(said["is_expired"], false);
        assert_eq!(said["is_signed"], true);
        assert_eq!(said["signed_by"], "primary");
        let expected = privileges
            .iter()
            .map(|name| ("rtc".to_owned(), (*name).to_owned()));
        assert_eq!(granted(&said), expected.collect::<Vec<_>>());
        for privilege in said["privileges"].as_array().context("privileges")? {
            assert_eq!(privilege["expires_at"], token["expires_at"]);
        }
        assert!(said["issued_at"].as_str() < said["expires_at"].as_str());
        let text = token["token"].as_str().context("a token")?;
        assert!(!said.to_string().contains(text), "{said}");
    }
    Ok(())
}

#[tokio::test]
async fn accounts_rtm_and_lives_of_their_own_are_named() -> Result<()> {
    let database = TestDatabase::create().await?;
    let service = database.service().await?;
    let token = old_foreign_token(&database, &secret::certificate()?, 3600).await?;
    let said = inspect(&service, &json!(token)).await?;
    assert_eq!(said["channel_id"], "room 1");
    assert_eq!(said["account"], "alice@example.com");
    assert_eq!(said["role"], "publisher");
    let names = [("rtc", "join"), ("rtc", "publish_audio"), ("rtm", "login")];
    let names = names.map(|(service, privilege)| (service.to_owned(), privilege.to_owned()));
    assert_eq!(granted(&said), names);
    assert_eq!(said["privileges"][0]["expires_at"], said["expires_at"]);
    assert!(said["privileges"][1]["expires_at"].as_str() < said["expires_at"].as_str());
    Ok(())
}

#[tokio::test]
async fn an_expired_token_is_called_so() -> Result<()> {
    let database = TestDatabase::create().await?;
    let service = database.service().await?;
    for (expires_in_s, is_expired) in [(99, true), (3600, false)] {
        let token = old_foreign_token(&database, &secret::certificate()?, expires_in_s).await?;
        let said = inspect(&service, &json!(token)).await?;
        assert_eq!(said["is_expired"], is_expired);
    }
    Ok(())
}

/// Rotation: the new certificate becomes the primary, the old one stays until its tokens are gone.
#[tokio::test]
async fn while_certificates_are_rotated_both_vouch_and_the_primary_signs() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let service = database.service().await?;
    let seller = database.user(demo::SELLER).await?;
    let old = seller_token(&seller, id).await?;
    let signer = async |token: &Value| -> Result<Value> {
        Ok(inspect(&service, &token["token"]).await?["signed_by"].clone())
    };
    let certificate = secret::certificate()?;
    database
        .change(&format!(
            "select vault.create_secret('{certificate}', 'new certificate');
             update stream.config set agora_certificate_secret = 'new certificate',
                 agora_secondary_certificate_secret = 'agora_app_certificate' where id"
        ))
        .await?;
    let new = seller_token(&seller, id).await?;
    assert_eq!(signer(&old).await?, "secondary");
    assert_eq!(signer(&new).await?, "primary");
    assert!(database.verified(&new, &[1, 2, 3, 4]).is_err());

    database
        .change("update stream.config set agora_secondary_certificate_secret = null where id")
        .await?;
    let said = inspect(&service, &old["token"]).await?;
    assert_eq!(said["is_signed"], false);
    assert_eq!(said["signed_by"], Value::Null);
    assert_eq!(signer(&new).await?, "primary");
    Ok(())
}

/// "Forged" would be a wrong answer, and nobody would look for the reason.
#[tokio::test]
async fn a_secondary_certificate_that_cannot_be_read_is_an_error() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let service = database.service().await?;
    let seller = database.user(demo::SELLER).await?;
    let token = seller_token(&seller, id).await?;
    database
        .change("update stream.config set agora_secondary_certificate_secret = 'gone' where id")
        .await?;
    let call = inspect(&service, &token["token"]);
    database
        .refuses(ErrorCode::CertificateMissing, call)
        .await?;
    // Minting does not need it.
    seller_token(&seller, id).await?;
    Ok(())
}

#[tokio::test]
async fn a_token_of_version_006_is_checked_when_channel_and_account_are_given() -> Result<()> {
    let database = TestDatabase::create().await?;
    let service = database.service().await?;
    let vectors: Value = serde_json::from_str(VECTORS)?;
    let vector = vectors["v006"]
        .as_array()
        .and_then(|vectors| vectors.iter().find(|vector| vector["id"] == "006-05"))
        .context("the vector")?;
    let certificate = vector["cert"].as_str().context("a certificate")?;
    secret::note("the certificate of a vector", certificate)?;
    database
        .superuser()
        .await?
        .execute("update vault.secrets set secret = $1", &[&certificate])
        .await?;
    let (token, channel, account) = (&vector["token"], &vector["channel"], &vector["account"]);

    let said = inspect(&service, token).await?;
    assert_eq!(said["version"], "006");
    assert_eq!(said["app_id"], vector["app_id"]);
    assert_eq!(said["role"], "publisher");
    assert_eq!(said["expires_at"], "2025-01-02T00:00:00+00:00");
    assert_eq!(
        said["privileges"][0]["expires_at"],
        "2025-01-01T01:00:00+00:00"
    );
    assert_eq!(said["is_expired"], true);
    for unknown in [
        "is_signed",
        "signed_by",
        "channel_id",
        "account",
        "issued_at",
    ] {
        assert_eq!(said[unknown], Value::Null, "{unknown}");
    }

    let with = |account: &Value| json!({"token": token, "channel_id": channel, "account": account});
    let said = service.rpc("inspect_token", with(account)).await?;
    assert_eq!(said["is_signed"], true);
    assert_eq!(said["signed_by"], "primary");
    assert_eq!((&said["channel_id"], &said["account"]), (channel, account));
    let said = service.rpc("inspect_token", with(&json!("bob"))).await?;
    assert_eq!(said["is_signed"], false);
    assert_eq!(said["account"], Value::Null);
    Ok(())
}

#[tokio::test]
async fn a_text_that_is_no_token_is_refused_without_repeating_it() -> Result<()> {
    let database = TestDatabase::create().await?;
    let service = database.service().await?;
    let token = old_foreign_token(&database, &secret::certificate()?, 60).await?;
    let damaged = format!("{}AAAA", token.trim_end_matches('='));
    for text in ["", "007", "006", "hunter2-is-no-token", &damaged] {
        let token = json!(text);
        let call = inspect(&service, &token);
        database.refuses(ErrorCode::InvalidArgument, call).await?;
        let error = inspect(&service, &token).await.unwrap_err();
        let shown = format!("{:?}", error.as_db_error().context("a refusal")?);
        assert!(text.len() < 4 || !shown.contains(text), "{shown}");
    }
    let call = inspect(&service, &Value::Null);
    database.refuses(ErrorCode::InvalidArgument, call).await
}

#[tokio::test]
async fn only_the_service_inspects() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.start_stream().await?;
    let seller = database.user(demo::SELLER).await?;
    let token = seller_token(&seller, id).await?;
    for caller in [&seller, &database.anon().await?] {
        let call = inspect(caller, &token["token"]);
        database.refuses(ErrorCode::PermissionDenied, call).await?;
    }
    inspect(&database.service().await?, &token["token"]).await?;
    Ok(())
}
