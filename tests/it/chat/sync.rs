//! `sync`: the part of the log that a client missed.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use stream_tests::stream::{move_to, numbers, send_message};
use tokio_postgres::Error;
use uuid::Uuid;

async fn sync(
    caller: &Session,
    session: Uuid,
    after_seq: Option<i64>,
    epoch: Option<&Value>,
) -> Result<Value, Error> {
    let arguments = json!({"session_id": session, "after_seq": after_seq, "epoch": epoch});
    caller.rpc("sync", arguments).await
}

/// The numbers of the messages in an answer.
fn received(answer: &Value) -> Vec<i64> {
    numbers(
        answer["messages"]
            .as_array()
            .expect("messages are an array"),
    )
}

fn run(numbers: std::ops::RangeInclusive<i64>) -> Vec<i64> {
    numbers.collect()
}

#[tokio::test]
async fn a_client_that_holds_nothing_gets_the_newest_page() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    for (appended, expected) in [(0, 1..=2), (48, 1..=50), (50, 51..=100)] {
        if appended > 0 {
            database.append_messages(id, appended, 5).await?;
        }
        let fresh = sync(&seller, id, None, None).await?;
        assert_eq!(received(&fresh), run(expected));
        assert_eq!(fresh["recovered"], true);
        assert_eq!(fresh["has_more"], false);
        assert_eq!(fresh["oldest_seq"], 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_client_gets_exactly_what_it_missed() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    database.append_messages(id, 98, 5).await?;
    let epoch = sync(&seller, id, None, None).await?["epoch"].clone();
    for (after, expected) in [(0, 1..=100), (10, 11..=100), (99, 100..=100)] {
        let answer = sync(&seller, id, Some(after), Some(&epoch)).await?;
        assert_eq!(received(&answer), run(expected), "after {after}");
        assert_eq!(answer["recovered"], true);
        assert_eq!(answer["has_more"], false);
        assert_eq!(answer["head_seq"], 100);
    }
    let nothing = sync(&seller, id, Some(100), Some(&epoch)).await?;
    assert_eq!(nothing["messages"], json!([]));
    assert_eq!(nothing["recovered"], true);
    Ok(())
}

#[tokio::test]
async fn more_than_a_thousand_missed_messages_come_in_pages() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    database.append_messages(id, 2498, 5).await?;
    let epoch = sync(&seller, id, None, None).await?["epoch"].clone();
    for (after, expected, has_more) in [
        (0, 1..=1000, true),
        (1000, 1001..=2000, true),
        (1500, 1501..=2500, false),
        (2000, 2001..=2500, false),
    ] {
        let answer = sync(&seller, id, Some(after), Some(&epoch)).await?;
        assert_eq!(received(&answer), run(expected), "after {after}");
        assert_eq!(answer["has_more"], has_more, "after {after}");
        assert_eq!(answer["recovered"], true);
    }
    Ok(())
}

#[tokio::test]
async fn a_client_of_another_epoch_starts_over() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    database.append_messages(id, 98, 5).await?;
    let other = json!("0123456789abcdef");
    for after in [0, 10, 100, 5000] {
        let answer = sync(&seller, id, Some(after), Some(&other)).await?;
        assert_eq!(answer["recovered"], false, "after {after}");
        assert_eq!(received(&answer), run(51..=100));
        assert_eq!(answer["has_more"], false);
    }
    Ok(())
}

#[tokio::test]
async fn a_client_ahead_of_the_log_starts_over() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let epoch = sync(&seller, id, None, None).await?["epoch"].clone();
    for epoch in [None, Some(&epoch)] {
        let answer = sync(&seller, id, Some(3), epoch).await?;
        assert_eq!(answer["recovered"], false);
        assert_eq!(received(&answer), [1, 2]);
    }
    Ok(())
}

#[tokio::test]
async fn a_new_salt_is_a_new_epoch() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let other_session = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let first = sync(&seller, id, None, None).await?["epoch"].clone();
    assert_eq!(
        sync(&seller, other_session, None, None).await?["epoch"],
        first
    );
    database
        .change("update stream.config set epoch_salt = 'restored' where id")
        .await?;

    let answer = sync(&seller, id, Some(1), Some(&first)).await?;
    assert_ne!(answer["epoch"], first);
    assert_eq!(answer["recovered"], false);
    send_message(&seller, id, "hi").await?;
    assert_eq!(
        database.frames(id).await?.last().unwrap()["epoch"],
        answer["epoch"]
    );
    Ok(())
}

