//! Starts next to transactions of the application that have locked the auction and start its stream themselves:
//! no circle, since a deadlock (40P01) is retried by callers for ever.

use anyhow::{Result, bail};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::refusal::expect_refusal;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Error};

const START: &str = "select (stream.start_stream($1, $2)).generation";

/// A transaction of the application that has locked its auction, and the seller's start, which waits
/// for it.
struct Race {
    database: TestDatabase,
    application: Client,
    start: JoinHandle<Result<Value, Error>>,
}

impl Race {
    async fn begin() -> Result<Self> {
        let (database, application) = application_at_work().await?;
        let seller = database.user(demo::SELLER).await?;
        let backend = seller.backend().await?;
        let call = json!({"auction_id": demo::AUCTION});
        let start = tokio::spawn(async move { seller.rpc("start_stream", call).await });
        wait_until_blocked(&database.owner, backend).await?;
        Ok(Self {
            database,
            application,
            start,
        })
    }

    /// The state of every stream.
    async fn streams(&self) -> Result<Vec<String>> {
        let rows = self
            .database
            .owner
            .query("select s.state from stream.stream_sessions as s", &[])
            .await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }
}

/// Holds the auction of the demonstration.
async fn application_at_work() -> Result<(TestDatabase, Client)> {
    let database = TestDatabase::create().await?;
    database.find_deadlocks_soon().await?;
    let application = database.connect("postgres").await?;
    application.batch_execute("begin").await?;
    application
        .execute(
            "select from public.auctions where id = $1 for update",
            &[&demo::AUCTION],
        )
        .await?;
    Ok((database, application))
}

#[tokio::test]
async fn a_start_lets_the_application_start_the_auction_that_it_holds() -> Result<()> {
    let mut race = Race::begin().await?;
    let first = race
        .application
        .query_one(START, &[&demo::AUCTION, &demo::SELLER])
        .await?;
    assert_eq!(first.get::<_, i32>(0), 1);
    race.application.batch_execute("commit").await?;
    assert_eq!((&mut race.start).await??["generation"], 2);
    assert_eq!(race.streams().await?, ["initializing"]);
    Ok(())
}

#[tokio::test]
async fn a_start_goes_on_when_the_application_lets_its_auction_go() -> Result<()> {
    let mut race = Race::begin().await?;
    race.application.batch_execute("commit").await?;
    assert_eq!((&mut race.start).await??["generation"], 1);
    assert_eq!(race.streams().await?, ["initializing"]);
    Ok(())
}

#[tokio::test]
async fn a_start_that_waited_asks_again_whose_auction_it_is() -> Result<()> {
    let changes = [
        format!(
            "update public.auctions set seller_id = '{}' where id = '{}'",
            demo::ADA,
            demo::AUCTION
        ),
        format!("delete from public.auctions where id = '{}'", demo::AUCTION),
    ];
    for change in changes {
        let mut race = Race::begin().await?;
        race.application.batch_execute(&change).await?;
        race.application.batch_execute("commit").await?;
        let answer = (&mut race.start).await?;
        expect_refusal(ErrorCode::NotAuctionOwner, answer)?;
        assert!(race.streams().await?.is_empty());
    }
    Ok(())
}

/// So nobody holds up the auctions of others by asking.
#[tokio::test]
async fn who_does_not_own_the_auction_is_refused_without_waiting_for_it() -> Result<()> {
    let (database, application) = application_at_work().await?;
    let ada = database.user(demo::ADA).await?;
    let backend = ada.backend().await?;
    let start = ada.rpc("start_stream", json!({"auction_id": demo::AUCTION}));
    tokio::select! {
        refused = database.refuses(ErrorCode::NotAuctionOwner, start) => refused?,
        blocked = wait_until_blocked(&database.owner, backend) => {
            blocked?;
            bail!("the start waited");
        }
    }
    application.batch_execute("commit").await?;
    Ok(())
}
