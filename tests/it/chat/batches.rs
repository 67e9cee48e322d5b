//! One call carries the messages of many, and a bad item costs only itself.

mod concurrency;
mod equality;
mod isolation;
mod late_join;
mod one_by_one;

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use uuid::Uuid;

/// The answers to a batch; each stands at its place.
async fn send_all(database: &TestDatabase, items: &Value) -> Result<Vec<Value>> {
    let service = database.service().await?;
    let answers = service
        .rpc_rows("send_messages", json!({"items": items}))
        .await?;
    for (place, answer) in answers.iter().enumerate() {
        assert_eq!(answer["item"], place + 1);
        assert_eq!(
            answer["status"] == "ok",
            answer["message"]["seq"].is_number(),
            "{answer}"
        );
    }
    assert_eq!(Some(answers.len()), items.as_array().map(Vec::len));
    Ok(answers)
}

/// Deeper than a parser follows.
fn nested(depth: usize) -> Value {
    (0..depth).fold(json!(1), |inner, _| json!([inner]))
}

fn statuses(answers: &[Value]) -> Value {
    answers
        .iter()
        .map(|answer| answer["status"].clone())
        .collect()
}

#[tokio::test]
async fn each_item_is_answered_at_its_place_and_a_bad_one_costs_only_itself() -> Result<()> {
    let database = TestDatabase::create().await?;
    let first = database.stream_in(StreamState::Active).await?;
    let second = database.stream_in(StreamState::Active).await?;
    let ended = database.stream_in(StreamState::Ended).await?;
    database.viewer(first, demo::ADA).await?;
    database.viewer(second, demo::ADA).await?;
    let items = json!([
        {"session_id": second, "user_id": demo::ADA, "content": "two"},
        {"session_id": first, "user_id": demo::ADA, "content": " one "},
        {"session_id": first, "user_id": demo::BEN, "content": "not joined"},
        {"session_id": first, "user_id": demo::ADA, "content": " "},
        {"session_id": first, "user_id": demo::ADA, "content": "x".repeat(2001)},
        {"session_id": first, "user_id": demo::ADA, "content": "\u{202e}"},
        {"session_id": Uuid::new_v4(), "user_id": demo::ADA, "content": "nowhere"},
        {"session_id": ended, "user_id": demo::SELLER, "content": "late"},
        {"session_id": first, "content": "nobody"},
        {"session_id": "not an id", "user_id": demo::ADA, "content": "hi"},
        {"session_id": first, "user_id": demo::ADA, "content": 7},
        "not an object",
        {"session_id": first, "user_id": demo::SELLER, "content": "and three"},
        nested(500),
    ]);
    let answers = send_all(&database, &items).await?;
    assert_eq!(
        statuses(&answers),
        json!([
            "ok",
            "ok",
            "not_viewer",
            "content_empty",
            "content_too_long",
            "content_invalid",
            "session_not_found",
            "stream_ended",
            "invalid_argument",
            "invalid_argument",
            "invalid_argument",
            "invalid_argument",
            "ok",
            "invalid_argument",
        ])
    );
    let message = &answers[1]["message"];
    assert_eq!(message["content"], "one");
    assert_eq!(message["username"], "ada");
    assert_eq!(message["session_id"], json!(first));
    let log = database.log(first).await?;
    assert_eq!(log.len(), 4);
    assert_eq!(log[2], *message);
    assert_eq!(log[3], answers[12]["message"]);
    Ok(())
}

#[tokio::test]
async fn a_batch_is_one_run_and_one_frame_for_each_session() -> Result<()> {
    let database = TestDatabase::create().await?;
    let sessions = [
        database.stream_in(StreamState::Active).await?,
        database.stream_in(StreamState::Active).await?,
    ];
    let mut items = Vec::new();
    for session in sessions {
        for user in [demo::ADA, demo::BEN] {
            database.viewer(session, user).await?;
        }
    }
    for number in 0..40 {
        for session in sessions {
            let user = [demo::ADA, demo::BEN][number % 2];
            items.push(
                json!({"session_id": session, "user_id": user, "content": number.to_string()}),
            );
        }
    }
    send_all(&database, &json!(items)).await?;
    for session in sessions {
        let log = database.log(session).await?;
        let contents: Vec<_> = log[2..].iter().map(|row| row["content"].clone()).collect();
        let expected: Vec<_> = (0..40).map(|number| json!(number.to_string())).collect();
        assert_eq!(contents, expected);
        let times: Vec<_> = log
            .iter()
            .map(|row| row["created_at"].to_string())
            .collect();
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
        let frames = database.frames(session).await?;
        assert_eq!(frames.len(), 3);
        assert_eq!(
            (&frames[2]["from_seq"], &frames[2]["to_seq"]),
            (&json!(3), &json!(42))
        );
    }
    Ok(())
}

