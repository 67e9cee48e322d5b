//! The Agora certificate in a file: it is read only from one that is closed to everybody else.

use anyhow::{Context, Result};
use stream_core::error::ErrorCode;
use stream_tests::agora::{PUBLISHER, seller_token};
use stream_tests::certificate_file::CertificateFile;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
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
async fn no_session_points_the_server_at_another_file() -> Result<()> {
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

    // Set before the library is loaded, it is dropped when it is.
    let early = database.user(demo::SELLER).await?;
    early
        .run("select to_jsonb(set_config('pg_stream_ext.agora_certificate_file', '/tmp/mine', false))")
        .await?;
    database.verified(&seller_token(&early, id).await?, PUBLISHER)?;
    Ok(())
}
