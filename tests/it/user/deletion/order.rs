//! Deletions take the rows of streams in one order with ticks and batches.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_retrying_lock;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::stream::move_to;
use uuid::Uuid;

use super::{delete_and_wait, hold, item, place, release, turn_round, watched_twice};

/// Both take the leases of the two streams; the tick waits for none, and a later one closes what it left open.
#[tokio::test]
async fn a_tick_ends_streams_whose_leases_are_held_and_a_deletion_waits_for() -> Result<()> {
    let (database, sessions, _) = watched_twice().await?;
    let seller = database.user(demo::SELLER).await?;
    for session in sessions {
        move_to(&seller, session, StreamState::Paused).await?;
        database.pass_time(session, 3700).await?;
    }
    turn_round(&database).await?;
    let holder = hold(&database, &place(sessions[0], demo::ADA)).await?;
    let deletion = delete_and_wait(&database, "auth.users", demo::ADA).await?;
    database.tick().await?;
    assert_eq!(states(&database, sessions).await?, ["ended", "ended"]);
    release(holder).await?;
    assert_eq!(deletion.await??, 1);
    Ok(())
}

async fn states(database: &TestDatabase, sessions: [Uuid; 2]) -> Result<Vec<String>> {
    let mut states = Vec::new();
    for session in sessions {
        let state = format!("select state from stream.stream_sessions where id = '{session}'");
        states.push(database.value(&state).await?);
    }
    Ok(states)
}

/// A batch looks at the places of a stream before it learns that the stream has ended.
async fn a_batch_beside_the_deletion_of(table: &str, id: Uuid) -> Result<()> {
    let (database, sessions, _) = watched_twice().await?;
    let seller = database.user(demo::SELLER).await?;
    for session in sessions {
        database.viewer(session, demo::CLEO).await?;
        database.viewer(session, demo::BEN).await?;
        // Both of one auction, as after a second broadcast.
        move_to(&seller, session, StreamState::Ended).await?;
        database
            .owner
            .execute(
                "update stream.stream_sessions set auction_id = $2 where id = $1",
                &[&session, &demo::AUCTION],
            )
            .await?;
    }
    turn_round(&database).await?;
    let holder = hold(&database, &place(sessions[0], demo::BEN)).await?;
    database.let_batches_wait().await?;
    let items: Vec<Value> = sessions
        .into_iter()
        .flat_map(|session| [item(session, demo::BEN), item(session, demo::CLEO)])
        .collect();
    let service = database.service().await?;
    let batch = json!({"items": items});
    let backend = service.backend().await?;
    let batch = tokio::spawn(async move { service.rpc_rows("send_messages", batch).await });
    wait_until_retrying_lock(&database, backend).await?;
    let deletion = delete_and_wait(&database, table, id).await?;
    release(holder).await?;
    for answer in batch.await?? {
        // The deletion may have got the place first.
        let refusals = ["stream_ended", "session_not_found"].map(Value::from);
        assert!(refusals.contains(&answer["status"]), "{answer}");
    }
    assert_eq!(deletion.await??, 1);
    Ok(())
}

#[tokio::test]
async fn the_deletion_of_a_seller_takes_the_places_in_their_streams_in_order() -> Result<()> {
    a_batch_beside_the_deletion_of("auth.users", demo::SELLER).await
}

#[tokio::test]
async fn the_deletion_of_an_auction_takes_the_places_in_its_streams_in_order() -> Result<()> {
    a_batch_beside_the_deletion_of("public.auctions", demo::AUCTION).await
}
