//! Figures follow what happens.

use anyhow::Result;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::stream::send_message;

/// Lets the next round sample what was written since the last.
async fn sample(database: &TestDatabase) -> Result<()> {
    database
        .change(
            "update stream.figures set sampled_at = now() - interval '10 seconds';
             update stream.ticker set swept_at = now() - interval '1 second'",
        )
        .await?;
    database.service().await?.rpc("tick", json!({})).await?;
    Ok(())
}

#[tokio::test]
async fn live_streams_are_counted_by_state_and_their_viewers_summed() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    database.viewer(id, demo::BEN).await?;
    let paused = database.stream_in(StreamState::Paused).await?;
    database.viewer(paused, demo::CLEO).await?;
    sample(&database).await?;
    for (state, count) in [
        ("active", 1.0),
        ("paused", 1.0),
        ("error", 0.0),
        ("initializing", 0.0),
    ] {
        let sessions = database
            .figure("pg_stream_sessions", json!({"state": state}))
            .await?;
        assert_eq!(sessions, count, "{state}");
    }
    assert_eq!(database.figure("pg_stream_viewers", json!({})).await?, 3.0);
    Ok(())
}

/// Whatever becomes of a stream, its entries are counted once.
#[tokio::test]
async fn entries_are_counted_through_the_end_and_the_deletion_of_their_stream() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    sample(&database).await?;
    let before = database
        .figure("pg_stream_messages_total", json!({}))
        .await?;
    for text in ["one", "two", "three"] {
        send_message(&ada, id, text).await?;
    }
    sample(&database).await?;
    let total = || database.figure("pg_stream_messages_total", json!({}));
    let sent: i64 = database
        .value("select sum(frames)::bigint from stream.chat_relay")
        .await?;
    let frames = database.figure("pg_stream_frames_total", json!({})).await?;
    assert_eq!(frames, f64::from(u32::try_from(sent)?));
    assert!(frames > 0.0);
    assert_eq!(total().await?, before + 3.0);
    let per_second = database
        .figure("pg_stream_messages_per_second", json!({}))
        .await?;
    assert!((0.2..=0.3).contains(&per_second), "{per_second}");

    database
        .service()
        .await?
        .rpc("end_stream", json!({"session_id": id}))
        .await?;
    sample(&database).await?;
    let ended = total().await?;
    assert!(ended > before + 3.0, "the end is an entry too");
    // Ten minutes later it is no longer looked at, and then gone.
    database
        .change(&format!(
            "update stream.stream_sessions set ended_at = now() - interval '11 minutes' where id = '{id}';
             update stream.figures set ended_upto = now() - interval '12 minutes'"
        ))
        .await?;
    sample(&database).await?;
    assert_eq!(total().await?, ended);
    database
        .change(&format!(
            "delete from stream.stream_sessions where id = '{id}'"
        ))
        .await?;
    sample(&database).await?;
    assert_eq!(total().await?, ended);
    assert_eq!(
        database
            .figure("pg_stream_messages_per_second", json!({}))
            .await?,
        0.0
    );
    Ok(())
}

#[tokio::test]
async fn what_is_not_sent_yet_is_shown_with_its_age() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    assert_eq!(
        database
            .figure("pg_stream_tails_waiting", json!({}))
            .await?,
        0.0
    );
    assert_eq!(
        database
            .figure("pg_stream_oldest_unsent_seconds", json!({}))
            .await?,
        0.0
    );
    database.leave_unflushed(id, 3).await?;
    database
        .change("update stream.chat_messages set created_at = now() - interval '1 hour'")
        .await?;
    assert_eq!(
        database
            .figure("pg_stream_tails_waiting", json!({}))
            .await?,
        1.0
    );
    let age_s = database
        .figure("pg_stream_oldest_unsent_seconds", json!({}))
        .await?;
    assert!((3600.0..3700.0).contains(&age_s), "{age_s}");
    Ok(())
}

#[tokio::test]
async fn rules_say_when_they_ran_and_what_they_did() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    database.viewer(id, demo::BEN).await?;
    database
        .change(
            "update stream.stream_viewers
             set last_seen_at = now() - interval '10 minutes', lease_check_at = now() - interval '9 minutes'",
        )
        .await?;
    sample(&database).await?;
    let leases = json!({"rule": "viewer_leases"});
    assert_eq!(
        database
            .figure("pg_stream_lease_expiries_total", json!({}))
            .await?,
        2.0
    );
    assert_eq!(
        database
            .figure("pg_stream_swept_rows_total", leases.clone())
            .await?,
        2.0
    );
    let overdue_s = database
        .figure("pg_stream_overdue_seconds", leases.clone())
        .await?;
    assert!((540.0..600.0).contains(&overdue_s), "{overdue_s}");
    for rule in [
        "viewer_leases",
        "session_timeouts",
        "retention",
        "viewer_counts",
        "canary",
    ] {
        let age_s = database
            .figure("pg_stream_sweep_age_seconds", json!({"rule": rule}))
            .await?;
        assert!(age_s < 60.0, "{rule}: {age_s}");
    }
    // A manual sweep is counted too, and nothing twice.
    database.service().await?.rpc("sweep", json!({})).await?;
    assert_eq!(
        database
            .figure("pg_stream_swept_rows_total", leases.clone())
            .await?,
        2.0
    );
    assert_eq!(
        database.figure("pg_stream_overdue_seconds", leases).await?,
        0.0
    );
    // The verdicts of a rule are rows, not rules that run.
    let verdict = json!({"rule": "host_lost"});
    assert_eq!(
        database
            .metric("pg_stream_sweep_age_seconds", &verdict)
            .await?,
        None
    );
    Ok(())
}

#[tokio::test]
async fn a_rule_that_fails_grows_old_and_is_a_trouble() -> Result<()> {
    let database = TestDatabase::create().await?;
    sample(&database).await?;
    database
        .change(
            "update stream.rule_figures set ran_at = ran_at - interval '1 hour';
             insert into stream.troubles (session_id, rule, sqlstate, since, attempts, next_attempt_at)
             values (null, 'retention', '57014', now(), 1, now() + interval '1 minute')",
        )
        .await?;
    sample(&database).await?;
    let age = async |rule: &str| {
        database
            .figure("pg_stream_sweep_age_seconds", json!({"rule": rule}))
            .await
    };
    assert!(age("retention").await? >= 3600.0);
    assert!(age("tokens").await? < 60.0);
    let troubles = database
        .figure("pg_stream_troubles", json!({"rule": "retention"}))
        .await?;
    assert_eq!(troubles, 1.0);
    Ok(())
}

/// Figures are written apart from the work: what keeps them from being written is a trouble of their own.
#[tokio::test]
async fn a_locked_table_of_figures_keeps_no_round_from_its_end() -> Result<()> {
    let database = TestDatabase::create().await?;
    let mut holder = database.connect("postgres").await?;
    let held = holder.transaction().await?;
    held.batch_execute("lock table stream.rule_figures in access exclusive mode")
        .await?;
    sample(&database).await?;
    let is_swept: bool = database
        .value("select swept_at > now() - interval '1 minute' from stream.ticker")
        .await?;
    assert!(is_swept);
    let trouble: String = database.value("select rule from stream.troubles").await?;
    assert_eq!(trouble, "figures");
    held.rollback().await?;
    database
        .change("update stream.troubles set next_attempt_at = now() - interval '1 second'")
        .await?;
    sample(&database).await?;
    let troubles: i64 = database
        .value("select count(*) from stream.troubles")
        .await?;
    assert_eq!(troubles, 0);
    Ok(())
}
