//! One dialect of JSON: an entry of a log is the same in frames and in every answer that carries it.

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::moderation::delete_message;
use stream_tests::session::Session;
use stream_tests::stream::send_message;
use uuid::Uuid;
use xtask::workspace;

/// The members of `stream.log_entry`, as the contract has them.
fn members() -> Result<Vec<String>> {
    let file = workspace::root().join("contract/events.json");
    let contract: Value = serde_json::from_slice(&std::fs::read(file)?)?;
    Ok(serde_json::from_value(
        contract["$defs"]["log_entry"]["required"].clone(),
    )?)
}

fn entry(entries: &Value, seq: i64) -> Result<Map<String, Value>> {
    let entries = entries.as_array().context("no list of entries")?;
    let entry = entries.iter().find(|entry| entry["seq"] == seq);
    let entry = entry.and_then(Value::as_object);
    entry.cloned().with_context(|| format!("no entry {seq}"))
}

/// The same entry of each answer that carries it, by the name of the answer.
async fn answers(
    reader: &Session,
    id: Uuid,
    seq: i64,
) -> Result<Vec<(&'static str, Map<String, Value>)>> {
    let session = json!({"session_id": id});
    let sync = reader.rpc("sync", session.clone()).await?;
    let joined = reader.rpc("join_stream", session.clone()).await?;
    let history = reader
        .rpc_rows(
            "get_message_history",
            json!({"session_id": id, "page_size": 50, "skip": 0}),
        )
        .await?;
    let missed = reader.rpc_rows("sync_messages", session).await?;
    Ok(vec![
        ("sync", entry(&sync["messages"], seq)?),
        ("join_stream", entry(&joined["sync"]["messages"], seq)?),
        ("get_message_history", entry(&json!(history), seq)?),
        ("sync_messages", entry(&json!(missed), seq)?),
    ])
}

/// Compares member by member: a history's entry says its session and its last change too.
fn expect_same(
    members: &[String],
    expected: &Map<String, Value>,
    found: &Map<String, Value>,
    what: &str,
) {
    for member in members {
        assert_eq!(
            found.get(member),
            expected.get(member),
            "{member} of {what}"
        );
    }
    let others: Vec<&String> = found
        .keys()
        .filter(|name| {
            !members.contains(name) && !["session_id", "updated_at"].contains(&name.as_str())
        })
        .collect();
    assert!(others.is_empty(), "{what} has {others:?}");
}

#[tokio::test]
async fn an_entry_is_the_same_in_frames_and_in_every_answer() -> Result<()> {
    let members = members()?;
    assert!(members.iter().any(|member| member == "created_at"));
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    let said = send_message(&ada, id, "quotes \" and \\ and \u{1F600} and more").await?;
    let pin = json!({"session_id": id, "message_id": said["id"]});
    seller.rpc("pin_message", pin).await?;
    let update = json!({"session_id": id, "update": {"bid": {"amount": 12.50, "by": null}}});
    database
        .service()
        .await?
        .rpc("post_auction_update", update)
        .await?;
    database.tick().await?;

    let mut framed = Vec::new();
    for frame in database.frames(id).await? {
        framed.extend(frame["messages"].as_array().cloned().unwrap_or_default());
    }
    // System messages, a user's and one of the auction.
    assert_eq!(framed.len(), 5);
    for expected in &framed {
        let seq = expected["seq"].as_i64().context("no seq")?;
        let expected = expected.as_object().context("no object")?;
        let names: Vec<&String> = expected.keys().collect();
        assert_eq!(names.len(), members.len(), "{names:?}");
        for (what, found) in answers(&ada, id, seq).await? {
            expect_same(&members, expected, &found, what);
        }
    }
    let seq = said["seq"].as_i64().context("no seq")?;
    let expected = entry(&json!(framed), seq)?;
    let said = said.as_object().context("no message")?;
    expect_same(&members, &expected, said, "send_message");
    let sync = ada.rpc("sync", json!({"session_id": id})).await?;
    let pinned = sync["pinned"].as_object().context("no pinned entry")?;
    expect_same(&members, &expected, pinned, "pinned");
    Ok(())
}

/// Nothing is hidden from one reader that another one sees: what was deleted keeps its place, for everybody alike.
#[tokio::test]
async fn a_deleted_entry_keeps_its_place_in_every_answer_and_later_frame() -> Result<()> {
    let members = members()?;
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    let seller = database.user(demo::SELLER).await?;
    let said = send_message(&ada, id, "gone").await?;
    let seq = said["seq"].as_i64().context("no seq")?;
    delete_message(&seller, id, &said).await?;
    let mut known: Option<Map<String, Value>> = None;
    for reader in [&ada, &ben, &seller, &database.service().await?] {
        let sync = reader.rpc("sync", json!({"session_id": id})).await?;
        let found = entry(&sync["messages"], seq)?;
        assert_eq!(found["content"], "");
        assert!(found["deleted_at"].is_string());
        assert_eq!(found.keys().count(), members.len());
        assert_eq!(*known.get_or_insert(found.clone()), found);
    }
    Ok(())
}
