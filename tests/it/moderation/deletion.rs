//! Deleted messages: the row that is left of one, and the event that viewers get.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::moderation::{delete_message, restrict, seq};
use stream_tests::stream::{move_to, send_message};
use uuid::Uuid;

async fn entry(database: &TestDatabase, session: Uuid, seq: i64) -> Result<Value> {
    let log = database.log(session).await?;
    let entry = log.into_iter().find(|entry| entry["seq"] == seq);
    entry.context("no such entry")
}

#[tokio::test]
async fn a_deleted_message_keeps_its_place_and_loses_its_text() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let message = send_message(&ada, id, "an insult").await?;
    database
        .change("update stream.chat_messages set metadata = '{\"color\": \"red\"}' where user_id is not null")
        .await?;
    let seller = database.user(demo::SELLER).await?;
    let arguments = json!({
        "session_id": id, "message_id": message["id"], "reason": "rude",
    });
    assert_eq!(seller.rpc("delete_message", arguments).await?, "deleted");

    let deleted = entry(&database, id, seq(&message)?).await?;
    for key in [
        "id",
        "seq",
        "user_id",
        "username",
        "created_at",
        "message_type",
    ] {
        assert_eq!(deleted[key], message[key], "{key}");
    }
    assert_eq!(deleted["content"], "");
    assert_eq!(deleted["metadata"], json!({}));
    assert!(deleted["deleted_at"].is_string());
    assert_eq!(deleted["updated_at"], deleted["deleted_at"]);

    let announced = entry(&database, id, seq(&message)? + 1).await?;
    assert_eq!(announced["message_type"], "system_message");
    assert_eq!(announced["content"], "A message was deleted.");
    assert_eq!(
        announced["metadata"],
        json!({"kind": "message_deleted", "target_seq": message["seq"], "target_id": message["id"]})
    );
    let frames = database.frames(id).await?;
    assert_eq!(
        frames.last().context("no frame")?["to_seq"],
        announced["seq"]
    );

    let decisions = database.decisions(id).await?;
    let [decision] = &decisions[..] else {
        anyhow::bail!("{decisions:?}");
    };
    for (key, expected) in [
        ("action", json!("message_deleted")),
        ("seq", announced["seq"].clone()),
        ("actor", json!(demo::SELLER)),
        ("user_id", json!(demo::ADA)),
        ("target_seq", message["seq"].clone()),
        ("reason", json!("rude")),
    ] {
        assert_eq!(decision[key], expected, "{key}");
    }
    assert!(!json!(decisions).to_string().contains("insult"));
    Ok(())
}

#[tokio::test]
async fn deleting_again_succeeds_without_an_event() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    let message = send_message(&ada, id, "hi").await?;
    delete_message(&seller, id, &message).await?;
    for caller in [&seller, &ada] {
        let again = delete_message(caller, id, &message);
        assert_eq!(database.changes_nothing(again).await?, "already_deleted");
    }
    Ok(())
}

#[tokio::test]
async fn authors_delete_what_they_wrote_and_nothing_else() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    let message = send_message(&ada, id, "oops").await?;
    let others = delete_message(&ben, id, &message);
    database.refuses(ErrorCode::NotModerator, others).await?;
    // Nor do they learn which ids exist.
    let nothing = json!({"id": Uuid::new_v4()});
    let unknown = delete_message(&ben, id, &nothing);
    database.refuses(ErrorCode::NotModerator, unknown).await?;

    assert_eq!(delete_message(&ada, id, &message).await?, "deleted");
    let decisions = database.decisions(id).await?;
    assert_eq!(decisions[0]["actor"], json!(demo::ADA));
    Ok(())
}

#[tokio::test]
async fn what_is_no_message_of_a_user_is_not_deleted() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let system = entry(&database, id, 1).await?;
    let call = delete_message(&seller, id, &system);
    database.refuses(ErrorCode::InvalidArgument, call).await?;
    let nothing = json!({"id": Uuid::new_v4()});
    let unknown = delete_message(&seller, id, &nothing);
    database
        .refuses(ErrorCode::MessageNotFound, unknown)
        .await?;
    // The id of another stream's message is none here.
    let other = database.stream_in(StreamState::Active).await?;
    let elsewhere = send_message(&seller, other, "hi").await?;
    let call = delete_message(&seller, id, &elsewhere);
    database.refuses(ErrorCode::MessageNotFound, call).await?;
    Ok(())
}

#[tokio::test]
async fn a_reason_of_too_many_characters_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let message = send_message(&seller, id, "hi").await?;
    let arguments = |length| json!({"session_id": id, "message_id": message["id"], "reason": "\u{E4}".repeat(length)});
    let call = seller.rpc("delete_message", arguments(201));
    database.refuses(ErrorCode::InvalidArgument, call).await?;
    seller.rpc("delete_message", arguments(200)).await?;
    Ok(())
}

