//! Heartbeats next to whoever holds their rows: a viewer's never waits, the host's a moment, and a message
//! is a sign of life too.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::agora::buyer_token;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::{send_heartbeat, send_heartbeat_with};
use stream_tests::refusal::expect_refusal;
use stream_tests::stream::send_message;
use tokio_postgres::Client;
use uuid::Uuid;

/// Most of `config.lease_s`.
const NEARLY_A_LEASE: i64 = 40;

/// Whoever waits without end is ended by this, and fails.
async fn limit_statements(database: &TestDatabase) -> Result<()> {
    let timeout = format!(
        "alter database {} set statement_timeout = '20s'",
        database.name()
    );
    Ok(database.superuser().await?.batch_execute(&timeout).await?)
}

async fn live() -> Result<(TestDatabase, Uuid)> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    limit_statements(&database).await?;
    Ok((database, session))
}

async fn hold(database: &TestDatabase, row: &str) -> Result<Client> {
    let holder = database.connect("postgres").await?;
    holder
        .batch_execute(&format!("begin; select from {row} for update"))
        .await?;
    Ok(holder)
}

fn head(session: Uuid) -> String {
    format!("stream.chat_heads where session_id = '{session}'")
}

fn relay(session: Uuid) -> String {
    format!("stream.chat_relay where session_id = '{session}'")
}

fn row(session: Uuid) -> String {
    format!("stream.stream_sessions where id = '{session}'")
}

fn lease(session: Uuid, user: Uuid) -> String {
    format!("stream.stream_viewers where session_id = '{session}' and user_id = '{user}'")
}

async fn is_active(database: &TestDatabase, session: Uuid) -> Result<bool> {
    database.sweep().await?;
    Ok(database.viewer_row(session, demo::ADA).await?["is_active"] == true)
}

/// What an answer says apart from the time.
fn timeless(mut answer: Value) -> Value {
    answer["server_time"] = Value::Null;
    answer
}

/// The message holds the lease and waits for the log.
#[tokio::test]
async fn a_heartbeat_comes_through_beside_a_message_that_waits() -> Result<()> {
    let (database, session) = live().await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let usual = send_heartbeat(&ada, session).await?;
    database.pass_time(session, NEARLY_A_LEASE).await?;
    let holder = hold(&database, &head(session)).await?;
    let sender = database.user(demo::ADA).await?;
    let backend = sender.backend().await?;
    let message = tokio::spawn(async move { send_message(&sender, session, "hi").await });
    wait_until_blocked(&database.owner, backend).await?;

    let before = database.viewer_row(session, demo::ADA).await?;
    assert_eq!(
        timeless(send_heartbeat(&ada, session).await?),
        timeless(usual)
    );
    assert_eq!(database.viewer_row(session, demo::ADA).await?, before);

    holder.batch_execute("rollback").await?;
    message.await??;
    database.pass_time(session, NEARLY_A_LEASE).await?;
    assert!(is_active(&database, session).await?);
    Ok(())
}

#[tokio::test]
async fn a_message_prolongs_the_lease_of_its_sender() -> Result<()> {
    let (database, session) = live().await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let service = database.service().await?;
    for round in 0..4 {
        database.pass_time(session, NEARLY_A_LEASE).await?;
        if round % 2 == 0 {
            send_message(&ada, session, "hi").await?;
        } else {
            let item = json!({"session_id": session, "user_id": demo::ADA, "content": "hi"});
            let items = json!({"items": [item]});
            assert_eq!(service.rpc("send_messages", items).await?["status"], "ok");
        }
    }
    database.pass_time(session, NEARLY_A_LEASE).await?;
    assert!(is_active(&database, session).await?);
    database.pass_time(session, NEARLY_A_LEASE).await?;
    assert!(!is_active(&database, session).await?);
    Ok(())
}

/// Only the device knows whether its app is in front.
#[tokio::test]
async fn a_message_does_not_bring_an_app_to_the_foreground() -> Result<()> {
    let (database, session) = live().await?;
    let ada = database.viewer(session, demo::ADA).await?;
    send_heartbeat_with(&ada, session, json!({"foreground": false})).await?;
    send_message(&ada, session, "hi").await?;
    assert_eq!(
        database.viewer_row(session, demo::ADA).await?["foreground"],
        false
    );
    database.pass_time(session, NEARLY_A_LEASE).await?;
    send_message(&ada, session, "hi").await?;
    database.pass_time(session, NEARLY_A_LEASE).await?;
    assert!(!is_active(&database, session).await?);
    Ok(())
}

/// A message that is refused is none.
#[tokio::test]
async fn a_refused_message_prolongs_nothing() -> Result<()> {
    let (database, session) = live().await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    let mute = json!({"session_id": session, "user_id": demo::ADA});
    seller.rpc("mute_user", mute).await?;
    database.pass_time(session, NEARLY_A_LEASE).await?;
    expect_refusal(ErrorCode::Muted, send_message(&ada, session, "hi").await)?;
    database.pass_time(session, NEARLY_A_LEASE).await?;
    assert!(!is_active(&database, session).await?);
    Ok(())
}

