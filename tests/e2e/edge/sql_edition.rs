//! edge_api does the regular work of the SQL edition, whichever edition the other tests have.

use anyhow::Result;
use stream_tests::database::TestDatabase;
use stream_tests::services::Services;
use stream_tests::waiting::wait_until;
use xtask::edition::Edition;

#[tokio::test]
async fn the_edge_sends_counts_and_ends_leases_of_the_sql_edition() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Sql).await?;
    let is_done = database.leave_regular_work().await?;
    let services = Services::start_ticking_on(database)?;
    let database = &services.database;
    wait_until(&database.owner, &is_done).await?;
    let (status, detail) = database.check("ticker").await?;
    assert_eq!(status, "ok", "{detail}");
    Ok(())
}