#[tokio::test]
async fn an_id_is_stored_once_also_within_a_batch() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(session, demo::ADA).await?;
    database.viewer(session, demo::BEN).await?;
    let (before, within) = (Uuid::new_v4(), Uuid::new_v4());
    let arguments = json!({"session_id": session, "user_id": null, "content": "hi", "id": before});
    let stored = ada.rpc("send_message", arguments).await?;
    let item = |user: Uuid, id: Uuid| json!({"session_id": session, "user_id": user, "content": "again", "id": id});
    let items = json!([
        item(demo::ADA, before),
        item(demo::BEN, before),
        item(demo::ADA, within),
        item(demo::ADA, within),
        item(demo::BEN, within),
    ]);
    let answers = send_all(&database, &items).await?;
    assert_eq!(
        statuses(&answers),
        json!([
            "ok",
            "message_id_conflict",
            "ok",
            "ok",
            "message_id_conflict"
        ])
    );
    assert_eq!(answers[0]["message"], stored);
    assert_eq!(answers[2]["message"], answers[3]["message"]);
    assert_eq!(database.log(session).await?.len(), 4);

    let again = database.changes_nothing(async {
        let service = database.service().await.expect("a connection");
        service
            .rpc_rows("send_messages", json!({"items": items}))
            .await
    });
    assert_eq!(again.await?, answers);
    Ok(())
}

#[tokio::test]
async fn a_retry_in_a_batch_is_answered_after_the_end() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    database.viewer(session, demo::ADA).await?;
    let items = json!([
        {"session_id": session, "user_id": demo::ADA, "content": "hi", "id": Uuid::new_v4()},
    ]);
    let stored = send_all(&database, &items).await?;
    let service = database.service().await?;
    service
        .rpc("end_stream", json!({"session_id": session}))
        .await?;
    assert_eq!(send_all(&database, &items).await?, stored);
    Ok(())
}

#[tokio::test]
async fn limits_hold_within_a_batch() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    database
        .change("update stream.config set chat_interval_ms = 10000, chat_burst = 2 where id")
        .await?;
    for user in [demo::ADA, demo::BEN] {
        database.viewer(session, user).await?;
    }
    let item = |user: Uuid| json!({"session_id": session, "user_id": user, "content": "hi"});
    let items = json!([
        item(demo::ADA),
        item(demo::ADA),
        item(demo::ADA),
        item(demo::BEN),
        item(demo::SELLER),
    ]);
    let answers = send_all(&database, &items).await?;
    assert_eq!(
        statuses(&answers),
        json!(["ok", "ok", "rate_limited", "ok", "ok"])
    );
    let wait = answers[2]["retry_after_ms"].as_i64();
    assert!(
        wait.is_some_and(|wait| (1..=10_000).contains(&wait)),
        "{wait:?}"
    );
    let again = send_all(&database, &json!([item(demo::ADA), item(demo::BEN)])).await?;
    assert_eq!(statuses(&again), json!(["rate_limited", "ok"]));
    Ok(())
}

#[tokio::test]
async fn slow_mode_holds_within_a_batch() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    database
        .change("update stream.stream_sessions set slow_mode_ms = 60000")
        .await?;
    database.viewer(session, demo::ADA).await?;
    let item = json!({"session_id": session, "user_id": demo::ADA, "content": "hi"});
    let answers = send_all(&database, &json!([item, item])).await?;
    assert_eq!(statuses(&answers), json!(["ok", "slow_mode"]));
    assert_eq!(answers[1]["retry_after_ms"], 60_000);
    Ok(())
}

#[tokio::test]
async fn a_batch_of_the_wrong_form_is_refused_whole() -> Result<()> {
    let database = TestDatabase::create().await?;
    let service = database.service().await?;
    let item = json!({"session_id": Uuid::new_v4(), "user_id": demo::ADA, "content": "hi"});
    for items in [
        json!({}),
        json!("\"text\""),
        json!(vec![item; 1001]),
        Value::Null,
    ] {
        let call = service.rpc("send_messages", json!({"items": items}));
        database.refuses(ErrorCode::InvalidArgument, call).await?;
    }
    assert!(send_all(&database, &json!([])).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn users_send_no_batches() -> Result<()> {
    let database = TestDatabase::create().await?;
    for caller in [database.user(demo::SELLER).await?, database.anon().await?] {
        let call = caller.rpc("send_messages", json!({"items": []}));
        database.refuses(ErrorCode::PermissionDenied, call).await?;
    }
    Ok(())
}
