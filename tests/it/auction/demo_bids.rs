//! Bids of the demo application: higher than the one before, from viewers while the auction is live, each with its entry.

use anyhow::{Context, Result};
use serde_json::Value;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use tokio_postgres::Error;
use uuid::Uuid;

/// The amount that is stored.
async fn bid(bidder: &Session, cents: i64, id: Uuid) -> Result<Value, Error> {
    let call = format!("public.place_bid('{}', {cents}, '{id}')", demo::AUCTION);
    let rows = bidder.run(&format!("select to_jsonb({call})")).await?;
    Ok(rows[0]["amount_cents"].clone())
}

/// The code of a refusal.
fn refused(outcome: Result<Value, Error>) -> Result<String> {
    let error = outcome.err().context("the bid was taken")?;
    Ok(error.code().context("no code")?.code().to_owned())
}

#[tokio::test]
async fn a_bid_is_stored_once_with_its_entry_and_the_next_is_higher() -> Result<()> {
    let database = TestDatabase::create().await?;
    let stream = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(stream, demo::ADA).await?;
    let ben = database.viewer(stream, demo::BEN).await?;
    let first = Uuid::new_v4();
    assert_eq!(refused(bid(&ada, 119_999, first).await)?, "PT409");
    assert_eq!(bid(&ada, 120_000, first).await?, 120_000);
    // The same bid again, though it would be too low by now.
    assert_eq!(bid(&ada, 120_000, first).await?, 120_000);
    assert_eq!(refused(bid(&ben, 120_000, first).await)?, "PT409");
    assert_eq!(refused(bid(&ben, 124_999, Uuid::new_v4()).await)?, "PT409");
    assert_eq!(bid(&ben, 125_000, Uuid::new_v4()).await?, 125_000);

    let log = database.log(stream).await?;
    let told: Vec<&Value> = log
        .iter()
        .filter(|entry| entry["message_type"] == "auction_update")
        .collect();
    assert_eq!(told.len(), 2);
    assert_eq!(told[0]["content"], "ada bids EUR 1200.00");
    assert_eq!(told[1]["metadata"]["amount_cents"], 125_000);
    assert_eq!(told[1]["metadata"]["bidder"], "ben");

    let listed = ada.run("select public.list_auctions()").await?.remove(0);
    assert_eq!(listed[0]["highest_cents"], 125_000);
    assert_eq!(listed[0]["bid_count"], 2);
    assert_eq!(listed[0]["session_state"], "active");
    assert_eq!(listed[1]["highest_cents"], Value::Null);
    Ok(())
}

#[tokio::test]
async fn bids_of_the_seller_of_who_does_not_watch_and_without_a_stream_are_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let ada = database.user(demo::ADA).await?;
    assert_eq!(refused(bid(&ada, 120_000, Uuid::new_v4()).await)?, "PT409");
    let stream = database.stream_in(StreamState::Active).await?;
    assert_eq!(refused(bid(&ada, 120_000, Uuid::new_v4()).await)?, "PT409");
    let seller = database.user(demo::SELLER).await?;
    assert_eq!(
        refused(bid(&seller, 120_000, Uuid::new_v4()).await)?,
        "PT403"
    );
    database.viewer(stream, demo::ADA).await?;
    assert_eq!(bid(&ada, 120_000, Uuid::new_v4()).await?, 120_000);
    let anon = database.anon().await?;
    assert_eq!(refused(bid(&anon, 130_000, Uuid::new_v4()).await)?, "42501");
    Ok(())
}
