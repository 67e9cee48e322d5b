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
async fn bid(bidder: &Session, auction: Uuid, cents: i64, id: Uuid) -> Result<Value, Error> {
    let call = format!("public.place_bid('{auction}', {cents}, '{id}')");
    let rows = bidder.run(&format!("select to_jsonb({call})")).await?;
    Ok(rows[0]["amount_cents"].clone())
}

async fn auction_of(database: &TestDatabase, stream: Uuid) -> Result<Uuid> {
    let query = format!("select auction_id from stream.stream_sessions where id = '{stream}'");
    database.value(&query).await
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
    let auction = auction_of(&database, stream).await?;
    let first = Uuid::new_v4();
    assert_eq!(refused(bid(&ada, auction, 9_999, first).await)?, "PT409");
    assert_eq!(bid(&ada, auction, 10_000, first).await?, 10_000);
    // The same bid again, though it would be too low by now.
    assert_eq!(bid(&ada, auction, 10_000, first).await?, 10_000);
    assert_eq!(refused(bid(&ben, auction, 10_000, first).await)?, "PT409");
    assert_eq!(
        refused(bid(&ben, auction, 10_999, Uuid::new_v4()).await)?,
        "PT409"
    );
    assert_eq!(bid(&ben, auction, 11_000, Uuid::new_v4()).await?, 11_000);

    let log = database.log(stream).await?;
    let told: Vec<&Value> = log
        .iter()
        .filter(|entry| entry["message_type"] == "auction_update")
        .collect();
    assert_eq!(told.len(), 2);
    assert_eq!(told[0]["content"], "ada bids EUR 100.00");
    assert_eq!(told[1]["metadata"]["amount_cents"], 11_000);
    assert_eq!(told[1]["metadata"]["bidder"], "ben");

    let listed = ada.run("select public.list_auctions()").await?.remove(0);
    let listed = listed.as_array().context("no list")?;
    let of = |id: Uuid| listed.iter().find(|one| one["id"] == id.to_string());
    let with_bids = of(auction).context("it is not listed")?;
    assert_eq!(with_bids["highest_cents"], 11_000);
    assert_eq!(with_bids["highest_bidder"], "ben");
    assert_eq!(with_bids["bid_count"], 2);
    assert_eq!(with_bids["session_state"], "active");
    let without = of(demo::AUCTION).context("it is not listed")?;
    assert_eq!(without["highest_cents"], Value::Null);
    Ok(())
}

#[tokio::test]
async fn bids_of_the_seller_of_who_does_not_watch_and_without_a_stream_are_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let ada = database.user(demo::ADA).await?;
    assert_eq!(
        refused(bid(&ada, demo::AUCTION, 120_000, Uuid::new_v4()).await)?,
        "PT409"
    );
    let stream = database.stream_in(StreamState::Active).await?;
    let auction = auction_of(&database, stream).await?;
    assert_eq!(
        refused(bid(&ada, auction, 120_000, Uuid::new_v4()).await)?,
        "PT409"
    );
    let seller = database.user(demo::SELLER).await?;
    assert_eq!(
        refused(bid(&seller, auction, 120_000, Uuid::new_v4()).await)?,
        "PT403"
    );
    database.viewer(stream, demo::ADA).await?;
    assert_eq!(bid(&ada, auction, 120_000, Uuid::new_v4()).await?, 120_000);
    let anon = database.anon().await?;
    assert_eq!(
        refused(bid(&anon, auction, 130_000, Uuid::new_v4()).await)?,
        "42501"
    );
    Ok(())
}