#[tokio::test]
async fn a_token_that_is_due_waits_for_nobody_who_holds_the_lease() -> Result<()> {
    let (database, session) = live().await?;
    let ada = database.viewer(session, demo::ADA).await?;
    buyer_token(&ada, session).await?;
    database.pass_time(session, 3000).await?;
    send_heartbeat(&ada, session).await?;
    buyer_token(&ada, session).await?;
    database
        .change("update stream.stream_viewers set token_issued_at = token_issued_at - interval '59 minutes', token_expires_at = token_expires_at - interval '59 minutes', token_held_until = token_held_until - interval '59 minutes'")
        .await?;
    for held in [
        lease(session, demo::ADA),
        row(session),
        format!("auth.users where id = '{}'", demo::ADA),
    ] {
        let holder = hold(&database, &held).await?;
        let answer = send_heartbeat(&ada, session).await?;
        assert_eq!(
            (&answer["status"], &answer["token"]),
            (&json!("ok"), &Value::Null),
            "{held}"
        );
        holder.batch_execute("rollback").await?;
    }
    assert!(send_heartbeat(&ada, session).await?["token"].is_object());
    Ok(())
}

/// What the row said before it was held decides.
#[tokio::test]
async fn a_held_lease_hides_no_refusal() -> Result<()> {
    let (database, session) = live().await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let again = json!({"session_id": session});
    ada.rpc("add_viewer", again).await?;
    let holder = hold(&database, &lease(session, demo::ADA)).await?;
    let older = send_heartbeat_with(&ada, session, json!({"join_no": 1})).await?;
    assert_eq!(older["status"], "superseded");
    let newer = send_heartbeat_with(&ada, session, json!({"join_no": 2})).await?;
    assert_eq!(newer["status"], "ok");
    let background = send_heartbeat_with(&ada, session, json!({"foreground": false})).await?;
    assert_eq!(background["status"], "ok");
    holder.batch_execute("rollback").await?;
    send_heartbeat_with(&ada, session, json!({"foreground": false})).await?;
    assert_eq!(
        database.viewer_row(session, demo::ADA).await?["foreground"],
        false
    );
    ada.rpc("remove_viewer", json!({"session_id": session}))
        .await?;
    let holder = hold(&database, &lease(session, demo::ADA)).await?;
    expect_refusal(ErrorCode::NotViewer, send_heartbeat(&ada, session).await)?;
    holder.batch_execute("rollback").await?;
    Ok(())
}

/// Unwritten, and with the word to come again soon.
#[tokio::test]
async fn the_hosts_heartbeat_does_not_hang_where_the_stream_is_held() -> Result<()> {
    let (database, session) = live().await?;
    let seller = database.user(demo::SELLER).await?;
    let usual = send_heartbeat(&seller, session).await?;
    let holder = hold(&database, &row(session)).await?;
    let before = database.session_row(session).await?;
    let answer = send_heartbeat(&seller, session).await?;
    assert_eq!(answer["next_in_ms"], 1000);
    let mut like_usual = timeless(answer);
    like_usual["next_in_ms"] = usual["next_in_ms"].clone();
    assert_eq!(like_usual, timeless(usual));
    assert_eq!(database.session_row(session).await?, before);
    let stale = send_heartbeat_with(&seller, session, json!({"generation": 7})).await;
    expect_refusal(ErrorCode::StaleHost, stale)?;
    holder.batch_execute("rollback").await?;
    assert_eq!(
        send_heartbeat(&seller, session).await?["next_in_ms"],
        15_000
    );
    assert_ne!(
        database.session_row(session).await?["host_heartbeat_at"],
        before["host_heartbeat_at"]
    );
    Ok(())
}

/// Everything else that may be held beside the stream's own row costs the host no sign of life.
#[tokio::test]
async fn the_hosts_heartbeat_is_written_beside_whoever_holds_the_log() -> Result<()> {
    let (database, session) = live().await?;
    let seller = database.user(demo::SELLER).await?;
    database.viewer(session, demo::ADA).await?;
    send_heartbeat(&seller, session).await?;
    for held in [
        head(session),
        relay(session),
        lease(session, demo::ADA),
        format!("auth.users where id = '{}'", demo::SELLER),
        "public.auctions".to_owned(),
    ] {
        let before = database.session_row(session).await?;
        let holder = hold(&database, &held).await?;
        send_heartbeat(&seller, session).await?;
        let after = database.session_row(session).await?;
        assert_ne!(
            after["host_heartbeat_at"], before["host_heartbeat_at"],
            "{held}"
        );
        holder.batch_execute("rollback").await?;
    }
    Ok(())
}

/// The return takes a place in the log; the sign of life does not.
#[tokio::test]
async fn a_lost_host_is_seen_while_the_log_is_held_and_returns_when_it_is_free() -> Result<()> {
    let (database, session) = live().await?;
    let seller = database.user(demo::SELLER).await?;
    send_heartbeat(&seller, session).await?;
    database.pass_time(session, 30).await?;
    database.sweep().await?;
    assert_eq!(database.session_row(session).await?["state"], "error");
    for held in [head(session), relay(session)] {
        let holder = hold(&database, &held).await?;
        let before = database.session_row(session).await?;
        let answer = send_heartbeat(&seller, session).await?;
        assert_eq!(
            (&answer["state"], &answer["next_in_ms"]),
            (&json!("error"), &json!(1000))
        );
        let after = database.session_row(session).await?;
        assert_ne!(
            after["host_heartbeat_at"], before["host_heartbeat_at"],
            "{held}"
        );
        holder.batch_execute("rollback").await?;
    }
    assert_eq!(send_heartbeat(&seller, session).await?["state"], "active");
    Ok(())
}
