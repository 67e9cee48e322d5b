//! The summary of a stream, while it goes on and right after its end.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::moderation::delete_message;
use stream_tests::refusal::expect_refusal;
use stream_tests::stream::send_message;

#[tokio::test]
async fn a_summary_says_what_came_of_a_stream() -> Result<()> {
    let database = TestDatabase::create().await?;
    // Somebody else's figures are in none of them.
    let other = database.stream_in(StreamState::Active).await?;
    let elsewhere = database.viewer(other, demo::CLEO).await?;
    send_message(&elsewhere, other, "elsewhere").await?;

    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    database.tick().await?;
    let message = send_message(&ada, id, "one").await?;
    send_message(&ben, id, "two").await?;
    database.pass_time(id, 30).await?;
    ben.rpc("remove_viewer", json!({"session_id": id})).await?;
    database.tick().await?;
    let seller = database.user(demo::SELLER).await?;
    delete_message(&seller, id, &message).await?;
    let so_far = seller
        .rpc("get_stream_summary", json!({"session_id": id}))
        .await?;
    assert_eq!(so_far["state"], "active");
    assert_eq!(so_far["ended_at"], Value::Null);
    assert_eq!(so_far["title"], "Auction");
    for (figure, expected) in [
        ("peak_viewer_count", 2),
        ("unique_viewers", 2),
        ("message_count", 2),
        ("deleted_message_count", 1),
    ] {
        assert_eq!(so_far[figure], expected, "{figure}");
    }
    let at_least = |summary: &Value, figure: &str, ms: i64| {
        let value = summary[figure].as_i64().context("no figure")?;
        anyhow::ensure!(value >= ms, "{figure} is {value}");
        Ok(value)
    };
    at_least(&so_far, "watch_ms", 60_000)?;
    at_least(&so_far, "duration_ms", 30_000)?;

    seller
        .rpc(
            "end_stream",
            json!({"session_id": id, "reason": "sold out"}),
        )
        .await?;
    for caller in [&seller, &database.service().await?] {
        let summary = caller
            .rpc("get_stream_summary", json!({"session_id": id}))
            .await?;
        let row = database.session_row(id).await?;
        assert_eq!(summary["end_reason"], "sold out");
        assert_eq!(summary["ended_at"], row["ended_at"]);
        assert_eq!(summary["unique_viewers"], 2);
        let watched: i64 = database
            .value(&format!(
                "select sum(watch_ms)::bigint from stream.stream_viewers where session_id = '{id}'"
            ))
            .await?;
        assert_eq!(summary["watch_ms"], watched);
        let length: i64 = database
            .value(&format!(
                "select (extract(epoch from ended_at - started_at) * 1000)::bigint
                 from stream.stream_sessions where id = '{id}'"
            ))
            .await?;
        assert_eq!(summary["duration_ms"], length);
    }
    Ok(())
}

#[tokio::test]
async fn a_summary_is_for_the_seller_and_the_service() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Initializing).await?;
    let other_seller = database.add_user("sam").await?;
    let auction = database.add_auction(other_seller).await?;
    let other = database.user(other_seller).await?;
    other
        .rpc("start_stream", json!({"auction_id": auction}))
        .await?;
    let (_, moderator) = database.moderator("mia").await?;
    let viewer = database.user(demo::ADA).await?;
    let arguments = json!({"session_id": id});
    for caller in [&other, &moderator, &viewer] {
        let refused = caller.rpc("get_stream_summary", arguments.clone());
        database.refuses(ErrorCode::NotStreamOwner, refused).await?;
    }
    let anon = database.anon().await?;
    let refused = anon.rpc("get_stream_summary", arguments.clone()).await;
    expect_refusal(ErrorCode::PermissionDenied, refused)?;
    let seller = database.user(demo::SELLER).await?;
    let never_live = seller.rpc("get_stream_summary", arguments).await?;
    assert_eq!(never_live["duration_ms"], 0);
    assert_eq!(never_live["started_at"], Value::Null);
    let nowhere = seller.rpc(
        "get_stream_summary",
        json!({"session_id": uuid::Uuid::new_v4()}),
    );
    database.refuses(ErrorCode::SessionNotFound, nowhere).await
}

