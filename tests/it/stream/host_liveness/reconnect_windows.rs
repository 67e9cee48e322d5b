//! The window in which a lost host may return.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::stream::session_id;
use uuid::Uuid;

use super::{HOST_TIMEOUT, state};

#[tokio::test]
async fn a_window_of_nothing_lets_nobody_return() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    let id = start_with_window(&database, json!(0)).await?;
    send_heartbeat(&seller, id).await?;
    database.pass_time(id, HOST_TIMEOUT).await?;
    assert_eq!(database.sweep().await?.handled()["host_lost"], 1);
    assert_eq!(send_heartbeat(&seller, id).await?["state"], "error");
    assert_eq!(database.sweep().await?.handled()["reconnect_timeout"], 1);
    assert_eq!(state(&database, id).await?, "ended");
    Ok(())
}

async fn start_with_window(database: &TestDatabase, window: Value) -> Result<Uuid> {
    let auction = database.add_auction(demo::SELLER).await?;
    let arguments = json!({"auction_id": auction, "reconnect_window_s": window});
    let seller = database.user(demo::SELLER).await?;
    session_id(&seller.rpc("start_stream", arguments).await?)
}

#[tokio::test]
async fn a_stream_may_have_a_window_of_its_own() -> Result<()> {
    let database = TestDatabase::create().await?;
    let seller = database.user(demo::SELLER).await?;
    database
        .change("update stream.config set reconnect_window_s = 30 where id")
        .await?;
    for (window, expected) in [
        (json!(0), 0),
        (json!(1), 1),
        (json!(1800), 1800),
        (Value::Null, 30),
    ] {
        let id = start_with_window(&database, window).await?;
        let row = database.session_row(id).await?;
        assert_eq!(row["reconnect_window_s"], expected);
    }
    let auction = database.add_auction(demo::SELLER).await?;
    for window in [-1, 1801] {
        let arguments = json!({"auction_id": auction, "reconnect_window_s": window});
        let call = seller.rpc("start_stream", arguments);
        database.refuses(ErrorCode::InvalidArgument, call).await?;
    }
    let id = start_with_window(&database, json!(120)).await?;
    send_heartbeat(&seller, id).await?;
    database.pass_time(id, HOST_TIMEOUT).await?;
    database.sweep().await?;
    database.pass_time(id, 115).await?;
    assert!(database.sweep().await?.handled().is_empty());
    database.pass_time(id, 5).await?;
    assert_eq!(database.sweep().await?.handled()["reconnect_timeout"], 1);
    Ok(())
}
