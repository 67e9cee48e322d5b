//! Bids that hold their auction and then post, next to changes of the stream: no change waits for such a bid,
//! since a deadlock (40P01) is retried by callers for ever.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::agora::seller_token;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::session::Session;
use stream_tests::stream::move_to;
use stream_tests::webhook::{BROADCASTER_JOINED, BROADCASTER_LEFT, left, of_user};
use tokio_postgres::Client;
use uuid::Uuid;

async fn prepare() -> Result<TestDatabase> {
    let database = TestDatabase::create().await?;
    database.find_deadlocks_soon().await?;
    Ok(database)
}

/// What the bid of a test holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum HeldRows {
    Auction,
    AuctionAndSeller,
}

/// A transaction of the application that has locked its rows and has not posted yet.
struct Bid {
    client: Client,
    backend: i32,
    session: Uuid,
}

impl Bid {
    async fn begin(database: &TestDatabase, session: Uuid, held: HeldRows) -> Result<Self> {
        let auction = database.session_row(session).await?["auction_id"].clone();
        let auction = auction.as_str().context("no auction")?;
        let client = database.connect("postgres").await?;
        client
            .batch_execute(&format!(
                "begin; select from public.auctions where id = '{auction}' for update"
            ))
            .await?;
        if held == HeldRows::AuctionAndSeller {
            let seller = demo::SELLER;
            let lock = format!("select from auth.users where id = '{seller}' for update");
            client.batch_execute(&lock).await?;
        }
        let backend = client.query_one("select pg_backend_pid()", &[]).await?;
        Ok(Self {
            backend: backend.get(0),
            client,
            session,
        })
    }

    async fn post(&self) -> Result<(), tokio_postgres::Error> {
        let post = format!(
            "select stream_private.post_auction_update('{}', '{{\"amount\": 5}}')",
            self.session
        );
        self.client.batch_execute(&post).await
    }

    async fn commit(self) -> Result<()> {
        Ok(self.client.batch_execute("commit").await?)
    }
}

/// Makes the call while the bid holds its rows, and lets the bid post before the call commits.
async fn beside_a_bid(
    database: &TestDatabase,
    session: Uuid,
    held: HeldRows,
    caller: Session,
    (function, arguments): (&str, Value),
) -> Result<Value> {
    let bid = Bid::begin(database, session, held).await?;
    let backend = caller.backend().await?;
    caller.begin().await?;
    let mut change = Box::pin(caller.rpc_within(function, arguments));
    let answer = tokio::select! {
        answer = &mut change => answer?,
        blocked = wait_until_blocked(&database.owner, backend) => {
            blocked?;
            let (answer, posted) = tokio::join!(change, bid.post());
            posted.context("the bid")?;
            answer.with_context(|| function.to_owned())?;
            bail!("{function} waited for the bid");
        }
    };
    let mut post = Box::pin(bid.post());
    tokio::select! {
        posted = &mut post => {
            posted?;
            caller.commit().await?;
        }
        // It has the log.
        blocked = wait_until_blocked(&database.owner, bid.backend) => {
            blocked?;
            caller.commit().await?;
            post.as_mut().await?;
        }
    }
    drop(post);
    bid.commit().await?;
    Ok(answer)
}

async fn state(database: &TestDatabase, session: Uuid) -> Result<Value> {
    Ok(database.session_row(session).await?["state"].clone())
}

#[tokio::test]
async fn no_move_of_the_state_waits_for_a_bid() -> Result<()> {
    let database = prepare().await?;
    let id = database.stream_in(StreamState::Active).await?;
    for to in ["paused", "active", "error", "active"] {
        let seller = database.user(demo::SELLER).await?;
        let call = (
            "update_stream_state",
            json!({"session_id": id, "state": to}),
        );
        beside_a_bid(&database, id, HeldRows::AuctionAndSeller, seller, call).await?;
        assert_eq!(state(&database, id).await?, to);
    }
    let row = database.session_row(id).await?;
    assert!(row["check_at"].is_string(), "{row}");
    Ok(())
}

