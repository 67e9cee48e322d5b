//! Rotation of certificates in files: the secondary one vouches, and its file is as closed as the primary's.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::agora::{AppId, Certificate, ChannelName, Role, TokenRequest, Uid, mint};
use stream_core::error::ErrorCode;
use stream_tests::agora::{PUBLISHER, seller_token};
use stream_tests::certificate_file::CertificateFile;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::own_cluster::OwnCluster;
use stream_tests::secret;
use stream_tests::session::Session;
use xtask::cluster::Options;

const CHECK: &str = "secondary_certificate";

/// A server that reads both certificates from files. Dropped in this order, the server before them.
struct ServerWithCertificates {
    database: TestDatabase,
    _server: OwnCluster,
    primary: CertificateFile,
    secondary: CertificateFile,
}

impl ServerWithCertificates {
    async fn start(name: &str) -> Result<Self> {
        let (primary, secondary) = (CertificateFile::choose()?, CertificateFile::choose()?);
        let mut options = Options::temporary(name)?;
        for (setting, file) in [
            ("agora_certificate_file", &primary),
            ("agora_secondary_certificate_file", &secondary),
        ] {
            let path = file.path();
            let setting = format!("pg_stream_ext.{setting}={}", path.display());
            options.settings.push(setting);
        }
        let server = OwnCluster::start(options)?;
        Ok(Self {
            database: TestDatabase::create_in(server.make_template("")?).await?,
            _server: server,
            primary,
            secondary,
        })
    }

    /// A token that a certificate signed now, outside of the database.
    fn signed_by(&self, certificate: &str) -> Result<String> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let request = TokenRequest {
            app_id: &AppId::parse(&self.database.environment.agora.app_id)?,
            channel: &ChannelName::parse("room-1")?,
            uid: Uid::new(1)?,
            privileges: Role::Subscriber.into(),
            issued_at: u32::try_from(now.as_secs())?,
            expires_in_s: 3600,
            salt: 1,
        };
        Ok(mint(&request, &Certificate::parse(certificate)?)?)
    }
}

async fn signer(service: &Session, token: &str) -> Result<Value> {
    let said = service
        .rpc("inspect_token", json!({"token": token}))
        .await?;
    Ok(said["signed_by"].clone())
}

#[tokio::test]
async fn the_files_are_swapped_and_the_tokens_of_the_old_one_are_still_known() -> Result<()> {
    let mut world = ServerWithCertificates::start("rotation-files").await?;
    let (old, new) = (secret::certificate()?, secret::certificate()?);
    world.primary.write(old.as_bytes(), 0o600)?;
    world.secondary.write(new.as_bytes(), 0o400)?;
    world.database.environment.agora.certificate = old.clone();
    let database = &world.database;
    assert_eq!(database.check(CHECK).await?.0, "ok");
    let seller = database.user(demo::SELLER).await?;
    let service = database.service().await?;
    let id = database.start_stream().await?;
    let before = seller_token(&seller, id).await?;
    database.verified(&before, PUBLISHER)?;
    let before = before["token"].as_str().context("a token")?;
    assert_eq!(signer(&service, before).await?, "primary");
    assert_eq!(
        signer(&service, &world.signed_by(&new)?).await?,
        "secondary"
    );
    // What the Vault holds is nobody's while there are files.
    let stranger = secret::certificate()?;
    database
        .change(&format!(
            "select vault.create_secret('{stranger}', 'stranger');
             update stream.config set agora_secondary_certificate_secret = 'stranger'"
        ))
        .await?;
    assert_eq!(
        signer(&service, &world.signed_by(&stranger)?).await?,
        Value::Null
    );

    world.primary.write(new.as_bytes(), 0o600)?;
    world.secondary.write(old.as_bytes(), 0o600)?;
    assert_eq!(signer(&service, before).await?, "secondary");
    let after = seller_token(&seller, id).await?;
    let after = after["token"].as_str().context("a token")?;
    assert_eq!(signer(&service, after).await?, "primary");
    world.database.environment.agora.certificate = new;
    let again = seller_token(&seller, id).await?;
    world.database.verified(&again, PUBLISHER)?;
    Ok(())
}

/// In front of every refusal it is the same file that works.
#[tokio::test]
async fn a_secondary_file_that_is_missing_malformed_or_open_to_others_fails_inspection_and_doctor()
-> Result<()> {
    let mut world = ServerWithCertificates::start("secondary-file").await?;
    let (primary, secondary) = (secret::certificate()?, secret::certificate()?);
    world.primary.write(primary.as_bytes(), 0o600)?;
    world.secondary.write(secondary.as_bytes(), 0o600)?;
    world.database.environment.agora.certificate = primary;
    let database = &world.database;
    let seller = database.user(demo::SELLER).await?;
    let service = database.service().await?;
    let id = database.start_stream().await?;
    let token = world.signed_by(&secondary)?;
    let file = &world.secondary;
    let refused = async |code: ErrorCode, case: &str| -> Result<()> {
        let inspected = service.rpc("inspect_token", json!({"token": token}));
        database
            .refuses(code, inspected)
            .await
            .with_context(|| case.to_owned())?;
        let (status, detail) = database.check(CHECK).await?;
        assert_eq!(status, "failure", "{case}");
        assert!(detail.starts_with(code.as_str()), "{case}: {detail}");
        assert!(!detail.contains(&secondary), "{case}: {detail}");
        // The primary certificate is another file, and signs.
        assert_eq!(database.check("certificate").await?.0, "ok");
        database.verified(&seller_token(&seller, id).await?, PUBLISHER)?;

        file.write(secondary.as_bytes(), 0o600)?;
        assert_eq!(signer(&service, &token).await?, "secondary", "{case}");
        assert_eq!(database.check(CHECK).await?.0, "ok", "{case}");
        Ok(())
    };
    for mode in [0o644, 0o640, 0o604, 0o660, 0o601] {
        file.write(secondary.as_bytes(), mode)?;
        refused(ErrorCode::CertificateUnsafe, &format!("mode {mode:o}")).await?;
    }
    file.make_pipe()?;
    refused(ErrorCode::CertificateUnsafe, "a pipe").await?;
    file.remove()?;
    refused(ErrorCode::CertificateMissing, "no file").await?;
    for (content, case) in [
        (&b""[..], "empty"),
        (b"not a certificate", "another text"),
        (&[0xff; 32], "no text"),
    ] {
        file.write(content, 0o600)?;
        refused(ErrorCode::CertificateMalformed, case).await?;
    }
    Ok(())
}
