//! The stored and broadcast viewer count follows the leases, and is sent once a tick at most.

use anyhow::Result;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use uuid::Uuid;

async fn stored(database: &TestDatabase, session: Uuid) -> Result<(i64, i64)> {
    let row = database.session_row(session).await?;
    let number = |key: &str| row[key].as_i64().unwrap_or(-1);
    Ok((number("viewer_count"), number("peak_viewer_count")))
}

async fn leave(viewer: &Session, session: Uuid) -> Result<()> {
    viewer
        .rpc("remove_viewer", json!({"session_id": session}))
        .await?;
    Ok(())
}

#[tokio::test]
async fn fifty_joins_are_one_broadcast() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    for number in 0..50 {
        let user = database.add_user(&format!("viewer{number}")).await?;
        database.viewer(id, user).await?;
    }
    assert_eq!(stored(&database, id).await?, (0, 0));
    assert!(database.counts_sent(id).await?.is_empty());
    database.tick().await?;
    assert_eq!(stored(&database, id).await?, (50, 50));
    assert_eq!(database.counts_sent(id).await?, [50]);
    database.tick().await?;
    assert_eq!(database.counts_sent(id).await?, [50]);
    let left: i64 = database
        .value("select count(*) from stream.viewer_changes")
        .await?;
    assert_eq!(left, 0);
    Ok(())
}

#[tokio::test]
async fn only_a_change_is_broadcast() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    database.tick().await?;
    // One goes, another comes; one comes and goes; one joins again.
    database.viewer(id, demo::BEN).await?;
    leave(&ada, id).await?;
    let cleo = database.viewer(id, demo::CLEO).await?;
    leave(&cleo, id).await?;
    database.viewer(id, demo::BEN).await?;
    database.tick().await?;
    assert_eq!(database.counts_sent(id).await?, [1]);
    assert_eq!(stored(&database, id).await?, (1, 1));
    Ok(())
}

#[tokio::test]
async fn the_peak_stays() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    database.tick().await?;
    leave(&ada, id).await?;
    database.tick().await?;
    leave(&ben, id).await?;
    database.tick().await?;
    database.viewer(id, demo::CLEO).await?;
    database.tick().await?;
    assert_eq!(stored(&database, id).await?, (1, 2));
    assert_eq!(database.counts_sent(id).await?, [2, 1, 0, 1]);
    let peaks: Vec<_> = database
        .broadcasts(&format!("viewers:{id}"))
        .await?
        .into_iter()
        .map(|sent| sent.payload["peak"].clone())
        .collect();
    assert_eq!(json!(peaks), json!([2, 2, 2, 2]));
    Ok(())
}

#[tokio::test]
async fn streams_are_counted_each_for_itself() -> Result<()> {
    let database = TestDatabase::create().await?;
    let first = database.stream_in(StreamState::Active).await?;
    let second = database.stream_in(StreamState::Active).await?;
    database.viewer(first, demo::ADA).await?;
    database.viewer(second, demo::ADA).await?;
    database.viewer(second, demo::BEN).await?;
    database.tick().await?;
    assert_eq!(stored(&database, first).await?, (1, 1));
    assert_eq!(stored(&database, second).await?, (2, 2));
    Ok(())
}

/// A state move that has not committed holds the session; the tick must not wait for it.
#[tokio::test]
async fn a_session_that_somebody_holds_is_counted_in_the_next_round() -> Result<()> {
    let database = TestDatabase::create().await?;
    let held = database.stream_in(StreamState::Active).await?;
    let free = database.stream_in(StreamState::Active).await?;
    database.viewer(held, demo::ADA).await?;
    database.viewer(free, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    seller.begin().await?;
    seller
        .rpc_within("pause_stream", json!({"session_id": held}))
        .await?;
    for _ in 0..2 {
        database.tick().await?;
        assert_eq!(stored(&database, held).await?, (0, 0));
        assert_eq!(stored(&database, free).await?, (1, 1));
    }
    seller.commit().await?;
    database.tick().await?;
    assert_eq!(stored(&database, held).await?, (1, 1));
    Ok(())
}

#[tokio::test]
async fn a_join_that_has_not_committed_is_counted_when_it_has() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::BEN).await?;
    let ada = database.user(demo::ADA).await?;
    ada.begin().await?;
    ada.rpc_within("add_viewer", json!({"session_id": id}))
        .await?;
    database.tick().await?;
    ada.commit().await?;
    database.tick().await?;
    assert_eq!(stored(&database, id).await?, (2, 2));
    Ok(())
}

#[tokio::test]
async fn an_ended_stream_stays_at_nobody() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    database.tick().await?;
    database.viewer(id, demo::BEN).await?;
    let service = database.service().await?;
    service.rpc("end_stream", json!({"session_id": id})).await?;
    // The second viewer was there, although no tick had come to count.
    assert_eq!(stored(&database, id).await?, (0, 2));
    assert_eq!(database.counts_sent(id).await?, [1, 0]);
    // Changes of before the end, and a lease that was left open by hand.
    database
        .change("update stream.stream_viewers set left_at = null")
        .await?;
    for _ in 0..2 {
        database.tick().await?;
        assert_eq!(stored(&database, id).await?.0, 0);
    }
    assert_eq!(database.counts_sent(id).await?, [1, 0]);
    Ok(())
}