#[tokio::test]
async fn databases_of_one_server_have_epochs_of_their_own() -> Result<()> {
    let mut epochs = Vec::new();
    for _ in 0..2 {
        let database = TestDatabase::create().await?;
        let id = database.start_stream().await?;
        let seller = database.user(demo::SELLER).await?;
        epochs.push(sync(&seller, id, None, None).await?["epoch"].clone());
    }
    assert_ne!(epochs[0], epochs[1]);
    Ok(())
}

#[tokio::test]
async fn an_answer_says_who_the_caller_is_to_the_stream() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    for (caller, role) in [
        (database.user(demo::SELLER).await?, "seller"),
        (database.user(demo::BEN).await?, "guest"),
        (database.service().await?, "service"),
    ] {
        assert_eq!(sync(&caller, id, None, None).await?["role"], role);
    }
    assert_eq!(sync(&ada, id, None, None).await?["role"], "viewer");
    ada.rpc("remove_viewer", json!({"session_id": id})).await?;
    assert_eq!(sync(&ada, id, None, None).await?["role"], "guest");
    Ok(())
}

#[tokio::test]
async fn an_answer_carries_the_state_and_the_counts() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    database.viewer(id, demo::ADA).await?;
    database.tick().await?;
    move_to(&seller, id, StreamState::Paused).await?;
    let auction = database.session_row(id).await?["auction_id"].clone();
    seller
        .rpc("start_stream", json!({"auction_id": auction}))
        .await?;

    let answer = sync(&seller, id, None, None).await?;
    assert_eq!(answer["session_id"], json!(id));
    assert_eq!(answer["state"], "paused");
    assert_eq!(answer["generation"], 2);
    assert_eq!(answer["host_uid"], 2);
    assert_eq!(answer["viewer_count"], 1);
    assert_eq!(answer["head_seq"], 4);
    Ok(())
}

/// Not counted for the answer, whose cost must not grow with the viewers.
#[tokio::test]
async fn the_count_is_the_one_that_was_broadcast_last() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    database.tick().await?;
    let ben = database.viewer(id, demo::BEN).await?;
    let join = json!({"session_id": id});
    let joined = ben.rpc("join_stream", join.clone()).await?;
    assert_eq!(joined["sync"]["viewer_count"], 1);
    assert_eq!(sync(&ada, id, None, None).await?["viewer_count"], 1);
    assert_eq!(database.counts_sent(id).await?, [1]);
    assert_eq!(ada.rpc("get_viewer_count", join).await?, 2);
    database.tick().await?;
    assert_eq!(sync(&ada, id, None, None).await?["viewer_count"], 2);
    assert_eq!(database.counts_sent(id).await?, [1, 2]);
    Ok(())
}

#[tokio::test]
async fn a_message_is_the_same_in_sync_in_a_frame_and_in_the_log() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    send_message(&ada, id, "it's \"quoted\" \\ \n é 😀").await?;
    let missed = sync(&ada, id, Some(2), None).await?["messages"][0].clone();
    let frame = database.frames(id).await?.last().unwrap()["messages"][0].clone();
    assert_eq!(missed, frame);
    let stored = database.log(id).await?.pop().unwrap();
    for (key, value) in missed.as_object().unwrap() {
        assert_eq!(&stored[key], value, "{key}");
    }
    Ok(())
}

#[tokio::test]
async fn retention_raises_the_oldest_number_and_loses_nothing_else() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    database.append_messages(id, 98, 5).await?;
    database
        .change("delete from stream.chat_messages where seq <= 40")
        .await?;
    let answer = sync(&seller, id, Some(10), None).await?;
    assert_eq!(answer["oldest_seq"], 41);
    assert_eq!(received(&answer), run(41..=100));
    database.change("delete from stream.chat_messages").await?;
    let answer = sync(&seller, id, Some(10), None).await?;
    assert_eq!(answer["oldest_seq"], 101);
    assert_eq!(answer["head_seq"], 100);
    Ok(())
}

#[tokio::test]
async fn whoever_may_not_view_learns_nothing() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let stranger = database.user(database.add_stranger().await?).await?;
    let anon = database.anon().await?;
    let seller = database.user(demo::SELLER).await?;
    database
        .refuses(ErrorCode::CannotView, sync(&stranger, id, None, None))
        .await?;
    database
        .refuses(ErrorCode::PermissionDenied, sync(&anon, id, None, None))
        .await?;
    let unknown = sync(&seller, Uuid::new_v4(), None, None);
    database
        .refuses(ErrorCode::SessionNotFound, unknown)
        .await?;
    for after in [-1, i64::MIN, i64::MAX] {
        let call = sync(&seller, id, Some(after), None);
        database.refuses(ErrorCode::InvalidArgument, call).await?;
    }
    let null = seller.rpc("sync", json!({"session_id": null}));
    database.refuses(ErrorCode::InvalidArgument, null).await?;
    Ok(())
}