/// Nothing is posted after the end, so the bid has posted when it commits.
#[tokio::test]
async fn the_end_of_a_stream_does_not_wait_for_a_bid() -> Result<()> {
    let database = prepare().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let bid = Bid::begin(&database, id, HeldRows::AuctionAndSeller).await?;
    let seller = database.user(demo::SELLER).await?;
    move_to(&seller, id, StreamState::Ended).await?;
    let refused = bid.post().await.expect_err("the stream has ended");
    let code = refused.code().map(|state| state.code());
    assert_eq!(code, Some("PT410"));
    Ok(())
}

/// The seller's own row comes first there, before anything that the bid can wait for.
#[tokio::test]
async fn a_takeover_does_not_wait_for_a_bid() -> Result<()> {
    let database = prepare().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let auction = database.session_row(id).await?["auction_id"].clone();
    let seller = database.user(demo::SELLER).await?;
    let call = ("start_stream", json!({"auction_id": auction}));
    let taken = beside_a_bid(&database, id, HeldRows::Auction, seller, call).await?;
    assert_eq!(taken["generation"], 2);
    Ok(())
}

#[tokio::test]
async fn no_heartbeat_of_the_host_waits_for_a_bid() -> Result<()> {
    let database = prepare().await?;
    let id = database.stream_in(StreamState::Active).await?;
    // The first, the next, and the one that brings the stream back.
    for lost in [false, false, true] {
        if lost {
            database.pass_time(id, 20).await?;
            assert_eq!(database.sweep().await?.handled()["host_lost"], 1);
        }
        let seller = database.user(demo::SELLER).await?;
        let call = ("heartbeat", json!({"session_id": id}));
        let answer = beside_a_bid(&database, id, HeldRows::AuctionAndSeller, seller, call).await?;
        assert_eq!(answer["state"], "active");
    }
    database.pass_time(id, 15).await?;
    assert!(database.sweep().await?.handled().is_empty());
    Ok(())
}

/// One write notes the sign of life and the token, so the auction is not looked at. The seller is, and without waiting:
/// while a bid holds them, the token comes with the next heartbeat.
#[tokio::test]
async fn a_heartbeat_that_renews_a_token_does_not_wait_for_a_bid() -> Result<()> {
    let database = prepare().await?;
    let id = database.stream_in(StreamState::Active).await?;
    for (held, renews_at_once) in [
        (HeldRows::Auction, true),
        (HeldRows::AuctionAndSeller, false),
    ] {
        let seller = database.user(demo::SELLER).await?;
        seller_token(&seller, id).await?;
        database.pass_time(id, 3000).await?;
        let caller = database.user(demo::SELLER).await?;
        let call = ("heartbeat", json!({"session_id": id}));
        let answer = beside_a_bid(&database, id, held, caller, call).await?;
        assert_eq!(answer["status"], "ok");
        assert_eq!(answer["token"].is_object(), renews_at_once);
        let next = send_heartbeat(&seller, id).await?;
        assert_eq!(next["token"].is_object(), !renews_at_once);
    }
    Ok(())
}

#[tokio::test]
async fn a_notice_about_the_host_does_not_wait_for_a_bid() -> Result<()> {
    let database = prepare().await?;
    let id = database.stream_in(StreamState::Active).await?;
    for (notice, to) in [
        (left(BROADCASTER_LEFT, id, 1, 1, 2), "error"),
        (of_user(BROADCASTER_JOINED, id, 1, 2), "active"),
    ] {
        let service = database.service().await?;
        let call = ("apply_webhook", json!({"notice": notice}));
        beside_a_bid(&database, id, HeldRows::AuctionAndSeller, service, call).await?;
        assert_eq!(state(&database, id).await?, to);
    }
    Ok(())
}

