//! Joins that are refused, in one's own name and in another's.

use anyhow::Result;
use serde_json::json;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use uuid::Uuid;

use super::{count, join, leave};

#[tokio::test]
async fn somebody_who_never_joined_leaves_without_a_trace() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    for user in [demo::ADA, demo::SELLER, database.add_stranger().await?] {
        let caller = database.user(user).await?;
        let answer = database.changes_nothing(leave(&caller, id, None)).await?;
        assert_eq!(answer, "not_joined");
    }
    Ok(())
}

#[tokio::test]
async fn the_seller_is_not_a_viewer_of_their_own_stream() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    database
        .refuses(ErrorCode::InvalidArgument, join(&seller, id))
        .await?;
    Ok(())
}

#[tokio::test]
async fn an_ended_or_unknown_stream_is_not_joined() -> Result<()> {
    let database = TestDatabase::create().await?;
    let ada = database.user(demo::ADA).await?;
    for state in [
        StreamState::Initializing,
        StreamState::Paused,
        StreamState::Error,
    ] {
        join(&ada, database.stream_in(state).await?).await?;
    }
    let ended = database.stream_in(StreamState::Ended).await?;
    database
        .refuses(ErrorCode::StreamEnded, join(&ada, ended))
        .await?;
    assert_eq!(leave(&ada, ended, None).await?, "not_joined");
    let unknown = Uuid::new_v4();
    database
        .refuses(ErrorCode::SessionNotFound, join(&ada, unknown))
        .await?;
    database
        .refuses(ErrorCode::SessionNotFound, leave(&ada, unknown, None))
        .await?;
    let count = ada.rpc("get_viewer_count", json!({"session_id": unknown}));
    database.refuses(ErrorCode::SessionNotFound, count).await?;
    for function in ["add_viewer", "remove_viewer", "get_viewer_count"] {
        let call = ada.rpc(function, json!({"session_id": null}));
        database.refuses(ErrorCode::InvalidArgument, call).await?;
    }
    Ok(())
}

#[tokio::test]
async fn whoever_may_not_view_neither_joins_nor_counts() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let stranger = database.user(database.add_stranger().await?).await?;
    let ada = database.user(demo::ADA).await?;
    database
        .refuses(ErrorCode::CannotView, join(&stranger, id))
        .await?;
    let call = stranger.rpc("get_viewer_count", json!({"session_id": id}));
    database.refuses(ErrorCode::CannotView, call).await?;
    join(&ada, id).await?;

    database
        .change(
            "create or replace function stream.hook_can_view(user_id uuid, session_id uuid)
             returns boolean language sql stable set search_path = pg_catalog, pg_temp as 'select null::boolean'",
        )
        .await?;
    database
        .refuses(ErrorCode::CannotView, join(&ada, id))
        .await?;
    // Leaving is always possible.
    assert_eq!(leave(&ada, id, None).await?, "removed");
    let anon = database.anon().await?;
    database
        .refuses(ErrorCode::PermissionDenied, join(&anon, id))
        .await?;
    database
        .refuses(ErrorCode::PermissionDenied, leave(&anon, id, None))
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_user_joins_as_themself_and_the_service_for_anybody() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.user(demo::ADA).await?;
    let service = database.service().await?;
    let of = |user: Option<Uuid>| json!({"session_id": id, "buyer_id": user});
    for function in ["add_viewer", "remove_viewer"] {
        let call = ada.rpc(function, of(Some(demo::BEN)));
        database.refuses(ErrorCode::NotSelf, call).await?;
        let call = service.rpc(function, of(None));
        database.refuses(ErrorCode::InvalidArgument, call).await?;
    }
    let place = service.rpc("add_viewer", of(Some(demo::BEN))).await?;
    assert_eq!(place["user_id"], json!(demo::BEN));
    assert_eq!(
        service.rpc("remove_viewer", of(Some(demo::BEN))).await?,
        "removed"
    );
    Ok(())
}

#[tokio::test]
async fn the_service_does_not_join_somebody_who_may_not_view() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let service = database.service().await?;
    let stranger = database.add_stranger().await?;
    for user in [stranger, Uuid::new_v4()] {
        let call = service.rpc("add_viewer", json!({"session_id": id, "buyer_id": user}));
        database.refuses(ErrorCode::CannotView, call).await?;
    }
    Ok(())
}

/// The stream ends while somebody joins: the check stands behind the lock.
#[tokio::test]
async fn a_join_that_waited_for_the_end_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let ada = database.user(demo::ADA).await?;
    let backend = ada.backend().await?;

    seller.begin().await?;
    seller
        .rpc_within("end_stream", json!({"session_id": id}))
        .await?;
    let waiting = tokio::spawn(async move { join(&ada, id).await });
    wait_until_blocked(&database.owner, backend).await?;
    seller.commit().await?;

    stream_tests::refusal::expect_refusal(ErrorCode::StreamEnded, waiting.await?)?;
    assert_eq!(count(&database, id).await?, 0);
    Ok(())
}
