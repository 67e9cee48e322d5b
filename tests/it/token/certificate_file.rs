//! The Agora certificate in a file: it is read only from one that is closed to everybody else.

use anyhow::{Context, Result};
use serde_json::json;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::agora::{PUBLISHER, SUBSCRIBER, buyer_token, seller_token};
use stream_tests::certificate_file::CertificateFile;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::identity::Identity;
use stream_tests::own_cluster::OwnCluster;
use stream_tests::secret;
use xtask::cluster::Options;
use xtask::test_environment::TestEnvironment;

/// A cluster whose server reads the file, with another certificate in the Vault.
fn start_cluster(file: &CertificateFile) -> Result<(OwnCluster, TestEnvironment)> {
    let mut options = Options::temporary("certificate-file")?;
    let setting = format!(
        "pg_stream_ext.agora_certificate_file={}",
        file.path().display()
    );
    options.settings.push(setting);
    let own = OwnCluster::start(options)?;
    let mut environment = own.make_template("")?;
    environment.agora.certificate = secret::certificate()?;
    Ok((own, environment))
}

#[tokio::test]
async fn the_certificate_comes_from_a_file_that_is_closed_to_everybody_else() -> Result<()> {
    let file = CertificateFile::choose()?;
    let (_cluster, environment) = start_cluster(&file)?;
    let certificate = environment.agora.certificate.clone();
    let database = TestDatabase::create_in(environment).await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.start_stream().await?;
    // The file counts and not the Vault: `verified` uses the certificate of the file.
    let padded = format!("  {certificate}\r\n\n");
    for (content, mode) in [
        (&certificate, 0o600),
        (&format!("{certificate}\n"), 0o400),
        (&padded, 0o600),
    ] {
        file.write(content.as_bytes(), mode)?;
        database.verified(&seller_token(&seller, id).await?, PUBLISHER)?;
    }

    let refused = async |code: ErrorCode, case: &str| {
        database
            .refuses(code, seller_token(&seller, id))
            .await
            .with_context(|| case.to_owned())
    };
    for mode in [0o644, 0o640, 0o604, 0o660, 0o606, 0o601] {
        file.write(certificate.as_bytes(), mode)?;
        refused(ErrorCode::CertificateUnsafe, &format!("mode {mode:o}")).await?;
    }
    file.remove()?;
    refused(ErrorCode::CertificateMissing, "no file").await?;
    file.write(certificate.as_bytes(), 0o200)?;
    refused(ErrorCode::CertificateMissing, "closed to its owner").await?;
    file.make_directory()?;
    refused(ErrorCode::CertificateUnsafe, "a directory").await?;
    file.make_pipe()?;
    refused(ErrorCode::CertificateUnsafe, "a pipe").await?;
    let halves = format!("{}\n{}", &certificate[..16], &certificate[16..]);
    for content in [
        &b""[..],
        b"not a certificate",
        &[0xff; 32],
        &[b'a'; 4096],
        halves.as_bytes(),
    ] {
        file.write(content, 0o600)?;
        let case = format!("{} wrong bytes", content.len());
        refused(ErrorCode::CertificateMalformed, &case).await?;
    }

    file.write(certificate.as_bytes(), 0o600)?;
    database.verified(&seller_token(&seller, id).await?, PUBLISHER)?;
    Ok(())
}

#[tokio::test]
async fn the_loaded_library_lets_no_session_name_a_file() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.start_stream().await?;
    // Loads the library, which turns the placeholder into the setting.
    seller_token(&seller, id).await?;
    for statement in [
        "set pg_stream_ext.agora_certificate_file = '/tmp/mine'",
        "select to_jsonb(set_config('pg_stream_ext.agora_certificate_file', '/tmp/mine', false))",
        "show pg_stream_ext.agora_certificate_file",
    ] {
        let outcome = seller.run(statement).await;
        assert!(outcome.is_err(), "{statement}");
    }
    Ok(())
}

/// Any role may set a name of two parts that no library knows, for itself and for whoever gets the connection next.
#[tokio::test]
async fn no_session_points_the_server_at_another_file() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.stream_in(StreamState::Active).await?;
    let of_it = json!({"session_id": id});
    for caller in [Identity::user(demo::ADA), Identity::anon()] {
        let early = database.session(caller).await?;
        for setting in [
            "database",
            "agora_certificate_file",
            "agora_secondary_certificate_file",
        ] {
            let statement = format!(
                "select to_jsonb(set_config('pg_stream_ext.{setting}', '/tmp/mine', false))"
            );
            early.run(&statement).await?;
        }
        // The connection goes back to the pool, which lends it to others.
        let early = early.lend(Identity::user(demo::ADA));
        let joined = early.rpc("join_stream", of_it.clone()).await?;
        database.verified(&joined["token"], SUBSCRIBER)?;
        database.verified(&buyer_token(&early, id).await?, SUBSCRIBER)?;
        let early = early.lend(Identity::service());
        let token = seller_token(&seller, id).await?;
        let inspected = early
            .rpc("inspect_token", json!({"token": token["token"]}))
            .await?;
        assert_eq!(inspected["signed_by"], "primary");
        let early = early.lend(Identity::user(demo::SELLER));
        database.verified(&seller_token(&early, id).await?, PUBLISHER)?;
    }
    Ok(())
}
