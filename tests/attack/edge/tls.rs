//! TLS to the database: what each mode takes and what it refuses.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use edge_api::upstream::Upstream;
use edge_api::upstream::sql::tls::{Authorities, Tls, TlsMode};
use edge_api::upstream::sql::{SqlSettings, SqlUpstream};
use stream_tests::database::TestDatabase;
use stream_tests::direct_calls::plain_settings;
use stream_tests::own_cluster::OwnCluster;
use stream_tests::tls_files::Authority;
use xtask::cluster::Options;

/// Whether a connection with these settings comes about, and whether it is encrypted.
async fn connects(
    database: &TestDatabase,
    host: &str,
    mode: TlsMode,
    authority: Option<&Path>,
) -> Result<Option<bool>> {
    let address = &database.environment.cluster;
    let url = address.url("authenticator", database.name())?;
    let url = url.replace("127.0.0.1", host);
    let authority = authority.map(|file| Authorities::File(file.to_owned()));
    let upstream = SqlUpstream::new(SqlSettings {
        tls: Tls::new(Some(mode), authority.as_ref())?,
        ..plain_settings(&url, 2)?
    })?;
    if upstream.ping().await.is_err() {
        return Ok(None);
    }
    // The connection of readiness stays, until the upstream is dropped.
    let row = database
        .superuser()
        .await?
        .query_one(
            "select bool_and(ssl) from pg_stat_ssl join pg_stat_activity using (pid)
             where datname = current_database() and application_name = 'edge_api'",
            &[],
        )
        .await?;
    drop(upstream);
    let is_encrypted = row.get::<_, Option<bool>>(0);
    Ok(Some(is_encrypted.context("no connection is there")?))
}

/// Fails unless it is as expected. Returns when its connections are gone, so that the next is judged alone.
async fn judge(
    database: &TestDatabase,
    host: &str,
    mode: TlsMode,
    authority: Option<&Path>,
    expected: Option<bool>,
) -> Result<()> {
    let found = connects(database, host, mode, authority).await?;
    ensure!(
        found == expected,
        "{mode:?} to {host}, authority {authority:?}: {found:?}"
    );
    stream_tests::waiting::wait_until(
        &database.superuser().await?,
        "select not exists (select from pg_stat_activity
             where datname = current_database() and application_name = 'edge_api')",
    )
    .await
}

#[tokio::test]
async fn a_server_with_tls_is_verified_as_the_mode_says() -> Result<()> {
    let (authority, stranger) = (Authority::new()?, Authority::new()?);
    let files = authority.certify("127.0.0.1")?;
    let mut options = Options::temporary("tls")?;
    options.settings.extend(files.settings());
    let own = OwnCluster::start(options)?;
    let database = TestDatabase::create_in(own.make_template("")?).await?;
    let (right, wrong) = (authority.file.path(), stranger.file.path());
    let (right, wrong) = (Some(right.as_path()), Some(wrong.as_path()));
    let (here, other) = ("127.0.0.1", "localhost");

    for (mode, host, named, expected) in [
        (TlsMode::Disable, here, None, Some(false)),
        (TlsMode::Prefer, here, None, Some(true)),
        (TlsMode::Require, here, None, Some(true)),
        (TlsMode::Require, other, None, Some(true)),
        (TlsMode::Require, other, right, Some(true)),
        (TlsMode::Require, here, wrong, None),
        (TlsMode::VerifyCa, other, right, Some(true)),
        (TlsMode::VerifyCa, here, wrong, None),
        (TlsMode::VerifyFull, here, right, Some(true)),
        (TlsMode::VerifyFull, other, right, None),
        (TlsMode::VerifyFull, here, wrong, None),
    ] {
        judge(&database, host, mode, named, expected).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_server_without_tls_is_refused_unless_clear_text_would_do() -> Result<()> {
    let database = TestDatabase::create().await?;
    let authority = Authority::new()?;
    let file = authority.file.path();
    let named = Some(file.as_path());
    let here = "127.0.0.1";
    judge(&database, here, TlsMode::Disable, None, Some(false)).await?;
    judge(&database, here, TlsMode::Prefer, None, Some(false)).await?;
    judge(&database, here, TlsMode::Require, None, None).await?;
    judge(&database, here, TlsMode::VerifyCa, named, None).await?;
    judge(&database, here, TlsMode::VerifyFull, named, None).await
}
