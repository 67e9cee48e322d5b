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

/// The rate is the seller's: neither the deletion of the streams nor that of the auctions gives a start back.
#[tokio::test]
async fn who_deletes_auctions_gets_no_start_back() -> Result<()> {
    let (database, seller) = limited().await?;
    for _ in 0..2 {
        let id = start(&database, &seller).await?;
        move_to(&seller, id, Ended).await?;
    }
    // As an application does that lets sellers delete their auctions.
    let delete = format!(
        "delete from public.auctions where seller_id = '{}'",
        demo::SELLER
    );
    database.change(&delete).await?;
    let left: i64 = database
        .value("select count(*) from stream.stream_sessions")
        .await?;
    assert_eq!(left, 0);
    let next = json!({"auction_id": database.add_auction(demo::SELLER).await?});
    let refused = seller.rpc("start_stream", next);
    database.refuses(ErrorCode::RateLimited, refused).await
}

/// A deletion of older auctions holds their streams, but nothing of the rate: a start beside it ends first.
#[tokio::test]
async fn a_start_waits_for_no_deletion_of_another_auction() -> Result<()> {
    let (database, seller) = limited().await?;
    let id = start(&database, &seller).await?;
    let auction = database.session_row(id).await?["auction_id"].clone();
    move_to(&seller, id, Ended).await?;
    let deleting = database.connect("postgres").await?;
    deleting
        .batch_execute(&format!(
            "begin; delete from public.auctions where id = '{}'",
            auction.as_str().context("no auction")?
        ))
        .await?;
    // Otherwise it would wait until the deletion ends, which it never does.
    seller.begin().await?;
    seller
        .execute_within("set local lock_timeout = '10s'")
        .await?;
    let next = json!({"auction_id": database.add_auction(demo::SELLER).await?});
    seller.rpc_within("start_stream", next).await?;
    seller.commit().await?;
    deleting.batch_execute("commit").await?;
    Ok(())
}

/// Of a takeover beside the deletion of its seller one waits with nothing locked, also where the rate was swept and its
/// row refers to the user anew.
#[tokio::test]
async fn a_takeover_locks_its_seller_before_the_stream() -> Result<()> {
    let (database, seller) = limited().await?;
    let id = start(&database, &seller).await?;
    let auction = database.session_row(id).await?["auction_id"].clone();
    database.change("delete from stream.start_rates").await?;
    let deleting = database.superuser().await?;
    deleting
        .batch_execute(&format!(
            "begin; select from auth.users where id = '{}' for update",
            demo::SELLER
        ))
        .await?;
    let backend = seller.backend().await?;
    let waiting = tokio::spawn(async move {
        seller
            .rpc("start_stream", json!({"auction_id": auction}))
            .await
    });
    wait_until_blocked(&database.owner, backend).await?;
    deleting
        .batch_execute(&format!(
            "select from stream.stream_sessions where id = '{id}' for update nowait; commit"
        ))
        .await?;
    assert_eq!(waiting.await??["generation"], 2);
    Ok(())
}

/// The row names a seller: it goes with the user.
#[tokio::test]
async fn the_rate_of_a_seller_goes_with_the_user() -> Result<()> {
    let (database, seller) = limited().await?;
    let id = start(&database, &seller).await?;
    move_to(&seller, id, Ended).await?;
    let delete = format!("delete from auth.users where id = '{}'", demo::SELLER);
    database.change(&delete).await?;
    let left: i64 = database
        .value("select count(*) from stream.start_rates")
        .await?;
    assert_eq!(left, 0);
    Ok(())
}

/// A start is one version of the row: it waits for nobody between two of them.
#[tokio::test]
async fn a_start_writes_the_rate_once() -> Result<()> {
    let (database, seller) = limited().await?;
    start(&database, &seller).await?;
    seller.begin().await?;
    let next = json!({"auction_id": database.add_auction(demo::SELLER).await?});
    seller.rpc_within("start_stream", next).await?;
    let written = seller
        .query_within(
            "select to_json(pg_stat_get_xact_tuples_updated('stream.start_rates'::regclass))",
        )
        .await?;
    assert_eq!(written, [json!(1)]);
    seller.commit().await?;
    Ok(())
}

/// So that the table holds those who start streams, and not all who ever did.
#[tokio::test]
async fn rates_that_have_long_limited_nothing_are_swept() -> Result<()> {
    let database = TestDatabase::create().await?;
    let ids: Vec<Uuid> = (0..4).map(|_| Uuid::new_v4()).collect();
    for (id, tat) in ids
        .iter()
        .zip(["-61 minutes", "-59 minutes", "1 minute", "1 day"])
    {
        database
            .superuser()
            .await?
            .batch_execute(&format!(
                "set session_replication_role = replica;
                 insert into stream.start_rates (seller_id, tat) values ('{id}', now() + interval '{tat}')"
            ))
            .await?;
    }
    let swept = database.sweep().await?;
    // The last is from before the clock was set back.
    assert_eq!(swept.rule("start_rates")?["rows"], 2);
    let left: Vec<Uuid> = database
        .value("select array_agg(seller_id order by tat) from stream.start_rates")
        .await?;
    assert_eq!(left, ids[1..3]);
    Ok(())
}
