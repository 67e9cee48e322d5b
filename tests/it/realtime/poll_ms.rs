//! `poll_ms` of syncs and heartbeats: what frames say of polling, for whoever has seen no frame since.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_tests::demo;
use stream_tests::governor::Governed;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::stream::send_message;

/// `poll_ms` of each answer on which a client lives, by the name of the call.
async fn said(governed: &Governed) -> Result<Vec<(&'static str, Value)>> {
    let (database, session) = (&governed.database, governed.session);
    let seller = database.user(demo::SELLER).await?;
    let of_session = json!({"session_id": session});
    let users = [demo::ADA, demo::SELLER];
    let items = users.map(|user| json!({"session_id": session, "user_id": user}));
    let service = database.service().await?;
    let batched = service
        .rpc_rows("heartbeats", json!({"items": items}))
        .await?;
    let [of_ada, of_seller] = batched.as_slice() else {
        anyhow::bail!("{batched:?}");
    };
    let answers = [
        ("sync", governed.ada.rpc("sync", of_session.clone()).await?),
        ("the seller's sync", seller.rpc("sync", of_session).await?),
        ("heartbeat", send_heartbeat(&governed.ada, session).await?),
        ("the seller's", send_heartbeat(&seller, session).await?),
        ("a batched one", of_ada["heartbeat"].clone()),
        ("the seller's batched one", of_seller["heartbeat"].clone()),
    ];
    answers
        .into_iter()
        .map(|(name, answer)| {
            let said = answer.get("poll_ms").context(name)?;
            Ok((name, said.clone()))
        })
        .collect()
}

/// The window that is open is made longer between two frames, and the plan is taken back.
#[tokio::test]
async fn syncs_and_heartbeats_say_what_the_next_frame_will() -> Result<()> {
    let governed = Governed::start(2_500, 1_000).await?;
    governed.plan().await?;
    let frames = governed.database.frames(governed.session).await?.len();
    for (name, poll_ms) in said(&governed).await? {
        assert_eq!(poll_ms, Value::Null, "{name}");
    }
    governed
        .change("update stream.chat_relay set window_ms = 40000, next_window_ms = 40000, poll_ms = 23456")
        .await?;
    for (name, poll_ms) in said(&governed).await? {
        assert_eq!(poll_ms, 23_456, "{name}");
    }
    governed
        .change("update stream.chat_relay set poll_ms = null")
        .await?;
    for (name, poll_ms) in said(&governed).await? {
        assert_eq!(poll_ms, Value::Null, "{name}");
    }
    let since = governed.database.frames(governed.session).await?.len();
    assert_eq!(since, frames, "no frame has told of it");
    Ok(())
}

#[tokio::test]
async fn whoever_joins_inside_a_long_window_is_told_what_the_last_frame_said() -> Result<()> {
    let governed = Governed::pressed().await?;
    governed.end_window().await?;
    let ada = &governed.ada;
    send_message(ada, governed.session, "opens the window").await?;
    let told = governed.last_frame().await?["poll_ms"].clone();
    assert!(told.as_i64() >= Some(5_000), "{told}");
    let ben = governed.database.user(demo::BEN).await?;
    let of_session = json!({"session_id": governed.session});
    let joined = ben.rpc("join_stream", of_session).await?;
    assert_eq!(joined["sync"]["poll_ms"], told);
    Ok(())
}

/// Nothing is logged any more, so there is nothing to poll for, whatever the windows were.
#[tokio::test]
async fn who_reads_a_stream_that_has_ended_is_not_told_to_poll() -> Result<()> {
    let governed = Governed::pressed().await?;
    let seller = governed.database.user(demo::SELLER).await?;
    let of_session = json!({"session_id": governed.session});
    let sync = governed.ada.rpc("sync", of_session.clone()).await?;
    assert!(sync["poll_ms"].as_i64() >= Some(5_000), "{sync}");
    seller.rpc("end_stream", of_session.clone()).await?;
    let sync = governed.ada.rpc("sync", of_session).await?;
    assert_eq!(
        (&sync["state"], &sync["poll_ms"]),
        (&json!("ended"), &Value::Null)
    );
    assert!(governed.windows().await?[2].is_i64());
    Ok(())
}
