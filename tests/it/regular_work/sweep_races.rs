//! Sweeps while somebody else holds the same rows.

use anyhow::Result;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::agora::seller_token;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::regular_work::Swept;
use uuid::Uuid;

#[tokio::test]
async fn a_row_that_somebody_holds_is_left_for_the_next_sweep() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let paused = database.stream_in(StreamState::Paused).await?;
    let watched = database.stream_in(StreamState::Active).await?;
    database.viewer(watched, demo::ADA).await?;
    seller_token(&seller, watched).await?;
    database
        .change(&format!(
            "insert into stream.chat_restrictions (session_id, user_id, kind, until)
             values ('{watched}', '{}', 'mute', now())",
            demo::BEN
        ))
        .await?;
    let old = database.stream_in(StreamState::Ended).await?;
    let unchecked = database.stream_in(StreamState::Ended).await?;
    for (id, seconds) in [(paused, 3700), (watched, 3700), (old, 91 * 86_400)] {
        database.pass_time(id, seconds).await?;
    }
    for (lock, rule) in [
        (
            format!("stream_sessions where id = '{paused}'"),
            "paused_timeout",
        ),
        (
            format!("stream_viewers where session_id = '{watched}'"),
            "viewer_leases",
        ),
        (
            format!("agora_tokens where session_id = '{watched}'"),
            "tokens",
        ),
        (
            format!("chat_restrictions where session_id = '{watched}'"),
            "restrictions",
        ),
        (
            format!("stream_sessions where id = '{unchecked}'"),
            "ended_resources",
        ),
        (format!("stream_sessions where id = '{old}'"), "retention"),
    ] {
        let mut holder = database.connect("postgres").await?;
        let transaction = holder.transaction().await?;
        transaction
            .execute(&format!("select from stream.{lock} for update"), &[])
            .await?;
        let service = database.service().await?;
        service.begin().await?;
        let rows = service.rpc_rows_within("sweep", json!({})).await?;
        service.rollback().await?;
        let of_rule = rows.iter().find(|row| row["rule"] == rule);
        let held_back = if rule == "ended_resources" {
            // The others that have ended are checked.
            2
        } else {
            0
        };
        assert!(
            of_rule.is_some_and(|row| row["rows"].as_i64() <= Some(held_back)),
            "{rule}: {rows:?}"
        );
        transaction.rollback().await?;
    }
    let swept = database.sweep().await?;
    let handled = swept.handled();
    for rule in [
        "paused_timeout",
        "viewer_leases",
        "tokens",
        "restrictions",
        "retention",
    ] {
        assert!(handled.contains_key(rule), "{rule}: {swept:?}");
    }
    Ok(())
}

/// The second sweep finds what the first has judged and not committed yet.
#[tokio::test]
async fn two_sweeps_at_once_judge_everything_once() -> Result<()> {
    let database = TestDatabase::create().await?;
    let paused = database.stream_in(StreamState::Paused).await?;
    let watched = database.stream_in(StreamState::Active).await?;
    database.viewer(watched, demo::ADA).await?;
    for id in [paused, watched] {
        database.pass_time(id, 3700).await?;
    }
    // The regular work gives up after a moment, which must not end before the first sweep does.
    database
        .change(
            "alter function stream_private.wait_at_gate(uuid, boolean) set lock_timeout = '60s'",
        )
        .await?;
    let first = database.service().await?;
    first.begin().await?;
    first.rpc_within("sweep", json!({})).await?;
    let second = database.service().await?;
    let backend = second.backend().await?;
    let waiting = tokio::spawn(async move { second.rpc_rows("sweep", json!({})).await });
    // For its turn at the stream that the first has judged.
    wait_until_blocked(&database.owner, backend).await?;
    first.commit().await?;
    let second = Swept(waiting.await??);
    let third = database.sweep().await?;
    // Which of them finds the stream ended, and checks it, depends on where the second waited.
    let mut handled = second.handled();
    for (rule, rows) in third.handled() {
        *handled.entry(rule).or_default() += rows;
    }
    assert_eq!(handled, [("ended_resources", 1)].into());
    assert_eq!(database.log(paused).await?.len(), 4);
    assert!(database.sweep().await?.handled().is_empty());
    Ok(())
}

/// Lets a sweep begin and wait, does something meanwhile, and lets it go on.
async fn while_a_sweep_waits(
    database: &TestDatabase,
    meanwhile: impl Future<Output = Result<()>>,
) -> Result<()> {
    let mut holder = database.connect("postgres").await?;
    let transaction = holder.transaction().await?;
    // Only the regular work reads it, before it locks anything.
    transaction
        .batch_execute("lock table stream.troubles in access exclusive mode")
        .await?;
    let service = database.service().await?;
    let backend = service.backend().await?;
    let sweep = tokio::spawn(async move { service.rpc_rows("sweep", json!({})).await });
    wait_until_blocked(&database.owner, backend).await?;
    meanwhile.await?;
    transaction.rollback().await?;
    sweep.await??;
    Ok(())
}

