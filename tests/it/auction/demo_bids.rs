//! Bids of the demo application: higher than the one before, from viewers while the auction is live, each with its entry.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
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

/// An auction that opens at so much, with its live stream and a viewer.
async fn opened_at(database: &TestDatabase, cents: i64) -> Result<(Uuid, Uuid, Session)> {
    let stream = database.stream_in(StreamState::Active).await?;
    let auction = auction_of(database, stream).await?;
    database
        .change(&format!(
            "update public.auctions set opening_cents = {cents} where id = '{auction}'"
        ))
        .await?;
    let ada = database.viewer(stream, demo::ADA).await?;
    Ok((stream, auction, ada))
}

#[tokio::test]
async fn a_bid_adds_a_step_that_grows_with_the_price_and_has_a_highest() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (_, auction, ada) = opened_at(&database, 9_000).await?;
    for (too_low, least) in [
        (8_999, 9_000),
        (9_499, 9_500),
        (9_999, 10_000),
        (10_999, 11_000),
        (11_999, 100_000),
        (104_999, 105_000),
    ] {
        let refusal = refused(bid(&ada, auction, too_low, Uuid::new_v4()).await)?;
        assert_eq!(refusal, "PT409", "{too_low}");
        assert_eq!(bid(&ada, auction, least, Uuid::new_v4()).await?, least);
    }
    let highest = 100_000_000_000;
    let refusal = refused(bid(&ada, auction, highest + 1, Uuid::new_v4()).await)?;
    assert_eq!(refusal, "PT409");
    assert_eq!(bid(&ada, auction, highest, Uuid::new_v4()).await?, highest);
    Ok(())
}

#[tokio::test]
async fn an_id_is_of_one_bid_and_one_auction() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (_, auction, ada) = opened_at(&database, 10_000).await?;
    let id = Uuid::new_v4();
    assert_eq!(bid(&ada, auction, 10_000, id).await?, 10_000);
    assert_eq!(
        refused(bid(&ada, demo::AUCTION, 10_000, id).await)?,
        "PT409"
    );
    assert_eq!(
        refused(bid(&ada, id, 11_000, Uuid::new_v4()).await)?,
        "PT404"
    );
    let without = format!("select to_jsonb(public.place_bid('{auction}', 11000, null))");
    assert_eq!(
        refused(ada.run(&without).await.map(|_| json!(null)))?,
        "PT404"
    );
    Ok(())
}

#[tokio::test]
async fn who_has_left_and_who_watches_a_paused_stream_does_not_bid() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (stream, auction, ada) = opened_at(&database, 10_000).await?;
    let ben = database.viewer(stream, demo::BEN).await?;
    let session = json!({"session_id": stream});
    ada.rpc("remove_viewer", session.clone()).await?;
    assert_eq!(
        refused(bid(&ada, auction, 10_000, Uuid::new_v4()).await)?,
        "PT409"
    );
    let seller = database.user(demo::SELLER).await?;
    seller.rpc("pause_stream", session).await?;
    assert_eq!(
        refused(bid(&ben, auction, 10_000, Uuid::new_v4()).await)?,
        "PT409"
    );
    Ok(())
}

/// The one that waits is judged by the one that it waited for.
#[tokio::test]
async fn of_two_bids_at_once_the_second_must_be_higher() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (stream, auction, ada) = opened_at(&database, 10_000).await?;
    let ben = database.viewer(stream, demo::BEN).await?;
    ada.begin().await?;
    let first = format!(
        "select to_jsonb(public.place_bid('{auction}', 20000, '{}'))",
        Uuid::new_v4()
    );
    ada.query_within(&first).await?;
    let backend = ben.backend().await?;
    let second = tokio::spawn(async move { bid(&ben, auction, 15_000, Uuid::new_v4()).await });
    wait_until_blocked(&database.superuser().await?, backend).await?;
    ada.commit().await?;
    assert_eq!(refused(second.await?)?, "PT409");
    Ok(())
}

#[tokio::test]
async fn nobody_writes_bids_or_auctions_but_by_the_functions() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (_, auction, ada) = opened_at(&database, 10_000).await?;
    assert_eq!(bid(&ada, auction, 10_000, Uuid::new_v4()).await?, 10_000);
    let id = Uuid::new_v4();
    for statement in [
        format!(
            "insert into public.auction_bids (id, auction_id, bidder_id, amount_cents)
             values ('{id}', '{auction}', '{}', 20000)",
            demo::ADA
        ),
        "update public.auction_bids set amount_cents = 1".to_owned(),
        "delete from public.auction_bids".to_owned(),
        "update public.auctions set opening_cents = 1".to_owned(),
        "update public.users set username = 'another'".to_owned(),
    ] {
        let refused = ada.execute(&statement, &[]).await.err();
        let code = refused.as_ref().and_then(Error::code);
        assert_eq!(code.map(|code| code.code()), Some("42501"), "{statement}");
    }
    Ok(())
}

#[tokio::test]
async fn the_list_names_the_newest_stream_of_an_auction() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (first, auction, ada) = opened_at(&database, 10_000).await?;
    let seller = database.user(demo::SELLER).await?;
    seller
        .rpc("end_stream", json!({"session_id": first}))
        .await?;
    let second = seller
        .rpc("start_stream", json!({"auction_id": auction}))
        .await?;
    let listed = ada.run("select public.list_auctions()").await?.remove(0);
    let listed = listed.as_array().context("no list")?;
    let one = listed.iter().find(|one| one["id"] == json!(auction));
    let one = one.context("it is not listed")?;
    assert_eq!(one["session_id"], second["id"]);
    assert_ne!(one["session_id"], json!(first));
    assert_eq!(one["session_state"], "initializing");
    Ok(())
}
