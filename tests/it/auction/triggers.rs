//! A row of the application and its log entry commit together, without holding up the stream.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::{is_blocked, wait_until_blocked};
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use stream_tests::stream::{move_to, numbers, send_message};
use uuid::Uuid;

/// A table of the application that bidders write themselves.
const BIDS: &str = "create table public.bids (
    id bigint generated always as identity primary key,
    auction_id uuid,
    bidder uuid not null default stream.user_id(),
    amount numeric(30, 2) not null,
    card text not null default 'secret'
);
grant select, insert, update, delete on public.bids to authenticated";

fn trigger(arguments: &str) -> String {
    format!(
        "create constraint trigger bids_log after insert or update on public.bids
         deferrable initially deferred for each row
         execute function stream.auction_update_trigger({arguments})"
    )
}

/// A live stream and its auction, with bids that are logged.
async fn auction(database: &TestDatabase) -> Result<(Uuid, String)> {
    database.change(BIDS).await?;
    database
        .change(&trigger("'auction_id', 'id', 'bidder', 'amount'"))
        .await?;
    live(database).await
}

async fn live(database: &TestDatabase) -> Result<(Uuid, String)> {
    let id = database.stream_in(StreamState::Active).await?;
    let auction = database.session_row(id).await?["auction_id"].clone();
    Ok((id, auction.as_str().unwrap_or_default().to_owned()))
}

fn bid(auction: &str, amount: &str) -> String {
    format!("insert into public.bids (auction_id, amount) values ('{auction}', {amount})")
}

/// What the log says about bids.
async fn updates(database: &TestDatabase, session: Uuid) -> Result<Vec<Value>> {
    let mut log = database.log(session).await?;
    log.retain(|entry| entry["message_type"] == "auction_update");
    Ok(log)
}

async fn amounts(database: &TestDatabase, session: Uuid) -> Result<Vec<Value>> {
    let updates = updates(database, session).await?;
    let amounts = updates.iter().map(|entry| &entry["metadata"]["amount"]);
    Ok(amounts.cloned().collect())
}

/// Lets the caller's transaction bid; the trigger waits for the commit.
async fn bid_within(caller: &Session, auction: &str, amount: &str) -> Result<()> {
    caller.execute_within(&bid(auction, amount)).await?;
    Ok(())
}

#[tokio::test]
async fn a_bid_is_logged_with_the_columns_that_are_named() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, auction) = auction(&database).await?;
    let ada = database.user(demo::ADA).await?;
    ada.run(&bid(&auction, "12345678901234567890.10")).await?;
    ada.run("update public.bids set amount = 13 where amount > 13")
        .await?;
    let updates = updates(&database, id).await?;
    assert_eq!(numbers(&updates), [3, 4]);
    assert_eq!(
        updates[1]["metadata"],
        json!({"kind": "auction_update", "id": 1, "bidder": demo::ADA, "amount": 13.00})
    );
    assert_eq!(updates[1]["content"], "The auction was updated.");
    let first: String = database
        .value("select metadata ->> 'amount' from stream.chat_messages where seq = 3")
        .await?;
    assert_eq!(first, "12345678901234567890.10");
    let frames = database.frames(id).await?;
    assert_eq!(
        frames.last().map(|frame| frame["to_seq"].clone()),
        Some(json!(4))
    );
    Ok(())
}

#[tokio::test]
async fn without_named_columns_the_whole_row_is_published() -> Result<()> {
    let database = TestDatabase::create().await?;
    database.change(BIDS).await?;
    database.change(&trigger("'auction_id'")).await?;
    let (id, auction) = live(&database).await?;
    database
        .change(&bid(&auction, "5"))
        .await
        .expect_err("nobody is signed in");
    let ada = database.user(demo::ADA).await?;
    ada.run(&bid(&auction, "5")).await?;
    let updates = updates(&database, id).await?;
    assert_eq!(updates[0]["metadata"]["auction_id"], json!(auction));
    assert_eq!(updates[0]["metadata"]["card"], "secret");
    Ok(())
}

#[tokio::test]
async fn a_bid_that_is_rolled_back_leaves_nothing() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, auction) = auction(&database).await?;
    let ada = database.user(demo::ADA).await?;
    let before = database.log(id).await?;
    ada.begin().await?;
    bid_within(&ada, &auction, "5").await?;
    ada.rollback().await?;
    assert_eq!(database.log(id).await?, before);
    ada.run(&bid(&auction, "6")).await?;
    assert_eq!(numbers(&updates(&database, id).await?), [3]);
    Ok(())
}

#[tokio::test]
async fn an_auction_that_is_not_live_is_not_logged() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, auction) = auction(&database).await?;
    let ada = database.user(demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    for other in [format!("'{}'", Uuid::new_v4()), "null".to_owned()] {
        let statement = format!("insert into public.bids (auction_id, amount) values ({other}, 1)");
        ada.run(&statement).await?;
    }
    move_to(&seller, id, StreamState::Ended).await?;
    ada.run(&bid(&auction, "5")).await?;
    assert_eq!(updates(&database, id).await?, Vec::<Value>::new());
    let bids: i64 = database.value("select count(*) from public.bids").await?;
    assert_eq!(bids, 3);

    // The next stream of the same auction gets the next bid.
    let next = seller
        .rpc("start_stream", json!({"auction_id": auction}))
        .await?;
    ada.run(&bid(&auction, "6")).await?;
    let next = stream_tests::stream::session_id(&next)?;
    assert_eq!(amounts(&database, next).await?, [json!(6.00)]);
    Ok(())
}

