//! A server whose clock was set back tries again what failed, and does not take for alive what ended before.

use anyhow::Result;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;

/// The failure of a rule for all streams, and of one for one stream.
#[tokio::test]
async fn what_failed_before_is_tried_again_at_once() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.tick().await?;
    database
        .change(&format!(
            "insert into stream.troubles (session_id, rule, sqlstate, since, attempts, next_attempt_at) values
                 ('{id}', 'viewer_counts', '57014', now(), 9, now() + interval '1 hour 4 minutes'),
                 (null, 'late_events', '57014', now(), 3, now() + interval '1 hour 8 seconds'),
                 (null, 'figures', '57014', now(), 3, now() + interval '1 hour 8 seconds')"
        ))
        .await?;
    database.viewer(id, demo::ADA).await?;
    database
        .change("update stream.figures set sampled_at = now() - interval '1 minute'")
        .await?;
    database.tick().await?;
    assert_eq!(database.session_row(id).await?["viewer_count"], 1);
    let (status, detail) = database.check("troubles").await?;
    assert_eq!(status, "ok", "{detail}");
    Ok(())
}

#[tokio::test]
async fn a_pause_that_is_not_over_is_still_kept() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.tick().await?;
    database
        .change(&format!(
            "insert into stream.troubles (session_id, rule, sqlstate, since, attempts, next_attempt_at)
             values ('{id}', 'viewer_counts', '57014', now(), 9, now() + interval '5 minutes')"
        ))
        .await?;
    database.viewer(id, demo::ADA).await?;
    database.tick().await?;
    assert_eq!(database.session_row(id).await?["viewer_count"], 0);
    Ok(())
}

#[tokio::test]
async fn a_ticker_that_ended_before_is_missed() -> Result<()> {
    let database = TestDatabase::create().await?;
    database.tick().await?;
    let (status, detail) = database.check("ticker").await?;
    assert_eq!(status, "ok", "{detail}");
    database
        .change("update stream.ticker set ticked_at = ticked_at + interval '1 hour'")
        .await?;
    let (status, detail) = database.check("ticker").await?;
    assert_eq!(status, "failure", "{detail}");
    let age = database
        .figure("pg_stream_tick_age_seconds", json!({}))
        .await?;
    assert!((3500.0..=3600.0).contains(&age), "{age} s");
    Ok(())
}

#[tokio::test]
async fn who_holds_the_row_of_the_ticker_is_named() -> Result<()> {
    let database = TestDatabase::create().await?;
    database.tick().await?;
    database
        .change("update stream.ticker set ticked_at = ticked_at + interval '1 hour'")
        .await?;
    let holder = database.connect("postgres").await?;
    holder
        .batch_execute("begin; select from stream.ticker for update")
        .await?;
    let (status, detail) = database.check("held_rows").await?;
    assert_eq!(status, "warning", "{detail}");
    assert!(
        detail.contains("the row of the ticker in stream.ticker"),
        "{detail}"
    );
    holder.batch_execute("rollback").await?;
    Ok(())
}

/// A watcher reported a failure and ended, and then no canary is sent.
#[tokio::test]
async fn reports_of_before_say_nothing_of_now() -> Result<()> {
    let database = TestDatabase::create().await?;
    database
        .change(&format!(
            "update stream.config set canary_user_id = '{}';
             update stream.canary set canary_no = 7, sent_at = now(), state = 'delivered',
                 reported_at = now(), failed_at = now() + interval '1 hour', failed_state = 'dropped'",
            demo::ADA
        ))
        .await?;
    let (status, detail) = database.check("canary").await?;
    assert_eq!(status, "ok", "{detail}");
    database
        .change("update stream.canary set reported_at = reported_at + interval '1 hour'")
        .await?;
    let (status, detail) = database.check("canary").await?;
    assert_eq!(status, "warning", "{detail}");
    assert!(detail.starts_with("unknown"), "{detail}");
    database
        .change("update stream.canary set sent_at = sent_at + interval '1 hour'")
        .await?;
    let (status, detail) = database.check("canary").await?;
    assert_eq!(status, "failure", "{detail}");
    assert!(detail.starts_with("none was sent"), "{detail}");
    let age = database
        .figure("pg_stream_canary_sent_age_seconds", json!({}))
        .await?;
    assert!((3500.0..=3600.0).contains(&age), "{age} s");
    Ok(())
}

/// For two minutes another device of theirs may hold a channel; not for an hour and two minutes.
#[tokio::test]
async fn a_device_that_was_superseded_before_counts_no_more() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    for _ in 0..2 {
        ada.rpc("join_stream", json!({"session_id": id})).await?;
    }
    database.tick().await?;
    assert_eq!(database.session_row(id).await?["superseded_count"], 1);
    database
        .change("update stream.stream_viewers set token_issued_at = token_issued_at + interval '1 hour'")
        .await?;
    database.viewer(id, demo::BEN).await?;
    database.tick().await?;
    assert_eq!(database.session_row(id).await?["superseded_count"], 0);
    Ok(())
}
