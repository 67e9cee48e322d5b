//! Batches and messages wait for each other in one order.

use anyhow::Result;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_retrying_lock;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::stream::send_message;

/// Two batches over the same two sessions in opposite order: neither waits for the other in a circle.
#[tokio::test]
async fn batches_in_opposite_order_do_not_deadlock() -> Result<()> {
    let database = TestDatabase::create().await?;
    database.let_batches_wait().await?;
    let first = database.stream_in(StreamState::Active).await?;
    let second = database.stream_in(StreamState::Active).await?;
    for session in [first, second] {
        database.viewer(session, demo::ADA).await?;
        database.viewer(session, demo::BEN).await?;
    }
    let mut sends = Vec::new();
    for sessions in [[first, second], [second, first]] {
        let service = database.service().await?;
        sends.push(tokio::spawn(async move {
            for round in 0..25 {
                let items: Vec<_> = sessions
                    .iter()
                    .flat_map(|session| [demo::ADA, demo::BEN].map(|user| (session, user)))
                    .map(|(session, user)| {
                        json!({"session_id": session, "user_id": user, "content": round.to_string()})
                    })
                    .collect();
                service.rpc_rows("send_messages", json!({"items": items})).await?;
            }
            Ok::<_, tokio_postgres::Error>(())
        }));
    }
    for send in sends {
        send.await??;
    }
    assert_eq!(database.log(first).await?.len(), 102);
    assert_eq!(database.log(second).await?.len(), 102);
    Ok(())
}

/// A single message is under way: the batch waits for its place in the log, and takes the next.
#[tokio::test]
async fn a_batch_waits_for_a_message_that_is_under_way() -> Result<()> {
    let database = TestDatabase::create().await?;
    database.let_batches_wait().await?;
    let session = database.stream_in(StreamState::Active).await?;
    database.viewer(session, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    let service = database.service().await?;
    let backend = service.backend().await?;
    seller.begin().await?;
    let arguments = json!({"session_id": session, "user_id": null, "content": "first"});
    seller.rpc_within("send_message", arguments).await?;
    let item = json!({"session_id": session, "user_id": demo::ADA, "content": "second"});
    let batch = tokio::spawn(async move {
        service
            .rpc_rows("send_messages", json!({"items": [item]}))
            .await
    });
    wait_until_retrying_lock(&database, backend).await?;
    seller.commit().await?;
    batch.await??;
    send_message(&seller, session, "third").await?;
    let log = database.log(session).await?;
    let contents: Vec<_> = log[2..].iter().map(|row| &row["content"]).collect();
    assert_eq!(contents, ["first", "second", "third"]);
    Ok(())
}

/// Whoever waits for a sender's row holds no row of those behind it: others may hold the first and wait for one of these.
#[tokio::test]
async fn a_batch_that_waits_for_a_sender_holds_none_of_those_behind() -> Result<()> {
    let database = TestDatabase::create().await?;
    database.let_batches_wait().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(session, demo::ADA).await?;
    database.viewer(session, demo::BEN).await?;
    let service = database.service().await?;
    let backend = service.backend().await?;
    ada.begin().await?;
    let arguments = json!({"session_id": session, "user_id": null, "content": "first"});
    ada.rpc_within("send_message", arguments).await?;
    let items = [demo::ADA, demo::BEN]
        .map(|user| json!({"session_id": session, "user_id": user, "content": "second"}));
    let batch = tokio::spawn(async move {
        service
            .rpc_rows("send_messages", json!({"items": items}))
            .await
    });
    wait_until_retrying_lock(&database, backend).await?;
    let free = "select from stream.stream_viewers where session_id = $1 and user_id = $2
        for no key update skip locked";
    let free = database.owner.query(free, &[&session, &demo::BEN]).await?;
    assert_eq!(free.len(), 1, "the batch holds Ben's row");
    ada.commit().await?;
    let answers = batch.await??;
    assert_eq!(answers[0]["status"], "ok");
    assert_eq!(answers[1]["status"], "ok");
    Ok(())
}
