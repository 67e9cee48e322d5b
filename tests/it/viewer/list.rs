//! The list of viewers: the right to read it, and pages that show everybody once.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat_with;
use stream_tests::session::Session;
use uuid::Uuid;

async fn page(
    caller: &Session,
    session: Uuid,
    after: &Value,
    page_size: i64,
) -> Result<Vec<Value>, tokio_postgres::Error> {
    let arguments = json!({"session_id": session, "after": after, "page_size": page_size});
    caller.rpc_rows("get_viewers", arguments).await
}

#[tokio::test]
async fn pages_show_every_viewer_once_by_ascending_id() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let mut expected = Vec::new();
    for number in 0..23 {
        let user = database.add_user(&format!("viewer{number}")).await?;
        let viewer = database.viewer(id, user).await?;
        if number % 6 == 0 {
            viewer
                .rpc("remove_viewer", json!({"session_id": id}))
                .await?;
        } else {
            expected.push(user);
        }
    }
    expected.sort();
    let other = database.stream_in(StreamState::Active).await?;
    database.viewer(other, demo::BEN).await?;
    for caller in [
        database.user(demo::SELLER).await?,
        database.service().await?,
    ] {
        for page_size in [1, 5, 19, 200] {
            let (mut seen, mut after) = (Vec::new(), Value::Null);
            loop {
                let viewers = page(&caller, id, &after, page_size).await?;
                assert!(viewers.len() <= usize::try_from(page_size)?);
                let Some(last) = viewers.last() else { break };
                after = last["user_id"].clone();
                seen.extend(viewers.iter().map(|viewer| viewer["user_id"].clone()));
            }
            assert_eq!(json!(seen), json!(expected), "{page_size} a page");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_viewer_is_shown_with_place_and_presence() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    send_heartbeat_with(&ada, id, json!({"foreground": false})).await?;
    let row = database.viewer_row(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    let shown = &page(&seller, id, &Value::Null, 50).await?[0];
    for key in [
        "user_id",
        "agora_uid",
        "joined_at",
        "last_seen_at",
        "foreground",
    ] {
        assert_eq!(shown[key], row[key], "{key}");
    }
    assert_eq!(shown["foreground"], false);
    Ok(())
}

#[tokio::test]
async fn the_host_and_the_service_see_the_list_and_nobody_else() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    assert!(page(&seller, id, &Value::Null, 50).await?.is_empty());
    let ada = database.viewer(id, demo::ADA).await?;
    let stranger = database.user(database.add_stranger().await?).await?;
    for caller in [&ada, &stranger] {
        let call = page(caller, id, &Value::Null, 50);
        database.refuses(ErrorCode::NotStreamOwner, call).await?;
    }
    let anon = database.anon().await?;
    let call = page(&anon, id, &Value::Null, 50);
    database.refuses(ErrorCode::PermissionDenied, call).await?;
    let call = page(&seller, Uuid::new_v4(), &Value::Null, 50);
    database.refuses(ErrorCode::SessionNotFound, call).await
}

#[tokio::test]
async fn a_page_has_one_to_two_hundred_viewers() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    for page_size in [-1, 0, 201] {
        let call = page(&seller, id, &Value::Null, page_size);
        database.refuses(ErrorCode::InvalidArgument, call).await?;
    }
    for arguments in [
        json!({"session_id": null}),
        json!({"session_id": id, "page_size": null}),
    ] {
        let call = seller.rpc("get_viewers", arguments);
        database.refuses(ErrorCode::InvalidArgument, call).await?;
    }
    page(&seller, id, &Value::Null, 200).await?;
    Ok(())
}
