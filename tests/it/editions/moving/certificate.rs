//! A certificate in a file would be lost with the move to SQL, which reads none: the move is refused while a setting names one,
//! and so is a token where the library is still loaded.

use anyhow::Result;
use stream_core::error::ErrorCode;
use stream_tests::agora::seller_token;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::own_cluster::OwnCluster;
use xtask::cluster::Options;
use xtask::edition::Edition;

use super::{edition_of, move_to};

#[tokio::test]
async fn a_database_whose_certificate_is_a_file_does_not_move() -> Result<()> {
    for setting in ["agora_certificate_file", "agora_secondary_certificate_file"] {
        let mut options = Options::temporary("edition-certificate")?;
        let named = format!("pg_stream_ext.{setting}=/nowhere/certificate");
        options.settings.push(named);
        let own = OwnCluster::start(options)?;
        let environment = own.make_template("")?;
        let database = TestDatabase::of_edition_in(environment, Edition::Native).await?;
        let refusal = move_to(&database, Edition::Sql).await;
        let refusal = refusal.expect_err("is refused").to_string();
        assert!(refusal.contains("in Vault"), "{refusal}");
        assert_eq!(edition_of(&database).await?, Edition::Native);
    }
    Ok(())
}

/// Signing with the certificate of the Vault would not be what the operator has asked for.
#[tokio::test]
async fn a_file_that_a_setting_of_the_loaded_library_names_is_refused() -> Result<()> {
    let mut options = Options::temporary("edition-certificate-loaded")?;
    options.settings.extend([
        "session_preload_libraries=pg_stream_ext".to_owned(),
        "pg_stream_ext.agora_certificate_file=/nowhere/certificate".to_owned(),
    ]);
    let own = OwnCluster::start(options)?;
    // As on Supabase: who may not see the setting cannot refuse for it.
    let environment = own.make_template("grant pg_read_all_settings to postgres")?;
    let database = TestDatabase::of_edition_in(environment, Edition::Sql).await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.start_stream().await?;
    let refused = seller_token(&seller, id);
    database
        .refuses(ErrorCode::CertificateMissing, refused)
        .await?;
    let hint = "select c.hint from stream_ext.certificate_read(false, true) as c";
    let hint: String = database.value(hint).await?;
    assert!(
        hint.contains("pg_stream_ext.agora_certificate_file"),
        "{hint}"
    );
    Ok(())
}
