//! The oldest client that the server serves, in every answer on which a client lives.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::contract::OLDEST_CLIENT;
use stream_tests::database::TestDatabase;
use stream_tests::demo;

#[tokio::test]
async fn whoever_starts_joins_or_stays_is_told_the_oldest_client() -> Result<()> {
    let database = TestDatabase::create().await?;
    let declared: String = database
        .value("select stream_private.oldest_client()")
        .await?;
    assert_eq!(declared, OLDEST_CLIENT);
    let seller = database.user(demo::SELLER).await?;
    let ada = database.user(demo::ADA).await?;
    let auction = json!({"auction_id": demo::AUCTION});
    let started = seller.rpc("start_stream", auction).await?;
    let session = json!({"session_id": started["id"]});
    let joined = ada.rpc("join_stream", session.clone()).await?;
    let items = json!({"items": [{"session_id": started["id"], "user_id": demo::ADA}]});
    let service = database.service().await?;
    let batched = service.rpc_rows("heartbeats", items).await?;
    let batched = batched.first().context("an answer")?;
    let answers: [(&str, &Value); 7] = [
        ("start_stream", &started),
        ("join_stream", &joined),
        ("its sync", &joined["sync"]),
        ("sync", &ada.rpc("sync", session.clone()).await?),
        (
            "a viewer's heartbeat",
            &ada.rpc("heartbeat", session.clone()).await?,
        ),
        (
            "the seller's",
            &seller.rpc("heartbeat", session.clone()).await?,
        ),
        ("one of a batch", &batched["heartbeat"]),
    ];
    for (answer, value) in answers {
        assert_eq!(value["oldest_client"], OLDEST_CLIENT, "{answer}: {value}");
    }
    Ok(())
}