#[tokio::test]
async fn all_messages_of_a_user_go_with_one_event() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    let other = database.stream_in(StreamState::Active).await?;
    let ada_elsewhere = database.viewer(other, demo::ADA).await?;
    send_message(&ada_elsewhere, other, "elsewhere").await?;
    let first = send_message(&ada, id, "one").await?;
    send_message(&ben, id, "two").await?;
    send_message(&ada, id, "three").await?;
    let last = send_message(&ada, id, "four").await?;
    let seller = database.user(demo::SELLER).await?;
    delete_message(&seller, id, &first).await?;
    let head = database.head_seq(id).await?;

    let count = restrict(&seller, "delete_user_messages", id, demo::ADA).await?;
    assert_eq!(count, 2);
    assert_eq!(
        database.events_after(id, head).await?,
        [json!({"kind": "user_messages_deleted", "user_id": demo::ADA, "up_to_seq": last["seq"]})]
    );
    for message in database.log(id).await? {
        let is_gone = message["user_id"] == json!(demo::ADA);
        assert_eq!(message["content"] == "", is_gone, "{message}");
    }
    assert_eq!(database.log(other).await?[2]["content"], "elsewhere");

    let again = restrict(&seller, "delete_user_messages", id, demo::ADA);
    assert_eq!(database.changes_nothing(again).await?, 0);
    let nobody = restrict(&seller, "delete_user_messages", id, Uuid::new_v4());
    assert_eq!(database.changes_nothing(nobody).await?, 0);
    Ok(())
}

#[tokio::test]
async fn the_pin_goes_with_its_message_and_is_seen_to_go() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    for function in ["delete_message", "delete_user_messages"] {
        let message = send_message(&ada, id, "look").await?;
        let pin = json!({"session_id": id, "message_id": message["id"]});
        seller.rpc("pin_message", pin.clone()).await?;
        let head = database.head_seq(id).await?;
        if function == "delete_message" {
            seller.rpc(function, pin).await?;
        } else {
            restrict(&seller, function, id, demo::ADA).await?;
        }
        assert_eq!(database.session_row(id).await?["pinned_seq"], Value::Null);
        let events = database.events_after(id, head).await?;
        assert_eq!(events.len(), 2, "{events:?}");
        assert_eq!(
            events[1],
            json!({
                "kind": "message_unpinned", "target_seq": message["seq"], "target_id": message["id"],
            })
        );
    }
    // The pin of another message stays.
    let pinned = send_message(&seller, id, "rules").await?;
    let pin = json!({"session_id": id, "message_id": pinned["id"]});
    seller.rpc("pin_message", pin).await?;
    let message = send_message(&ada, id, "again").await?;
    delete_message(&seller, id, &message).await?;
    assert_eq!(database.session_row(id).await?["pinned_seq"], pinned["seq"]);
    Ok(())
}

/// The replay of a stream is read for months; nothing is logged after its end.
#[tokio::test]
async fn messages_of_an_ended_stream_are_deleted_without_an_event() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    let first = send_message(&ada, id, "an insult").await?;
    let second = send_message(&ada, id, "another").await?;
    send_message(&ada, id, "and a third").await?;
    let pin = json!({"session_id": id, "message_id": first["id"]});
    seller.rpc("pin_message", pin).await?;
    move_to(&seller, id, StreamState::Ended).await?;
    let head = database.head_seq(id).await?;

    assert_eq!(delete_message(&seller, id, &first).await?, "deleted");
    assert_eq!(delete_message(&ada, id, &second).await?, "deleted");
    assert_eq!(
        restrict(&seller, "delete_user_messages", id, demo::ADA).await?,
        1
    );
    assert_eq!(database.head_seq(id).await?, head);
    assert!(database.events_after(id, head).await?.is_empty());
    assert_eq!(database.session_row(id).await?["pinned_seq"], Value::Null);
    let texts = database.log(id).await?;
    assert!(
        texts
            .iter()
            .all(|entry| entry["user_id"].is_null() || entry["content"] == "")
    );
    // Kept all the same.
    let decisions = database.decisions(id).await?;
    let kept: Vec<_> = decisions
        .iter()
        .map(|decision| (decision["action"].as_str(), decision["seq"].is_null()))
        .collect();
    assert_eq!(
        kept,
        [
            (Some("message_pinned"), false),
            (Some("message_deleted"), true),
            (Some("message_unpinned"), true),
            (Some("message_deleted"), true),
            (Some("user_messages_deleted"), true),
        ]
    );
    Ok(())
}

#[tokio::test]
async fn messages_of_a_deleted_user_can_still_be_deleted() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let gone = database.add_user("gone").await?;
    let message = send_message(&database.viewer(id, gone).await?, id, "hi").await?;
    database
        .change(&format!("delete from auth.users where id = '{gone}'"))
        .await?;
    let viewer = database.viewer(id, demo::ADA).await?;
    let call = delete_message(&viewer, id, &message);
    database.refuses(ErrorCode::NotModerator, call).await?;
    let (_, moderator) = database.moderator("mod").await?;
    assert_eq!(delete_message(&moderator, id, &message).await?, "deleted");
    Ok(())
}