#[tokio::test]
async fn a_column_that_is_not_there_fails_the_first_bid() -> Result<()> {
    let database = TestDatabase::create().await?;
    database.change(BIDS).await?;
    let (_, auction) = live(&database).await?;
    let ada = database.user(demo::ADA).await?;
    for arguments in ["", "'auction'", "'auction_id', 'price'"] {
        database.change(&trigger(arguments)).await?;
        let error = ada.run(&bid(&auction, "5")).await.expect_err("a refusal");
        let state = error.code().map(|state| state.code().to_owned());
        assert_eq!(state.as_deref(), Some("PT400"), "{arguments}");
        database
            .change("drop trigger bids_log on public.bids")
            .await?;
    }
    let bids: i64 = database.value("select count(*) from public.bids").await?;
    assert_eq!(bids, 0);
    Ok(())
}

#[tokio::test]
async fn a_bid_at_another_isolation_level_is_logged_too() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, auction) = auction(&database).await?;
    let ada = database.user(demo::ADA).await?;
    for isolation in ["repeatable read", "serializable"] {
        ada.begin_at(isolation).await?;
        bid_within(&ada, &auction, "5").await?;
        ada.commit().await?;
    }
    assert_eq!(numbers(&updates(&database, id).await?), [3, 4]);
    Ok(())
}

/// The bid holds its own rows; the head of the log is held at its commit only.
#[tokio::test]
async fn a_slow_bid_never_holds_up_a_message() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, auction) = auction(&database).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let ben = database.viewer(id, demo::BEN).await?;
    ada.begin().await?;
    bid_within(&ada, &auction, "5").await?;
    let sent = send_message(&ben, id, "while the bid is open").await?;
    assert_eq!(sent["seq"], 3);
    let seller = database.user(demo::SELLER).await?;
    assert_eq!(send_message(&seller, id, "and the seller").await?["seq"], 4);
    ada.commit().await?;
    assert_eq!(numbers(&updates(&database, id).await?), [5]);
    Ok(())
}

/// Both are open; the second to commit waits for nothing but the first one's commit.
#[tokio::test]
async fn two_bids_at_once_are_logged_in_the_order_of_their_commits() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, auction) = auction(&database).await?;
    let ada = database.user(demo::ADA).await?;
    let ben = database.user(demo::BEN).await?;
    ada.begin().await?;
    ben.begin().await?;
    bid_within(&ada, &auction, "5").await?;
    bid_within(&ben, &auction, "6").await?;
    // Ada's trigger runs now, as at the beginning of a commit that takes long.
    ada.execute_within("set constraints all immediate").await?;
    let waiting = ben.backend().await?;
    let (committed, released) = tokio::join!(ben.commit(), async {
        wait_until_blocked(&database.owner, waiting).await?;
        ada.commit().await?;
        anyhow::Ok(())
    });
    released?;
    committed?;
    assert_eq!(amounts(&database, id).await?, [json!(5.00), json!(6.00)]);
    assert_eq!(numbers(&updates(&database, id).await?), [3, 4]);
    Ok(())
}

/// The end does not wait for the bid, and nothing is logged after it.
#[tokio::test]
async fn a_stream_ends_while_a_bid_is_open() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, auction) = auction(&database).await?;
    let ada = database.user(demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    ada.begin().await?;
    bid_within(&ada, &auction, "5").await?;
    move_to(&seller, id, StreamState::Ended).await?;
    assert!(!is_blocked(&database.owner, ada.backend().await?).await?);
    ada.commit().await?;
    let log = database.log(id).await?;
    assert_eq!(
        log.last().map(|entry| entry["metadata"]["state"].clone()),
        Some(json!("ended"))
    );
    let bids: i64 = database.value("select count(*) from public.bids").await?;
    assert_eq!(bids, 1);
    Ok(())
}

/// The bid has its number; the end waits for it and comes after.
#[tokio::test]
async fn a_stream_that_ends_while_a_bid_commits_ends_after_it() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, auction) = auction(&database).await?;
    let ada = database.user(demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    ada.begin().await?;
    bid_within(&ada, &auction, "5").await?;
    ada.execute_within("set constraints all immediate").await?;
    let waiting = seller.backend().await?;
    let (ended, released) = tokio::join!(move_to(&seller, id, StreamState::Ended), async {
        wait_until_blocked(&database.owner, waiting).await?;
        ada.commit().await?;
        anyhow::Ok(())
    });
    released?;
    ended?;
    let log = database.log(id).await?;
    assert_eq!(numbers(&log), [1, 2, 3, 4]);
    assert_eq!(log[2]["message_type"], "auction_update");
    assert_eq!(log[3]["metadata"]["state"], "ended");
    Ok(())
}

/// The end has committed between the trigger's look and its turn at the head of the log.
#[tokio::test]
async fn a_bid_that_waits_for_the_end_commits_without_an_entry() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, auction) = auction(&database).await?;
    let ada = database.user(demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    ada.begin().await?;
    bid_within(&ada, &auction, "5").await?;
    seller.begin().await?;
    seller
        .rpc_within("end_stream", json!({"session_id": id}))
        .await?;
    let waiting = ada.backend().await?;
    let (committed, released) = tokio::join!(ada.commit(), async {
        wait_until_blocked(&database.owner, waiting).await?;
        seller.commit().await?;
        anyhow::Ok(())
    });
    released?;
    committed?;
    assert_eq!(updates(&database, id).await?, Vec::<Value>::new());
    let bids: i64 = database.value("select count(*) from public.bids").await?;
    assert_eq!(bids, 1);
    Ok(())
}
