//! The search after the whole run knows every secret, and sees the statements of servers that are gone by then.

use anyhow::Result;
use stream_tests::database::TestDatabase;
use stream_tests::own_cluster::OwnCluster;
use stream_tests::secret;
use stream_tests::services::Services;
use uuid::Uuid;
use xtask::cluster::{LOGIN_ROLES, Options};
use xtask::leaks::Search;
use xtask::test_environment::TestEnvironment;

fn assert_known(secret: &str) -> Result<()> {
    let noted = TestEnvironment::load()?.secrets()?;
    let told = format!("told: {secret}");
    assert!(!Search::new(&noted)?.of(&told).is_empty());
    Ok(())
}

#[tokio::test]
async fn the_secrets_of_the_cluster_and_the_services_of_all_tests_are_known() -> Result<()> {
    let services = Services::start().await?;
    let environment = &services.database.environment;
    assert_known(&environment.agora.certificate)?;
    for role in LOGIN_ROLES {
        assert_known(&environment.cluster.passwords[*role])?;
    }
    assert_known(&services.jwt_secret)?;
    assert_known(&services.webhook_secret)?;
    assert_known(&services.keys.service_role_key)
}

#[test]
fn a_certificate_that_a_test_makes_is_known() -> Result<()> {
    assert_known(&secret::certificate()?)
}

#[tokio::test]
async fn of_a_server_of_its_own_the_secrets_are_known_and_the_statements_are_kept() -> Result<()> {
    let own = OwnCluster::start(Options::temporary("secret-search")?)?;
    let database = TestDatabase::create_in(own.make_template("")?).await?;
    assert_known(&database.environment.agora.certificate)?;
    for role in LOGIN_ROLES {
        assert_known(&database.environment.cluster.passwords[*role])?;
    }
    let column = format!("counted_{}", Uuid::new_v4().simple());
    database.change(&format!("select 1 as {column}")).await?;
    drop(database);
    drop(own);

    let kept = TestEnvironment::load()?.statements()?;
    let counted = kept
        .iter()
        .filter(|kept| kept.server.starts_with("secret-search-"))
        .filter_map(|kept| kept.read.as_ref().ok())
        .any(|statements| statements.contains(&column));
    assert!(counted, "the statements of the server are gone with it");
    Ok(())
}