/// A stream whose host and one of whose two viewers are lost in the next round.
async fn neglected(database: &TestDatabase) -> Result<Uuid> {
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    send_heartbeat(&seller, id).await?;
    database.viewer(id, demo::ADA).await?;
    database.viewer(id, demo::BEN).await?;
    database.tick().await?;
    database.pass_time(id, 45).await?;
    send_heartbeat(&database.user(demo::BEN).await?, id).await?;
    // Somebody new, too.
    database.viewer(id, demo::CLEO).await?;
    let dan = database.add_user("dan").await?;
    database.viewer(id, dan).await?;
    Ok(id)
}

async fn counts(database: &TestDatabase, session: Uuid) -> Result<(Value, Value)> {
    let row = database.session_row(session).await?;
    Ok((
        row["viewer_count"].clone(),
        row["peak_viewer_count"].clone(),
    ))
}

#[tokio::test]
async fn a_sweep_does_not_wait_for_a_bid() -> Result<()> {
    let database = prepare().await?;
    let id = neglected(&database).await?;
    let service = database.service().await?;
    let call = ("sweep", json!({}));
    beside_a_bid(&database, id, HeldRows::AuctionAndSeller, service, call).await?;
    assert_eq!(state(&database, id).await?, "error");
    Ok(())
}

/// The move and the count are one change of the row, and the count is that of after the sweep.
#[tokio::test]
async fn a_tick_that_moves_and_counts_does_not_wait_for_a_bid() -> Result<()> {
    let database = prepare().await?;
    let id = neglected(&database).await?;
    let service = database.service().await?;
    let call = ("tick", json!({}));
    beside_a_bid(&database, id, HeldRows::AuctionAndSeller, service, call).await?;
    assert_eq!(state(&database, id).await?, "error");
    assert_eq!(counts(&database, id).await?, (json!(3), json!(3)));
    assert_eq!(database.counts_sent(id).await?, [2, 3]);
    Ok(())
}

/// The look was too early, as the host has been seen since.
#[tokio::test]
async fn a_tick_that_looks_again_later_and_counts_does_not_wait_for_a_bid() -> Result<()> {
    let database = prepare().await?;
    let id = neglected(&database).await?;
    send_heartbeat(&database.user(demo::SELLER).await?, id).await?;
    let service = database.service().await?;
    let call = ("tick", json!({}));
    beside_a_bid(&database, id, HeldRows::AuctionAndSeller, service, call).await?;
    assert_eq!(state(&database, id).await?, "active");
    assert_eq!(counts(&database, id).await?, (json!(3), json!(3)));
    let waits: bool = database
        .value("select check_at > now() from stream.stream_sessions")
        .await?;
    assert!(waits);
    Ok(())
}

#[tokio::test]
async fn a_tick_that_ends_a_stream_does_not_wait_for_a_bid() -> Result<()> {
    let database = prepare().await?;
    let id = neglected(&database).await?;
    let seller = database.user(demo::SELLER).await?;
    move_to(&seller, id, StreamState::Paused).await?;
    database.pass_time(id, 3600).await?;
    let bid = Bid::begin(&database, id, HeldRows::AuctionAndSeller).await?;
    database.tick().await?;
    assert_eq!(state(&database, id).await?, "ended");
    bid.commit().await
}

#[tokio::test]
async fn a_tick_that_finds_the_clock_set_back_does_not_wait_for_a_bid() -> Result<()> {
    let database = prepare().await?;
    let id = neglected(&database).await?;
    database.tick().await?;
    database.viewer(id, demo::ADA).await?;
    database.pass_time(id, -3600).await?;
    let service = database.service().await?;
    let call = ("tick", json!({}));
    beside_a_bid(&database, id, HeldRows::AuctionAndSeller, service, call).await?;
    assert_eq!(counts(&database, id).await?, (json!(4), json!(4)));
    Ok(())
}
