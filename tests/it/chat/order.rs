//! The order of the log: dense numbers from 1, in the order of the commits, whatever the senders do at the same
//! time.

use std::sync::Arc;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use stream_tests::stream::send_message;
use tokio::sync::Barrier;
use uuid::Uuid;

const SENDERS: usize = 8;
const MESSAGES: usize = 25;

/// Feature: streaming-realtime-fixes, Property 6: For any chat message sent by any participant,
/// the Chat_Service should broadcast it to all participants immediately, and the Chat_Synchronizer
/// should display all messages in chronological order regardless of network conditions
#[tokio::test]
async fn concurrent_senders_some_of_whom_roll_back_leave_a_dense_log() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let barrier = Arc::new(Barrier::new(SENDERS));
    let mut senders = Vec::new();
    for number in 0..SENDERS {
        let user = database.add_user(&format!("sender{number}")).await?;
        let sender = database.viewer(session, user).await?;
        let barrier = Arc::clone(&barrier);
        senders.push(tokio::spawn(async move {
            barrier.wait().await;
            send_some(&sender, session, number).await
        }));
    }
    let mut answered = Vec::new();
    for sender in senders {
        answered.extend(sender.await??);
    }
    answered.sort_by_key(|message| message["seq"].as_i64());

    let log = database.log(session).await?;
    assert_eq!(log.len(), 2 + answered.len());
    assert_eq!(log[2..], answered[..]);
    assert_ordered(&log)?;
    // The rolled back ones are not in it, and everybody's own order is kept.
    for number in 0..SENDERS {
        let name = json!(format!("sender{number}"));
        let own: Vec<&str> = log
            .iter()
            .filter(|entry| entry["username"] == name)
            .filter_map(|entry| entry["content"].as_str())
            .collect();
        let expected: Vec<String> = (0..MESSAGES)
            .filter(|message| !is_rolled_back(number, *message))
            .map(|message| message.to_string())
            .collect();
        assert_eq!(own, expected);
    }
    Ok(())
}

async fn send_some(sender: &Session, session: Uuid, number: usize) -> Result<Vec<Value>> {
    let mut answered = Vec::new();
    for message in 0..MESSAGES {
        let arguments =
            json!({"session_id": session, "user_id": null, "content": message.to_string()});
        sender.begin().await?;
        let answer = sender.rpc_within("send_message", arguments).await?;
        if is_rolled_back(number, message) {
            sender.rollback().await?;
        } else {
            sender.commit().await?;
            answered.push(answer);
        }
    }
    Ok(answered)
}

fn is_rolled_back(sender: usize, message: usize) -> bool {
    (sender + message).is_multiple_of(4)
}

fn assert_ordered(log: &[Value]) -> Result<()> {
    for (expected, entry) in (1..).zip(log) {
        ensure!(
            entry["seq"] == expected,
            "{} instead of {expected}",
            entry["seq"]
        );
    }
    Ok(())
}

#[tokio::test]
async fn times_increase_strictly_with_the_numbers() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    // In one transaction, and after a clock that was set back.
    seller.begin().await?;
    for _ in 0..5 {
        let arguments = json!({"session_id": session, "user_id": null, "content": "hi"});
        seller.rpc_within("send_message", arguments).await?;
    }
    seller.commit().await?;
    database
        .change("update stream.chat_heads set last_at = now() + interval '1 hour'")
        .await?;
    send_message(&seller, session, "later").await?;
    send_message(&seller, session, "latest").await?;

    let disorder: i64 = database
        .value(
            "select count(*) from (
                 select created_at <= lag(created_at) over (order by seq) as is_wrong
                 from stream.chat_messages
             ) as pairs where is_wrong",
        )
        .await?;
    assert_eq!(disorder, 0);
    Ok(())
}

/// One sender holds the head of the log when the others arrive: they follow in turn.
#[tokio::test]
async fn a_message_that_waits_for_the_head_comes_after_the_one_that_holds_it() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let ben = database.viewer(session, demo::BEN).await?;
    let backend = ben.backend().await?;

    ada.begin().await?;
    let arguments = json!({"session_id": session, "user_id": null, "content": "first"});
    let first = ada.rpc_within("send_message", arguments).await?;
    let waiting = tokio::spawn(async move { send_message(&ben, session, "second").await });
    wait_until_blocked(&database.owner, backend).await?;
    ada.commit().await?;

    let second = waiting.await??;
    assert_eq!(first["seq"], 3);
    assert_eq!(second["seq"], 4);
    assert_ordered(&database.log(session).await?)
}

