//! Slow mode, chat mode and the pinned message: their changes, and who sees them.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::moderation::delete_message;
use stream_tests::stream::{move_to, send_message};
use uuid::Uuid;

#[tokio::test]
async fn a_rule_is_answered_seen_by_viewers_announced_and_kept() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let ada = database.user(demo::ADA).await?;
    for (function, argument, value, column, sentence) in [
        (
            "set_slow_mode",
            "interval_ms",
            json!(3000),
            "slow_mode_ms",
            "Slow mode is on.",
        ),
        (
            "set_slow_mode",
            "interval_ms",
            json!(0),
            "slow_mode_ms",
            "Slow mode is off.",
        ),
        (
            "set_chat_mode",
            "mode",
            json!("verified"),
            "chat_mode",
            "Verified viewers may write.",
        ),
        (
            "set_chat_mode",
            "mode",
            json!("hosts"),
            "chat_mode",
            "Only the hosts may write.",
        ),
        (
            "set_chat_mode",
            "mode",
            json!("nobody"),
            "chat_mode",
            "The chat is closed.",
        ),
        (
            "set_chat_mode",
            "mode",
            json!("viewers"),
            "chat_mode",
            "All viewers may write.",
        ),
    ] {
        let arguments = json!({"session_id": id, argument: value});
        let answer = seller.rpc(function, arguments.clone()).await?;
        assert_eq!(answer[column], value);
        let shown = ada.rpc("get_session", json!({"session_id": id})).await?;
        assert_eq!(shown, answer);
        let log = database.log(id).await?;
        let announced = log.last().context("no entry")?;
        assert_eq!(announced["content"], sentence);
        let kind = function.trim_start_matches("set_");
        assert_eq!(announced["metadata"], json!({"kind": kind, column: value}));
        let frames = database.frames(id).await?;
        assert_eq!(
            frames.last().context("no frame")?["to_seq"],
            announced["seq"]
        );
        let decisions = database.decisions(id).await?;
        let kept = decisions.last().context("nothing kept")?;
        assert_eq!(kept["action"], kind);
        assert_eq!(kept["seq"], announced["seq"]);

        let again = seller.rpc(function, arguments);
        assert_eq!(database.changes_nothing(again).await?, answer);
    }
    Ok(())
}

#[tokio::test]
async fn rules_out_of_range_are_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    for (function, argument, value) in [
        ("set_slow_mode", "interval_ms", json!(-1)),
        ("set_slow_mode", "interval_ms", json!(3_600_001)),
        ("set_slow_mode", "interval_ms", Value::Null),
        ("set_chat_mode", "mode", json!("everybody")),
        ("set_chat_mode", "mode", json!("")),
        ("set_chat_mode", "mode", Value::Null),
    ] {
        let call = seller.rpc(function, json!({"session_id": id, argument: value}));
        database.refuses(ErrorCode::InvalidArgument, call).await?;
    }
    let longest = json!({"session_id": id, "interval_ms": 3_600_000});
    seller.rpc("set_slow_mode", longest).await?;
    Ok(())
}

#[tokio::test]
async fn one_message_is_pinned_until_another_is_or_none() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let first = send_message(&seller, id, "rules").await?;
    let second = send_message(&ada, id, "a question").await?;
    let (_, moderator) = database.moderator("mod").await?;
    for message in [&first, &second] {
        let arguments = json!({"session_id": id, "message_id": message["id"]});
        let head = database.head_seq(id).await?;
        let answer = moderator.rpc("pin_message", arguments.clone()).await?;
        assert_eq!(answer["pinned_seq"], message["seq"]);
        assert_eq!(
            database.events_after(id, head).await?,
            [json!({
                "kind": "message_pinned", "target_seq": message["seq"], "target_id": message["id"],
            })]
        );
        let again = moderator.rpc("pin_message", arguments);
        assert_eq!(database.changes_nothing(again).await?, answer);
    }
    let head = database.head_seq(id).await?;
    let answer = seller
        .rpc("unpin_message", json!({"session_id": id}))
        .await?;
    assert_eq!(answer["pinned_seq"], Value::Null);
    assert_eq!(
        database.events_after(id, head).await?,
        [json!({
            "kind": "message_unpinned", "target_seq": second["seq"], "target_id": second["id"],
        })]
    );
    let again = seller.rpc("unpin_message", json!({"session_id": id}));
    assert_eq!(database.changes_nothing(again).await?, answer);
    let kept: Vec<_> = database.decisions(id).await?;
    let kept: Vec<_> = kept
        .iter()
        .map(|decision| json!([decision["action"], decision["target_seq"]]))
        .collect();
    assert_eq!(
        kept,
        [
            json!(["message_pinned", first["seq"]]),
            json!(["message_pinned", second["seq"]]),
            json!(["message_unpinned", second["seq"]]),
        ]
    );
    Ok(())
}

#[tokio::test]
async fn only_a_message_that_is_there_and_a_users_is_pinned() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let deleted = send_message(&seller, id, "oops").await?;
    delete_message(&seller, id, &deleted).await?;
    let system = database.log(id).await?.remove(0);
    for (message, code) in [
        (deleted["id"].clone(), ErrorCode::MessageNotFound),
        (json!(Uuid::new_v4()), ErrorCode::MessageNotFound),
        (system["id"].clone(), ErrorCode::InvalidArgument),
    ] {
        let arguments = json!({"session_id": id, "message_id": message});
        database
            .refuses(code, seller.rpc("pin_message", arguments))
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_ended_stream_keeps_its_rules() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let message = send_message(&seller, id, "rules").await?;
    let pin = json!({"session_id": id, "message_id": message["id"]});
    seller.rpc("pin_message", pin.clone()).await?;
    move_to(&seller, id, StreamState::Ended).await?;
    for (function, arguments) in [
        ("set_slow_mode", json!({"session_id": id, "interval_ms": 1})),
        ("set_slow_mode", json!({"session_id": id, "interval_ms": 0})),
        ("set_chat_mode", json!({"session_id": id, "mode": "nobody"})),
        ("pin_message", pin),
        ("unpin_message", json!({"session_id": id})),
        ("block_term", json!({"session_id": id, "term": "scam"})),
        ("unblock_term", json!({"session_id": id, "term": "scam"})),
    ] {
        let call = seller.rpc(function, arguments);
        database.refuses(ErrorCode::StreamEnded, call).await?;
    }
    let shown = seller.rpc("get_session", json!({"session_id": id})).await?;
    assert_eq!(shown["pinned_seq"], message["seq"]);
    Ok(())
}
