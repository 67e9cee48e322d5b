//! A table of the regular work itself is locked, as an ALTER TABLE or a VACUUM FULL does.

use anyhow::{Context, Result};
use stream_tests::demo;
use stream_tests::ticking::{Ticker, Ticking};

use super::{make_host_lost, stream};

attacks! {
    lock_queue: the_worker_goes_on_beside_a_locked_queue
        tick_goes_on_beside_a_locked_queue
        the_loop_goes_on_beside_a_locked_queue;
}

/// Tails wait, and nothing else does.
async fn lock_queue(mut ticking: Ticking) -> Result<()> {
    for table in ["chat_tails", "chat_tail_reads"] {
        let database = &ticking.database;
        let id = stream(database).await?;
        let superuser = database.superuser().await?;
        superuser
            .batch_execute(&format!(
                "begin; lock table stream.{table} in access exclusive mode"
            ))
            .await?;
        database.viewer(id, demo::ADA).await?;
        make_host_lost(database, id).await?;
        ticking
            .until(&format!(
                "select state = 'error' and viewer_count = 1
                 from stream.stream_sessions where id = '{id}'"
            ))
            .await
            .with_context(|| format!("while {table} is locked"))?;
        superuser.batch_execute("rollback").await?;
        let end = format!("select stream.end_stream('{id}')");
        ticking.database.change(&end).await?;
    }
    ticking
        .until("select count(*) = 0 from stream.troubles")
        .await
}

/// An error would end the loop of pg_cron, and the next one begins with the next minute.
#[tokio::test]
async fn the_loop_outlives_a_lock_on_the_tickers_table() -> Result<()> {
    let mut ticking = Ticking::start(Ticker::Loop, "locked-ticker").await?;
    let is_ticking = "select ticked_at > now() - interval '1 second' from stream.ticker";
    ticking.until(is_ticking).await?;
    let superuser = ticking.database.superuser().await?;
    superuser
        .batch_execute("begin; lock table stream.ticker in access exclusive mode")
        .await?;
    ticking
        .until(
            "select count(*) = 1 from stream.troubles where rule = 'ticker' and sqlstate = '55P03'",
        )
        .await?;
    superuser.batch_execute("rollback").await?;
    ticking.until(is_ticking).await?;
    ticking
        .until("select count(*) = 0 from stream.troubles")
        .await
}