/// The stream ends while a message waits for the head: the check stands behind the lock.
#[tokio::test]
async fn a_message_that_waited_for_the_end_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let backend = ada.backend().await?;

    seller.begin().await?;
    seller
        .rpc_within("end_stream", json!({"session_id": session}))
        .await?;
    let waiting = tokio::spawn(async move { send_message(&ada, session, "too late").await });
    wait_until_blocked(&database.owner, backend).await?;
    seller.commit().await?;

    stream_tests::refusal::expect_refusal(ErrorCode::StreamEnded, waiting.await?)?;
    let log = database.log(session).await?;
    assert_eq!(log.last().unwrap()["metadata"]["state"], "ended");
    Ok(())
}

/// The viewer leaves from another tab while their message waits for the head: it was sent first.
#[tokio::test]
async fn leaving_waits_for_a_message_that_is_under_way() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let her_other_tab = database.user(demo::ADA).await?;
    let (sending, leaving) = (ada.backend().await?, her_other_tab.backend().await?);

    seller.begin().await?;
    let arguments = json!({"session_id": session, "user_id": null, "content": "first"});
    seller.rpc_within("send_message", arguments).await?;
    let message = tokio::spawn(async move { send_message(&ada, session, "before I go").await });
    wait_until_blocked(&database.owner, sending).await?;
    let left = tokio::spawn(async move {
        her_other_tab
            .rpc("remove_viewer", json!({"session_id": session}))
            .await
    });
    wait_until_blocked(&database.owner, leaving).await?;
    seller.commit().await?;

    message.await??;
    assert_eq!(left.await??, json!("removed"));
    assert_ordered(&database.log(session).await?)
}

/// The viewer has left before their message takes its turn.
#[tokio::test]
async fn a_message_that_waited_while_its_sender_left_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let her_other_tab = database.user(demo::ADA).await?;
    let backend = ada.backend().await?;

    her_other_tab.begin().await?;
    her_other_tab
        .rpc_within("remove_viewer", json!({"session_id": session}))
        .await?;
    let waiting = tokio::spawn(async move { send_message(&ada, session, "from outside").await });
    wait_until_blocked(&database.owner, backend).await?;
    her_other_tab.commit().await?;

    stream_tests::refusal::expect_refusal(ErrorCode::NotViewer, waiting.await?)?;
    assert_ordered(&database.log(session).await?)
}

#[tokio::test]
async fn writing_calls_are_refused_above_read_committed() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let service = database.service().await?;
    let auction = database.add_auction(demo::SELLER).await?;
    let calls = [
        (
            "send_message",
            json!({"session_id": session, "user_id": null, "content": "hi"}),
        ),
        ("start_stream", json!({"auction_id": auction})),
        ("pause_stream", json!({"session_id": session})),
        ("add_viewer", json!({"session_id": session})),
        ("remove_viewer", json!({"session_id": session})),
        ("join_stream", json!({"session_id": session})),
        ("heartbeat", json!({"session_id": session})),
        (
            "generate_seller_token",
            json!({"seller_id": null, "channel_id": session}),
        ),
    ];
    for level in ["repeatable read", "serializable"] {
        for (function, arguments) in &calls {
            let call = seller.rpc_at(level, function, arguments.clone());
            database.refuses(ErrorCode::IsolationLevel, call).await?;
        }
        for (function, arguments) in [
            ("tick", json!({})),
            ("sweep", json!({})),
            ("heartbeats", json!({"items": []})),
        ] {
            let call = service.rpc_at(level, function, arguments);
            database.refuses(ErrorCode::IsolationLevel, call).await?;
        }
        for function in [
            "sync",
            "get_session",
            "get_viewers",
            "get_viewer_count",
            "get_message_history",
        ] {
            seller
                .rpc_at(level, function, json!({"session_id": session}))
                .await?;
        }
    }
    Ok(())
}
