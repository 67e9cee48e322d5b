//! The loop that pg_cron runs, without pg_cron: how long it goes on, and when it sleeps.

use anyhow::Result;
use stream_tests::database::TestDatabase;
use stream_tests::waiting::wait_until;
use tokio_postgres::NoTls;

/// Else Postgres would end the loop in the middle of its work, once a minute.
#[tokio::test]
async fn the_loop_ends_before_a_statement_timeout() -> Result<()> {
    let database = TestDatabase::create().await?;
    // A fifth of it is for the last units.
    database.change("set statement_timeout = '5s'").await?;
    for _ in 0..2 {
        let block = database.tick_loop().await?;
        database.change(&block).await?;
    }
    let is_marked: bool = database
        .value("select sends_at > '-infinity' from stream.ticker")
        .await?;
    assert!(is_marked);
    Ok(())
}

/// Otherwise nobody would see before its end what it has done.
#[tokio::test]
async fn what_the_loop_has_done_is_seen_while_it_goes_on() -> Result<()> {
    let database = TestDatabase::create().await?;
    let block = database.tick_loop().await?;
    let ticker = database.connect("postgres").await?;
    let ending = ticker.cancel_token();
    let ticking = tokio::spawn(async move { ticker.batch_execute(&block).await });
    let is_marked = "select sends_at > '-infinity' from stream.ticker";
    wait_until(&database.owner, is_marked).await?;
    assert!(!ticking.is_finished());
    ending.cancel_query(NoTls).await?;
    assert!(ticking.await?.is_err());
    Ok(())
}

/// Sleeping while a round goes on would stretch it; not sleeping when nothing is left would keep a processor busy.
#[tokio::test]
async fn it_sleeps_for_50_ms_when_nothing_is_left_and_not_before() -> Result<()> {
    let database = TestDatabase::create().await?;
    database
        .change("select stream_private.begin_work()")
        .await?;
    let mut pauses: Vec<f64> = Vec::new();
    loop {
        let goes_on: bool = database.value("select stream_private.work()").await?;
        assert!(goes_on, "{pauses:?}");
        let pause = database.value("select stream_private.pause()").await?;
        pauses.push(pause);
        if pause > 0.0 {
            break;
        }
    }
    // A first round has several units.
    assert!(pauses.len() > 2, "{pauses:?}");
    assert_eq!(pauses.last(), Some(&0.05));
    Ok(())
}
