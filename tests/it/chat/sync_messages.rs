//! `sync_messages`: the messages after one that a client holds.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use stream_tests::stream::{numbers, send_message};
use tokio_postgres::Error;
use uuid::Uuid;

async fn after(
    caller: &Session,
    session: Uuid,
    last: impl Into<Value>,
) -> Result<Vec<Value>, Error> {
    let arguments = json!({"session_id": session, "last_message_id": last.into()});
    caller.rpc_rows("sync_messages", arguments).await
}

async fn id_of(database: &TestDatabase, session: Uuid, seq: i64) -> Result<Uuid> {
    database
        .value(&format!(
            "select m.id from stream.chat_messages as m
             where m.session_id = '{session}' and m.seq = {seq}"
        ))
        .await
}

fn run(numbers: std::ops::RangeInclusive<i64>) -> Vec<i64> {
    numbers.collect()
}

#[tokio::test]
async fn everything_after_a_message_comes_in_order_and_as_it_is_stored() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let other = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    for number in 0..5 {
        send_message(&ada, id, &format!("message {number}")).await?;
        send_message(&seller, other, "elsewhere").await?;
    }
    let log = database.log(id).await?;
    for (place, held) in log.iter().enumerate() {
        let answer = after(&ada, id, held["id"].clone()).await?;
        assert_eq!(answer, log[place + 1..], "after {}", held["seq"]);
    }
    Ok(())
}

#[tokio::test]
async fn more_than_a_thousand_come_in_pages_that_leave_nothing_out() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    database.append_messages(id, 2498, 5).await?;
    let mut held = id_of(&database, id, 1).await?;
    let mut pages = Vec::new();
    loop {
        let page = after(&seller, id, held.to_string()).await?;
        let Some(last) = page.last() else { break };
        held = Uuid::parse_str(last["id"].as_str().context("no id")?)?;
        pages.push(numbers(&page));
    }
    assert_eq!(pages, [run(2..=1001), run(1002..=2001), run(2002..=2500)]);
    Ok(())
}

#[tokio::test]
async fn a_client_that_holds_nothing_gets_the_newest_page() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    assert_eq!(numbers(&after(&seller, id, Value::Null).await?), [1, 2]);
    database.append_messages(id, 98, 5).await?;
    let newest = after(&seller, id, Value::Null).await?;
    assert_eq!(numbers(&newest), run(51..=100));
    Ok(())
}

#[tokio::test]
async fn a_message_that_the_log_does_not_hold_is_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let other = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let elsewhere = id_of(&database, other, 1).await?;
    let gone = id_of(&database, id, 1).await?;
    database
        .change(&format!(
            "delete from stream.chat_messages where id = '{gone}'"
        ))
        .await?;
    for unknown in [Uuid::new_v4(), elsewhere, gone] {
        let call = after(&seller, id, unknown.to_string());
        database.refuses(ErrorCode::MessageNotFound, call).await?;
    }
    let held = id_of(&database, id, 2).await?;
    assert_eq!(
        after(&seller, id, held.to_string()).await?,
        Vec::<Value>::new()
    );
    Ok(())
}

#[tokio::test]
async fn it_is_read_by_whoever_may_view() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let first = id_of(&database, id, 1).await?.to_string();
    let stranger = database.user(database.add_stranger().await?).await?;
    let anon = database.anon().await?;
    for held in [json!(first), json!(Uuid::new_v4()), Value::Null] {
        database
            .refuses(ErrorCode::CannotView, after(&stranger, id, held.clone()))
            .await?;
        database
            .refuses(ErrorCode::PermissionDenied, after(&anon, id, held))
            .await?;
    }
    let seller = database.user(demo::SELLER).await?;
    let unknown = after(&seller, Uuid::new_v4(), Value::Null);
    database
        .refuses(ErrorCode::SessionNotFound, unknown)
        .await?;
    let null = seller.rpc_rows("sync_messages", json!({"session_id": null}));
    database.refuses(ErrorCode::InvalidArgument, null).await?;
    for caller in [
        database.user(demo::ADA).await?,
        database.service().await?,
        seller,
    ] {
        assert_eq!(numbers(&after(&caller, id, first.clone()).await?), [2]);
    }
    Ok(())
}
