//! pg_cron's loop does the regular work of the SQL edition, whichever edition the other tests have.

use anyhow::Result;
use stream_tests::waiting::wait_until_within;
use xtask::edition::Edition;

use super::{SCHEDULE, TWO_MINUTES, database_of_edition_with_pg_cron};

#[tokio::test]
async fn the_loop_sends_counts_and_ends_leases_of_the_sql_edition() -> Result<()> {
    let (_own, database) =
        database_of_edition_with_pg_cron(Edition::Sql, "pg-cron-sql-edition").await?;
    let is_done = database.leave_regular_work().await?;
    let _: String = database.value(SCHEDULE).await?;
    wait_until_within(TWO_MINUTES, &database.owner, &is_done).await?;
    let (status, detail) = database.check("ticker").await?;
    assert_eq!(status, "ok", "{detail}");
    Ok(())
}