#[tokio::test]
async fn a_host_that_is_seen_while_the_sweep_waits_is_not_lost() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.stream_in(StreamState::Active).await?;
    send_heartbeat(&seller, id).await?;
    database.pass_time(id, 25).await?;
    while_a_sweep_waits(&database, async {
        send_heartbeat(&seller, id).await?;
        Ok(())
    })
    .await?;
    assert_eq!(database.session_row(id).await?["state"], "active");
    database.pass_time(id, 20).await?;
    assert_eq!(database.sweep().await?.handled()["host_lost"], 1);
    Ok(())
}

#[tokio::test]
async fn a_viewer_who_is_seen_while_the_sweep_waits_keeps_the_place() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    database.pass_time(id, 50).await?;
    while_a_sweep_waits(&database, async {
        send_heartbeat(&ada, id).await?;
        Ok(())
    })
    .await?;
    assert_eq!(database.viewer_row(id, demo::ADA).await?["is_active"], true);
    database.pass_time(id, 45).await?;
    assert_eq!(database.sweep().await?.handled()["viewer_leases"], 1);
    Ok(())
}

#[tokio::test]
async fn a_host_that_returns_while_the_sweep_waits_is_back() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = lost(&database).await?;
    database.pass_time(id, 55).await?;
    // The deadline passes in the eyes of the sweep, but the host came before it.
    while_a_sweep_waits(&database, async {
        assert_eq!(send_heartbeat(&seller, id).await?["state"], "active");
        database
            .change(&format!(
                "update stream.stream_sessions set check_at = now() - interval '1 minute'
                 where id = '{id}'"
            ))
            .await
    })
    .await?;
    assert_eq!(database.session_row(id).await?["state"], "active");
    Ok(())
}

/// A stream whose host is lost, and its deadline not yet passed.
async fn lost(database: &TestDatabase) -> Result<Uuid> {
    let id = database.stream_in(StreamState::Active).await?;
    send_heartbeat(&database.user(demo::SELLER).await?, id).await?;
    database.pass_time(id, 20).await?;
    assert_eq!(database.sweep().await?.handled()["host_lost"], 1);
    Ok(id)
}

/// The heartbeat holds the row when the sweep comes, and commits after it.
#[tokio::test]
async fn a_host_whose_heartbeat_is_under_way_is_not_lost() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.stream_in(StreamState::Active).await?;
    send_heartbeat(&seller, id).await?;
    database.pass_time(id, 25).await?;
    seller.begin().await?;
    seller
        .rpc_within("heartbeat", json!({"session_id": id}))
        .await?;
    assert!(database.sweep().await?.handled().is_empty());
    seller.commit().await?;
    assert!(database.sweep().await?.handled().is_empty());
    assert_eq!(database.session_row(id).await?["state"], "active");
    Ok(())
}

/// The sweep has judged and not committed when the host comes back.
#[tokio::test]
async fn a_heartbeat_that_waited_for_the_sweep_brings_the_stream_back() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = database.stream_in(StreamState::Active).await?;
    send_heartbeat(&seller, id).await?;
    database.pass_time(id, 25).await?;
    let service = database.service().await?;
    service.begin().await?;
    service.rpc_within("sweep", json!({})).await?;
    let backend = seller.backend().await?;
    let waiting = tokio::spawn(async move { send_heartbeat(&seller, id).await });
    wait_until_blocked(&database.owner, backend).await?;
    service.commit().await?;
    assert_eq!(waiting.await??["state"], "active");
    let states: Vec<_> = database
        .state_events(id)
        .await?
        .into_iter()
        .map(|event| event["state"].clone())
        .collect();
    assert_eq!(json!(states), json!(["active", "error", "active"]));
    Ok(())
}

#[tokio::test]
async fn a_join_that_waited_for_the_end_by_a_sweep_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Paused).await?;
    database.pass_time(id, 3700).await?;
    let service = database.service().await?;
    service.begin().await?;
    service.rpc_within("sweep", json!({})).await?;
    let ada = database.user(demo::ADA).await?;
    let backend = ada.backend().await?;
    let waiting =
        tokio::spawn(async move { ada.rpc("add_viewer", json!({"session_id": id})).await });
    wait_until_blocked(&database.owner, backend).await?;
    service.commit().await?;
    stream_tests::refusal::expect_refusal(
        stream_core::error::ErrorCode::StreamEnded,
        waiting.await?,
    )
}
