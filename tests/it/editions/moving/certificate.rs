//! A certificate in a file would be lost with the move to SQL, which reads none: the move is refused while a setting names one.

use anyhow::Result;
use stream_tests::database::TestDatabase;
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
