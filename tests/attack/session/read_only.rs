//! READ ONLY transactions: no operation writes in one, by a statement or by key.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use tokio_postgres::Error;

async fn call_read_only(
    caller: &Session,
    operation: &str,
    arguments: Value,
) -> Result<Vec<Value>, Error> {
    caller.begin().await?;
    caller.execute_within("set transaction read only").await?;
    let answer = caller.rpc_rows_within(operation, arguments).await;
    // Committed, so that whatever was written would be there.
    match answer.is_ok() {
        true => caller.commit().await?,
        false => caller.rollback().await?,
    }
    answer
}

#[tokio::test]
async fn what_writes_is_refused_and_what_reads_is_answered() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    let service = database.service().await?;
    let auction = database.add_auction(demo::SELLER).await?;
    let session = json!({"session_id": id});
    let item = json!({"session_id": id, "user_id": demo::ADA, "content": "hi"});
    for (caller, operation, arguments) in [
        (&ada, "heartbeat", session.clone()),
        (&seller, "heartbeat", session.clone()),
        (
            &service,
            "heartbeats",
            json!({"items": [{"session_id": id, "user_id": demo::ADA}]}),
        ),
        (&ada, "generate_buyer_token", json!({"channel_id": id})),
        (&seller, "generate_seller_token", json!({"channel_id": id})),
        (&ada, "refresh_token", json!({"channel_id": id})),
        (&ada, "add_viewer", session.clone()),
        (&ada, "join_stream", session.clone()),
        (&ada, "remove_viewer", session.clone()),
        (
            &ada,
            "send_message",
            json!({"session_id": id, "user_id": null, "content": "hi"}),
        ),
        (&service, "send_messages", json!({"items": [item]})),
        (&ada, "mark_read_up_to", json!({"session_id": id, "seq": 1})),
        (&ada, "subscribe_to_chat", session.clone()),
        (&seller, "pause_stream", session.clone()),
        (&seller, "end_stream", session.clone()),
        (&seller, "start_stream", json!({"auction_id": auction})),
        (
            &seller,
            "mute_user",
            json!({"session_id": id, "user_id": demo::ADA}),
        ),
        (
            &service,
            "post_auction_update",
            json!({"session_id": id, "update": {"amount": 1}}),
        ),
    ] {
        let refused = call_read_only(caller, operation, arguments);
        database
            .refuses(ErrorCode::ReadOnly, refused)
            .await
            .context(operation)?;
    }
    for (caller, operation) in [
        (&ada, "sync"),
        (&ada, "get_stream_state"),
        (&ada, "get_message_history"),
        (&ada, "unread_count"),
        (&seller, "get_stream_summary"),
    ] {
        let read = call_read_only(caller, operation, session.clone()).await;
        assert!(!read.context(operation)?.is_empty(), "{operation}");
    }
    Ok(())
}