/// A stream that is shorter than the time between two ticks.
#[tokio::test]
async fn the_peak_of_a_stream_that_ends_before_any_tick_is_who_was_there_at_the_end() -> Result<()>
{
    let database = TestDatabase::create().await?;
    database.refuse_second_updates().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    // Her lease is over, although no sweep has come to it.
    database.pass_time(id, 45).await?;
    database.viewer(id, demo::BEN).await?;
    let cleo = database.viewer(id, demo::CLEO).await?;
    leave(&cleo, id).await?;
    let service = database.service().await?;
    service.rpc("end_stream", json!({"session_id": id})).await?;
    assert_eq!(stored(&database, id).await?, (0, 1));
    assert!(database.counts_sent(id).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_stream_that_a_tick_ends_has_the_viewers_of_the_end_in_its_peak() -> Result<()> {
    let database = TestDatabase::create().await?;
    database.refuse_second_updates().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.pass_time(id, 43_200).await?;
    database.viewer(id, demo::ADA).await?;
    database.viewer(id, demo::BEN).await?;
    database.tick().await?;
    assert_eq!(database.session_row(id).await?["state"], "ended");
    assert_eq!(stored(&database, id).await?, (0, 2));
    Ok(())
}

#[tokio::test]
async fn a_viewer_whose_lease_is_over_is_not_counted_from_the_same_tick_on() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    database.tick().await?;
    database.pass_time(id, 45).await?;
    database.tick().await?;
    assert_eq!(stored(&database, id).await?, (0, 1));
    assert_eq!(database.counts_sent(id).await?, [1, 0]);
    Ok(())
}

#[tokio::test]
async fn changes_of_a_stream_that_is_gone_do_no_harm() -> Result<()> {
    let database = TestDatabase::create().await?;
    let gone = database.stream_in(StreamState::Active).await?;
    let there = database.stream_in(StreamState::Active).await?;
    database.viewer(gone, demo::ADA).await?;
    database.viewer(there, demo::ADA).await?;
    let service = database.service().await?;
    service
        .rpc("end_stream", json!({"session_id": gone}))
        .await?;
    database
        .change(&format!(
            "delete from stream.stream_sessions where id = '{gone}'"
        ))
        .await?;
    database.tick().await?;
    assert_eq!(stored(&database, there).await?, (1, 1));
    Ok(())
}

#[tokio::test]
async fn one_tick_at_a_time_works_and_the_others_return_at_once() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    let first = database.service().await?;
    first.begin().await?;
    first.rpc_within("tick", json!({})).await?;
    let other = database.stream_in(StreamState::Active).await?;
    database.viewer(other, demo::BEN).await?;
    // Waits for nothing, although the first holds the ticker's row.
    database
        .changes_nothing(database.service().await?.rpc("tick", json!({})))
        .await?;
    first.commit().await?;
    assert_eq!(stored(&database, id).await?, (1, 1));
    assert_eq!(stored(&database, other).await?, (0, 0));
    database.tick().await?;
    assert_eq!(stored(&database, other).await?, (1, 1));
    Ok(())
}

/// What a tick took and could not finish is not lost.
#[tokio::test]
async fn a_tick_that_is_rolled_back_leaves_its_work_to_the_next() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    let service = database.service().await?;
    service.begin().await?;
    service.rpc_within("tick", json!({})).await?;
    service.rollback().await?;
    assert_eq!(stored(&database, id).await?, (0, 0));
    database.tick().await?;
    assert_eq!(stored(&database, id).await?, (1, 1));
    Ok(())
}

#[tokio::test]
async fn a_round_is_due_about_once_a_second() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    // In one transaction time stands still.
    let ticked_after = async |milliseconds: i32| {
        database
            .change(&format!(
                "begin;
                 update stream.ticker set swept_at = now() - interval '{milliseconds} ms';
                 select stream.tick();
                 commit"
            ))
            .await
    };
    for early in [0, 500, 899] {
        ticked_after(early).await?;
        assert_eq!(stored(&database, id).await?, (0, 0), "{early} ms");
    }
    ticked_after(900).await?;
    assert_eq!(stored(&database, id).await?, (1, 1));
    Ok(())
}

#[tokio::test]
async fn a_tick_and_joins_do_not_wait_for_each_other() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::BEN).await?;
    let first = database.user(demo::ADA).await?;
    first.begin().await?;
    first
        .rpc_within("add_viewer", json!({"session_id": id}))
        .await?;
    // A second join beside the first.
    database.viewer(id, demo::CLEO).await?;
    database.tick().await?;
    first.commit().await?;
    database.tick().await?;
    assert_eq!(stored(&database, id).await?, (3, 3));
    Ok(())
}

/// The one order in which somebody does wait: a join behind the count of its session.
#[tokio::test]
async fn a_join_that_waited_for_a_tick_is_counted_by_the_next() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::BEN).await?;
    let service = database.service().await?;
    service.begin().await?;
    service.rpc_within("tick", json!({})).await?;
    let ada = database.user(demo::ADA).await?;
    let backend = ada.backend().await?;
    let waiting =
        tokio::spawn(async move { ada.rpc("add_viewer", json!({"session_id": id})).await });
    wait_until_blocked(&database.owner, backend).await?;
    service.commit().await?;
    waiting.await??;
    database.tick().await?;
    assert_eq!(stored(&database, id).await?, (2, 2));
    assert_eq!(database.counts_sent(id).await?, [1, 2]);
    Ok(())
}
