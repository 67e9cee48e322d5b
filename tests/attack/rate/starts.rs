//! Sellers who start streams in a loop: every listener of topic `live` would hear of each.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState::{Active, Ended};
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::refusal::{expect_refusal, retry_after_ms};
use stream_tests::session::Session;
use stream_tests::stream::{move_to, session_id};
use uuid::Uuid;

/// Two a minute.
async fn limited() -> Result<(TestDatabase, Session)> {
    let database = TestDatabase::create().await?;
    database
        .change("update stream.config set starts_per_minute = 2 where id")
        .await?;
    let seller = database.user(demo::SELLER).await?;
    Ok((database, seller))
}

async fn start(database: &TestDatabase, seller: &Session) -> Result<Uuid> {
    let arguments = json!({"auction_id": database.add_auction(demo::SELLER).await?});
    session_id(&seller.rpc("start_stream", arguments).await?)
}

#[tokio::test]
async fn one_start_more_than_the_rate_is_refused_with_the_wait_and_leaves_no_trace() -> Result<()> {
    let (database, seller) = limited().await?;
    let first = start(&database, &seller).await?;
    start(&database, &seller).await?;
    let next = json!({"auction_id": database.add_auction(demo::SELLER).await?});
    let refused = seller.rpc("start_stream", next.clone());
    database.refuses(ErrorCode::RateLimited, refused).await?;
    let refusal = seller.rpc("start_stream", next.clone()).await.unwrap_err();
    let wait_ms = retry_after_ms(&refusal).context("a wait")?;
    assert!((1..=30_000).contains(&wait_ms), "{wait_ms}");

    // A takeover is told to the viewers of its stream: the same rate. The stream goes on as it was.
    let auction = database.session_row(first).await?["auction_id"].clone();
    let taken = seller.rpc("start_stream", json!({"auction_id": auction}));
    database.refuses(ErrorCode::RateLimited, taken).await?;

    // Others, and the service in the seller's name, are not held up.
    let sam = database.add_user("sam").await?;
    let auction = database.add_auction(sam).await?;
    let other = database.user(sam).await?;
    other
        .rpc("start_stream", json!({"auction_id": auction}))
        .await?;
    let service = database.service().await?;
    let arguments = json!({
        "auction_id": database.add_auction(demo::SELLER).await?, "seller_id": demo::SELLER,
    });
    service.rpc("start_stream", arguments).await?;

    database
        .change("update stream.start_rates set tat = tat - interval '30 seconds'")
        .await?;
    let started = session_id(&seller.rpc("start_stream", next).await?)?;
    move_to(&seller, started, Active).await?;
    let over: Value = json!({"auction_id": database.add_auction(demo::SELLER).await?});
    let refused = seller.rpc("start_stream", over);
    database.refuses(ErrorCode::RateLimited, refused).await
}

#[tokio::test]
async fn what_is_refused_or_repeated_costs_no_start() -> Result<()> {
    let (database, seller) = limited().await?;
    for _ in 0..3 {
        let unknown = seller.rpc("start_stream", json!({"auction_id": Uuid::new_v4()}));
        database
            .refuses(ErrorCode::NotAuctionOwner, unknown)
            .await?;
    }
    let auction = database.add_auction(demo::SELLER).await?;
    let again = json!({"auction_id": auction, "request_id": Uuid::new_v4()});
    for _ in 0..4 {
        seller.rpc("start_stream", again.clone()).await?;
    }
    start(&database, &seller).await?;
    Ok(())
}

/// Both devices of a seller see one start left; the second waits for the first.
#[tokio::test]
async fn two_starts_at_once_do_not_both_use_the_last_one() -> Result<()> {
    let (database, first) = limited().await?;
    start(&database, &first).await?;
    let second = database.user(demo::SELLER).await?;
    let backend = second.backend().await?;
    let [one, other] = [
        database.add_auction(demo::SELLER).await?,
        database.add_auction(demo::SELLER).await?,
    ];
    first.begin().await?;
    first
        .rpc_within("start_stream", json!({"auction_id": one}))
        .await?;
    let waiting = tokio::spawn(async move {
        second
            .rpc("start_stream", json!({"auction_id": other}))
            .await
    });
    wait_until_blocked(&database.owner, backend).await?;
    first.commit().await?;
    expect_refusal(ErrorCode::RateLimited, waiting.await?)?;
    let started: i64 = database
        .value("select count(*) from stream.stream_sessions")
        .await?;
    assert_eq!(started, 2);
    Ok(())
}

/// The row names a seller: it goes with the stream that was started last.
#[tokio::test]
async fn the_rate_of_a_seller_goes_with_the_last_stream() -> Result<()> {
    let (database, seller) = limited().await?;
    let id = start(&database, &seller).await?;
    move_to(&seller, id, Ended).await?;
    database
        .change(&format!(
            "delete from auth.users where id = '{}'",
            demo::SELLER
        ))
        .await?;
    let left: i64 = database
        .value("select count(*) from stream.start_rates")
        .await?;
    assert_eq!(left, 0);
    Ok(())
}
