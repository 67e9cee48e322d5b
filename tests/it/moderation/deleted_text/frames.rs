//! Deleting the frames of a message, also where one is not where it must be.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::moderation::{delete_message, restrict, seq};
use stream_tests::stream::{numbers, send_message};
use uuid::Uuid;

use super::{ChatWithText, TEXT};

/// The first number of each frame that is kept.
async fn frames(database: &TestDatabase, id: Uuid) -> Result<Vec<i64>> {
    let frames = database.frames(id).await?;
    Ok(frames
        .iter()
        .filter_map(|frame| frame["from_seq"].as_i64())
        .collect())
}

async fn delete_frame(database: &TestDatabase, from_seq: i64) -> Result<()> {
    database
        .change(&format!(
            "delete from realtime.messages where payload ->> 'from_seq' = '{from_seq}'"
        ))
        .await
}

#[tokio::test]
async fn only_the_frames_with_the_message_are_deleted() -> Result<()> {
    let chat = ChatWithText::start().await?;
    let other = chat
        .database
        .stream_in(stream_core::lifecycle::StreamState::Active)
        .await?;
    send_message(&chat.seller, other, "elsewhere").await?;
    send_message(&chat.ben, chat.id, "before").await?;
    let message = chat.send_text().await?;
    send_message(&chat.ben, chat.id, "after").await?;
    delete_message(&chat.seller, chat.id, &message).await?;
    assert_eq!(frames(&chat.database, chat.id).await?, [1, 2, 3, 5, 6]);
    assert_eq!(frames(&chat.database, other).await?, [1, 2, 3]);
    Ok(())
}

/// The second message of a frame that went with the first is deleted without one.
#[tokio::test]
async fn messages_that_share_a_frame_are_deleted_one_after_the_other() -> Result<()> {
    let chat = ChatWithText::start().await?;
    let item = |user: Uuid, content: &str| json!({"session_id": chat.id, "user_id": user, "content": content, "id": Uuid::new_v4()});
    let items = json!([
        item(demo::BEN, "innocent"),
        item(demo::ADA, TEXT),
        item(demo::ADA, &format!("{TEXT} again")),
    ]);
    let service = chat.database.service().await?;
    let stored = service
        .rpc_rows("send_messages", json!({"items": items}))
        .await?;
    assert_eq!(frames(&chat.database, chat.id).await?, [1, 2, 3]);
    for message in &stored[1..] {
        delete_message(&chat.seller, chat.id, &message["message"]).await?;
    }
    chat.expect_no_text().await?;
    assert_eq!(frames(&chat.database, chat.id).await?, [1, 2, 6, 7]);
    // Nothing is lost: `sync` has the innocent message, and the places of the others.
    let missed = chat
        .ben
        .rpc("sync", json!({"session_id": chat.id, "after_seq": 2}))
        .await?;
    let messages = missed["messages"].as_array().cloned().unwrap_or_default();
    assert_eq!(numbers(&messages), [3, 4, 5, 6, 7]);
    assert_eq!(messages[0]["content"], "innocent");
    Ok(())
}

#[tokio::test]
async fn the_many_messages_of_a_user_take_their_frames_and_leave_those_of_others() -> Result<()> {
    let chat = ChatWithText::start().await?;
    // Of the seller: thirteen frames of a hundred entries.
    chat.database.append_messages(chat.id, 1250, 20).await?;
    let message = send_message(&chat.ada, chat.id, "of somebody else").await?;
    let count = restrict(&chat.seller, "delete_user_messages", chat.id, demo::SELLER).await?;
    assert_eq!(count, 1250);
    let kept = frames(&chat.database, chat.id).await?;
    assert_eq!(kept, [1, 2, seq(&message)?, seq(&message)? + 1]);
    Ok(())
}

/// As a clock leaves it that was ahead and is set back: the message is dated behind its frame.
#[tokio::test]
async fn a_frame_that_is_dated_before_its_message_is_found() -> Result<()> {
    let chat = ChatWithText::start().await?;
    for ahead in ["1 hour", "2 days", "400 days"] {
        chat.database
            .change(&format!(
                "update stream.chat_heads set last_at = clock_timestamp() + interval '{ahead}'"
            ))
            .await?;
        let message = chat.send_text().await?;
        delete_message(&chat.seller, chat.id, &message).await?;
        chat.expect_no_text().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_frame_that_is_missing_without_a_reason_refuses_the_deletion() -> Result<()> {
    let chat = ChatWithText::start().await?;
    let message = chat.send_text().await?;
    send_message(&chat.ben, chat.id, "after").await?;
    delete_frame(&chat.database, seq(&message)?).await?;
    let call = delete_message(&chat.seller, chat.id, &message);
    chat.database.refuses(ErrorCode::Internal, call).await?;
    let call = restrict(&chat.seller, "delete_user_messages", chat.id, demo::ADA);
    chat.database.refuses(ErrorCode::Internal, call).await?;
    let log = chat.database.log(chat.id).await?;
    assert!(log.iter().any(|entry| entry["content"] == TEXT));
    Ok(())
}

/// Realtime drops days, an operator may empty the table: what is older than all it holds is not missed.
#[tokio::test]
async fn a_frame_that_is_older_than_what_realtime_keeps_is_not_missed() -> Result<()> {
    for forget in [
        "truncate realtime.messages",
        "do $$ begin execute format('drop table realtime.messages_%s',
             to_char(now() at time zone 'UTC', 'YYYY_MM_DD')); end $$;
         select realtime.maintain_partitions()",
        "do $$ begin execute format('drop table realtime.messages_%s',
             to_char(now() at time zone 'UTC', 'YYYY_MM_DD')); end $$",
        "drop schema realtime cascade",
    ] {
        let chat = ChatWithText::start().await?;
        let message = chat.send_text().await?;
        let superuser = chat.database.superuser().await?;
        superuser.batch_execute(forget).await?;
        send_message(&chat.ben, chat.id, "after").await?;
        assert_eq!(
            delete_message(&chat.seller, chat.id, &message).await?,
            "deleted",
            "{forget}"
        );
        chat.expect_no_text().await?;
    }
    Ok(())
}

/// An application's own event on the topic of a chat does not look like a frame.
#[tokio::test]
async fn a_stranger_on_the_topic_is_left_alone() -> Result<()> {
    let mut chat = ChatWithText::start().await?;
    chat.database
        .keep_broadcasts_uncompared("an application sends events of its own");
    let topic = format!("chat:{}", chat.id);
    let message = chat.send_text().await?;
    let strangers = [
        json!({"from_seq": "x", "to_seq": [1]}),
        json!({"from_seq": true, "to_seq": {}}),
        json!({"hello": null}),
    ];
    for payload in &strangers {
        for event in ["messages", "mine"] {
            chat.database
                .owner
                .execute(
                    "select realtime.send($1, $2, $3, true)",
                    &[payload, &event, &topic],
                )
                .await?;
        }
    }
    delete_message(&chat.seller, chat.id, &message).await?;
    chat.expect_no_text().await?;
    let kept = chat.database.broadcasts(&topic).await?;
    let strange = |payload: &Value| payload["v"].is_null();
    assert_eq!(kept.iter().filter(|row| strange(&row.payload)).count(), 6);
    Ok(())
}
