//! The canary that the regular work sends.

use anyhow::Result;
use serde_json::json;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::identity::Identity;
use stream_tests::realtime::may_read;

/// A round of the regular work, as if the last one was a second ago.
async fn round(database: &TestDatabase) -> Result<()> {
    database
        .change("update stream.ticker set swept_at = now() - interval '1 second'")
        .await?;
    database.service().await?.rpc("tick", json!({})).await?;
    Ok(())
}

/// The numbers that the demo buyer was sent.
async fn sent(database: &TestDatabase) -> Result<Vec<i64>> {
    let canaries = database
        .broadcasts(&format!("canary:{}", demo::ADA))
        .await?;
    let numbers = canaries.iter().map(|canary| {
        assert_eq!(canary.event, "canary");
        canary.payload["canary_no"].as_i64().expect("a number")
    });
    Ok(numbers.collect())
}

async fn database_with_canary() -> Result<TestDatabase> {
    let database = TestDatabase::create().await?;
    database
        .change(&format!(
            "update stream.config set canary_user_id = '{}'",
            demo::ADA
        ))
        .await?;
    Ok(database)
}

/// Dates the last one back, so that the next is due.
const TEN_SECONDS_PASS: &str = "update stream.canary set sent_at = sent_at - interval '10 seconds'";

#[tokio::test]
async fn one_is_sent_every_ten_seconds_to_the_configured_user() -> Result<()> {
    let database = database_with_canary().await?;
    round(&database).await?;
    assert_eq!(sent(&database).await?, [1]);
    round(&database).await?;
    assert_eq!(sent(&database).await?, [1], "ten seconds have not passed");
    database.change(TEN_SECONDS_PASS).await?;
    round(&database).await?;
    assert_eq!(sent(&database).await?, [1, 2]);
    // The clock was set back.
    database
        .change("update stream.canary set sent_at = now() + interval '1 hour'")
        .await?;
    round(&database).await?;
    assert_eq!(sent(&database).await?, [1, 2, 3]);
    Ok(())
}

#[tokio::test]
async fn without_a_user_none_is_sent() -> Result<()> {
    let database = TestDatabase::create().await?;
    round(&database).await?;
    let count: i64 = database
        .value("select count(*) from realtime.messages where topic like 'canary:%'")
        .await?;
    assert_eq!(count, 0);
    let sent_no: i64 = database
        .value("select canary_no from stream.canary")
        .await?;
    assert_eq!(sent_no, 0);
    Ok(())
}

/// So that the time of the last one tells that none goes out.
#[tokio::test]
async fn without_a_partition_none_counts_as_sent() -> Result<()> {
    let database = database_with_canary().await?;
    round(&database).await?;
    database.change(TEN_SECONDS_PASS).await?;
    database.set_partition(false).await?;
    round(&database).await?;
    let sent_no: i64 = database
        .value("select canary_no from stream.canary")
        .await?;
    assert_eq!(sent_no, 1);
    database.set_partition(true).await?;
    round(&database).await?;
    assert_eq!(sent(&database).await?, [1, 2]);
    Ok(())
}

#[tokio::test]
async fn a_held_row_of_the_canary_delays_nothing_else() -> Result<()> {
    let database = database_with_canary().await?;
    let mut holder = database.connect("postgres").await?;
    let held = holder.transaction().await?;
    held.batch_execute("select from stream.canary for update")
        .await?;
    round(&database).await?;
    assert!(sent(&database).await?.is_empty());
    let troubles: i64 = database
        .value("select count(*) from stream.troubles")
        .await?;
    assert_eq!(troubles, 0);
    held.rollback().await?;
    round(&database).await?;
    assert_eq!(sent(&database).await?, [1]);
    Ok(())
}

#[tokio::test]
async fn a_user_reads_their_own_canaries_and_nobody_elses() -> Result<()> {
    let database = database_with_canary().await?;
    let mut gateway = database.connect("realtime_gateway").await?;
    let topic = format!("canary:{}", demo::ADA);
    for (who, may) in [
        (Identity::user(demo::ADA), true),
        (Identity::user(demo::BEN), false),
        (Identity::anon(), false),
    ] {
        assert_eq!(
            may_read(&mut gateway, &who, &topic, "broadcast").await?,
            may,
            "{}",
            who.claims_text()
        );
    }
    Ok(())
}
