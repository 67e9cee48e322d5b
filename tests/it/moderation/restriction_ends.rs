//! Ends of mutes and bans, and the list of those in force.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::moderation::{lift, restrict, restrict_for};
use stream_tests::stream::move_to;
use uuid::Uuid;

#[tokio::test]
async fn a_ban_ends_by_itself_without_an_event_and_the_row_is_swept() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    restrict_for(&seller, "ban_user", id, demo::ADA, 60).await?;
    let head = database.head_seq(id).await?;
    database.pass_time(id, 59).await?;
    let early = ada.rpc("add_viewer", json!({"session_id": id}));
    database.refuses(ErrorCode::Banned, early).await?;
    database.pass_time(id, 1).await?;
    ada.rpc("add_viewer", json!({"session_id": id})).await?;

    let over = lift(&seller, id, demo::ADA, "ban");
    assert_eq!(database.changes_nothing(over).await?, "not_restricted");
    assert_eq!(database.sweep().await?.handled()["restrictions"], 1);
    assert!(database.events_after(id, head).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_restriction_after_one_that_is_over_is_new() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    restrict_for(&seller, "mute_user", id, demo::ADA, 60).await?;
    database.pass_time(id, 61).await?;
    let head = database.head_seq(id).await?;
    let answer = restrict(&seller, "mute_user", id, demo::ADA).await?;
    assert_eq!(answer["until"], Value::Null);
    assert_eq!(database.events_after(id, head).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_lift_ends_one_kind_is_announced_told_and_kept() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    restrict(&seller, "mute_user", id, demo::ADA).await?;
    restrict(&seller, "ban_user", id, demo::ADA).await?;
    let head = database.head_seq(id).await?;
    assert_eq!(lift(&seller, id, demo::ADA, "ban").await?, "lifted");
    assert_eq!(
        database.events_after(id, head).await?,
        [json!({
            "kind": "restriction_lifted", "user_id": demo::ADA, "restriction": "ban", "until": null,
        })]
    );
    let left: String = database
        .value("select string_agg(kind, ' ') from stream.chat_restrictions")
        .await?;
    assert_eq!(left, "mute");
    let told = database.broadcasts(&format!("user:{}", demo::ADA)).await?;
    let last = told.last().context("nothing told")?;
    assert_eq!(last.event, "restricted");
    assert_eq!(last.payload["restriction"], "ban");
    assert_eq!(last.payload["is_in_force"], false);
    let decisions = database.decisions(id).await?;
    assert_eq!(decisions[2]["action"], "ban_lifted");
    assert_eq!(decisions[2]["seq"], head + 1);

    let again = lift(&seller, id, demo::ADA, "ban");
    assert_eq!(database.changes_nothing(again).await?, "not_restricted");
    Ok(())
}

#[tokio::test]
async fn restrictions_in_force_are_listed_by_pages_of_whole_users() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    for user in [demo::ADA, demo::BEN] {
        restrict(&seller, "mute_user", id, user).await?;
        restrict(&seller, "ban_user", id, user).await?;
    }
    restrict_for(&seller, "mute_user", id, demo::CLEO, 60).await?;
    database.pass_time(id, 60).await?;
    let page = async |after: Option<Uuid>, page_size: i64| {
        let arguments = json!({"session_id": id, "after": after, "page_size": page_size});
        let rows = seller.rpc_rows("list_restrictions", arguments).await?;
        let rows = rows.into_iter();
        anyhow::Ok(
            rows.map(|row| json!([row["user_id"], row["kind"]]))
                .collect::<Vec<_>>(),
        )
    };
    let (ada, ben) = (json!(demo::ADA), json!(demo::BEN));
    assert_eq!(
        page(None, 1).await?,
        [json!([ada, "ban"]), json!([ada, "mute"])]
    );
    assert_eq!(
        page(Some(demo::ADA), 200).await?,
        [json!([ben, "ban"]), json!([ben, "mute"])]
    );
    assert!(page(Some(demo::BEN), 1).await?.is_empty());
    for page_size in [0, 201] {
        let arguments = json!({"session_id": id, "page_size": page_size});
        let call = seller.rpc_rows("list_restrictions", arguments);
        database.refuses(ErrorCode::InvalidArgument, call).await?;
    }
    Ok(())
}

#[tokio::test]
async fn nobody_is_restricted_in_a_stream_that_has_ended() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    restrict(&seller, "mute_user", id, demo::BEN).await?;
    move_to(&seller, id, StreamState::Ended).await?;
    for call in [
        restrict(&seller, "mute_user", id, demo::ADA).await,
        restrict(&seller, "ban_user", id, demo::ADA).await,
        lift(&seller, id, demo::BEN, "mute").await,
    ] {
        database
            .refuses(ErrorCode::StreamEnded, async { call })
            .await?;
    }
    // What was in force can still be read.
    let rows = seller
        .rpc_rows("list_restrictions", json!({"session_id": id}))
        .await?;
    assert_eq!(rows.len(), 1);
    Ok(())
}
