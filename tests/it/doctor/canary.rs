//! The check of doctor() about the way through Realtime, and the reports that it shows.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::partitions::DETACH_TODAY;
use stream_tests::refusal::expect_refusal;

/// A database whose canaries go to the demo buyer, the last of them, number 7, a second ago.
async fn database_with_canary() -> Result<TestDatabase> {
    let database = TestDatabase::create().await?;
    database
        .change(&format!(
            "update stream.config set canary_user_id = '{}';
             update stream.canary set canary_no = 7, sent_at = now() - interval '1 second'",
            demo::ADA
        ))
        .await?;
    Ok(database)
}

async fn report(database: &TestDatabase, report: Value) -> Result<Value> {
    let service = database.service().await?;
    Ok(service.rpc("report_canary", report).await?)
}

async fn check(database: &TestDatabase) -> Result<(String, String)> {
    database.check("canary").await
}

#[tokio::test]
async fn without_a_user_or_a_watcher_it_is_unknown_whether_broadcasts_arrive() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (status, detail) = check(&database).await?;
    assert_eq!(status, "warning");
    assert!(detail.starts_with("unknown"), "{detail}");
    let database = database_with_canary().await?;
    let (status, detail) = check(&database).await?;
    assert_eq!(status, "warning");
    assert!(detail.starts_with("unknown"), "{detail}");
    assert!(detail.contains("CANARY_"), "{detail}");
    // One that has stopped reporting.
    report(&database, json!({"canary_no": 7, "lag_ms": 12})).await?;
    database
        .change(
            "update stream.canary set reported_at = reported_at - interval '2 minutes',
                 received_at = received_at - interval '2 minutes'",
        )
        .await?;
    let (status, detail) = check(&database).await?;
    assert_eq!(status, "warning");
    assert!(detail.starts_with("unknown"), "{detail}");
    Ok(())
}

#[tokio::test]
async fn a_report_shows_the_last_round_trip() -> Result<()> {
    let database = database_with_canary().await?;
    let answer = report(&database, json!({"canary_no": 7, "lag_ms": 12})).await?;
    assert_eq!(answer["user_id"], demo::ADA.to_string());
    assert_eq!(answer["canary_no"], 7);
    assert_eq!(answer["has_partition"], true);
    assert_eq!(answer["is_published"], true);
    let (status, detail) = check(&database).await?;
    assert_eq!(status, "ok", "{detail}");
    assert!(detail.contains("number 7"), "{detail}");
    assert!(detail.contains("12 ms"), "{detail}");
    // An older one of another copy, and one that was never sent, change nothing.
    for (number, lag_ms) in [(6, 99), (8, 99)] {
        report(&database, json!({"canary_no": number, "lag_ms": lag_ms})).await?;
        let (_, detail) = check(&database).await?;
        assert!(detail.contains("12 ms"), "{detail}");
    }
    Ok(())
}

/// As after a recovery to an earlier moment.
#[tokio::test]
async fn numbers_that_went_back_are_received_again() -> Result<()> {
    let database = database_with_canary().await?;
    report(&database, json!({"canary_no": 7, "lag_ms": 12})).await?;
    database
        .change("update stream.canary set canary_no = 3")
        .await?;
    // What another copy still holds was never sent.
    report(&database, json!({"canary_no": 7, "lag_ms": 99})).await?;
    let (_, detail) = check(&database).await?;
    assert!(detail.contains("12 ms"), "{detail}");
    report(&database, json!({"canary_no": 3, "lag_ms": 34})).await?;
    let (status, detail) = check(&database).await?;
    assert_eq!(status, "ok", "{detail}");
    assert!(detail.contains("number 3"), "{detail}");
    assert!(detail.contains("34 ms"), "{detail}");
    report(&database, json!({"canary_no": 2, "lag_ms": 99})).await?;
    let (_, detail) = check(&database).await?;
    assert!(detail.contains("34 ms"), "{detail}");
    Ok(())
}

#[tokio::test]
async fn each_failure_is_told_with_what_mends_it() -> Result<()> {
    let database = database_with_canary().await?;
    for (state, words) in [
        ("not_sent", "config.canary_user_id"),
        ("not_followed", "replication slot"),
        ("dropped", "realtime_messages_per_s"),
        ("realtime_away", "cannot be reached"),
        ("unauthorised", "policies"),
    ] {
        report(&database, json!({"state": state})).await?;
        let (status, detail) = check(&database).await?;
        assert_eq!(status, "failure", "{state}");
        assert!(detail.contains(words), "{state}: {detail}");
    }
    // A copy that gets them does not hide at once that another does not.
    report(&database, json!({"canary_no": 7, "lag_ms": 12})).await?;
    assert_eq!(check(&database).await?.0, "failure");
    database
        .change("update stream.canary set failed_at = failed_at - interval '1 minute'")
        .await?;
    assert_eq!(check(&database).await?.0, "ok");
    report(&database, json!({"state": "unknown"})).await?;
    assert_eq!(check(&database).await?.0, "warning");
    Ok(())
}

#[tokio::test]
async fn one_that_is_not_sent_is_the_failure_whatever_is_reported() -> Result<()> {
    let database = database_with_canary().await?;
    report(&database, json!({"canary_no": 7, "lag_ms": 12})).await?;
    database
        .change("update stream.canary set sent_at = now() - interval '26 seconds'")
        .await?;
    let (status, detail) = check(&database).await?;
    assert_eq!(status, "failure");
    assert!(detail.starts_with("none was sent since"), "{detail}");
    Ok(())
}

#[tokio::test]
async fn a_report_states_what_realtime_needs() -> Result<()> {
    let database = database_with_canary().await?;
    let superuser = database.superuser().await?;
    superuser
        .batch_execute("drop publication supabase_realtime_messages_publication")
        .await?;
    superuser.batch_execute(DETACH_TODAY).await?;
    let answer = report(&database, json!({"state": "unknown"})).await?;
    assert_eq!(answer["is_published"], false);
    assert_eq!(answer["is_followed"], false);
    assert_eq!(answer["has_partition"], false);
    superuser
        .batch_execute(
            "create table realtime.messages_default partition of realtime.messages default",
        )
        .await?;
    let answer = report(&database, json!({"state": "unknown"})).await?;
    assert_eq!(answer["has_partition"], true);
    Ok(())
}

#[tokio::test]
async fn reports_are_the_services_and_make_sense() -> Result<()> {
    let database = database_with_canary().await?;
    let ada = database.user(demo::ADA).await?;
    let reported = ada.rpc("report_canary", json!({"state": "delivered"}));
    expect_refusal(ErrorCode::PermissionDenied, reported.await)?;
    let service = database.service().await?;
    for nonsense in [
        json!({"state": "well"}),
        json!({"state": null}),
        json!({"canary_no": 7}),
        json!({"lag_ms": 7}),
        json!({"canary_no": 0, "lag_ms": 7}),
        json!({"canary_no": 7, "lag_ms": -1}),
    ] {
        let reported = service.rpc("report_canary", nonsense);
        expect_refusal(ErrorCode::InvalidArgument, reported.await)?;
    }
    Ok(())
}