/// A lease that is over counts until the last sign of life, before a sweep has come to it as after.
#[tokio::test]
async fn leases_that_are_over_count_as_the_sweep_will_write_them() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    for user in [demo::ADA, demo::BEN, demo::CLEO] {
        database.viewer(id, user).await?;
    }
    // Ada was last seen 100 s after she joined and is out of her lease; Ben sends heartbeats from the background, too
    // long ago; Cleo is there.
    database.pass_time(id, 300).await?;
    database
        .change(&format!(
            "update stream.stream_viewers set last_seen_at = joined_at + interval '100 s' where user_id = '{}';
             update stream.stream_viewers set last_seen_at = now() - interval '5 s',
                 background_since = now() - interval '200 s' where user_id = '{}';
             update stream.stream_viewers set last_seen_at = now() where user_id = '{}';
             update stream.stream_viewers set lease_check_at = now() - interval '1 s'",
            demo::ADA,
            demo::BEN,
            demo::CLEO
        ))
        .await?;
    let seller = database.user(demo::SELLER).await?;
    let summary = async || {
        let call = seller.rpc("get_stream_summary", json!({"session_id": id}));
        anyhow::Ok(call.await?["watch_ms"].as_i64().context("no figure")?)
    };
    let before = summary().await?;
    let open: i64 = database
        .value("select count(*) from stream.stream_viewers where is_active")
        .await?;
    assert_eq!(open, 3);
    database.sweep().await?;
    let closed: i64 = database
        .value("select sum(watch_ms)::bigint from stream.stream_viewers where not is_active")
        .await?;
    // 100 s of Ada's, 295 s of Ben's, and 300 s and what has passed of Cleo's, who still counts.
    assert!((394_000..=396_500).contains(&closed), "{closed}");
    let after = summary().await?;
    let open: i64 = database
        .value("select count(*) from stream.stream_viewers where is_active")
        .await?;
    assert_eq!(open, 1);
    assert!(before >= closed + 300_000, "{before} of {closed}");
    assert!(after >= before, "{after} < {before}");
    Ok(())
}

/// The figures of a stream that has ended stand in its row: reading them touches neither its viewers nor its log.
#[tokio::test]
async fn the_summary_of_an_ended_stream_is_counted_once() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    database.viewer(id, demo::BEN).await?;
    let message = send_message(&ada, id, "one").await?;
    send_message(&ada, id, "two").await?;
    let seller = database.user(demo::SELLER).await?;
    delete_message(&seller, id, &message).await?;
    let arguments = json!({"session_id": id});
    seller.rpc("end_stream", arguments.clone()).await?;
    let counted = seller.rpc("get_stream_summary", arguments.clone()).await?;
    database.sweep().await?;
    let kept = seller.rpc("get_stream_summary", arguments.clone()).await?;
    assert_eq!(kept, counted);
    for (figure, expected) in [
        ("unique_viewers", 2),
        ("message_count", 2),
        ("deleted_message_count", 1),
    ] {
        assert_eq!(kept[figure], expected, "{figure}");
    }
    // Also when what was counted is gone.
    database
        .superuser()
        .await?
        .batch_execute(
            "set session_replication_role = replica;
             delete from stream.chat_messages; delete from stream.stream_viewers",
        )
        .await?;
    assert_eq!(seller.rpc("get_stream_summary", arguments).await?, kept);
    Ok(())
}

/// A long log is counted in parts; what is not counted yet is counted by whoever asks.
#[tokio::test]
async fn the_log_of_an_ended_stream_is_counted_in_parts() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    seller.rpc("end_stream", json!({"session_id": id})).await?;
    database
        .superuser()
        .await?
        .batch_execute(&format!(
            "set session_replication_role = replica;
             insert into stream.chat_messages (session_id, seq, content, message_type, created_at, updated_at)
             select '{id}', 100 + n, 'm', 'user_message', now(), now() from generate_series(1, 25000) as n;
             update stream.chat_heads set last_seq = 25100 where session_id = '{id}'"
        ))
        .await?;
    for (counted, is_cleaned) in [(10_000, false), (20_000, false), (25_100, true)] {
        database.sweep().await?;
        let row = database.session_row(id).await?;
        assert_eq!(row["counted_seq"], counted);
        assert_eq!(row["is_cleaned"], is_cleaned);
        let summary = seller.rpc("get_stream_summary", json!({"session_id": id}));
        assert_eq!(summary.await?["message_count"], 25_000);
    }
    Ok(())
}
