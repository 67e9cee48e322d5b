//! Pages of the history: the messages in them, and their cost.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use stream_tests::stream::{numbers, send_message};
use tokio_postgres::Error;
use uuid::Uuid;

async fn page(caller: &Session, session: Uuid, arguments: Value) -> Result<Vec<Value>, Error> {
    let mut arguments = arguments;
    arguments["session_id"] = json!(session);
    caller.rpc_rows("get_message_history", arguments).await
}

/// A stream whose log has 300 entries.
async fn long_stream(database: &TestDatabase) -> Result<(Uuid, Session)> {
    let id = database.stream_in(StreamState::Active).await?;
    database.append_messages(id, 298, 10).await?;
    Ok((id, database.user(demo::SELLER).await?))
}

/// Feature: streaming-realtime-fixes, Property 13: For any chat message or bulk message operation,
/// the Chat_Service should persist messages to database immediately, resolve conflicts using
/// timestamp-based ordering, batch operations efficiently, and return paginated history with
/// proper sorting
#[tokio::test]
async fn a_page_is_a_run_of_the_log_in_ascending_order() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, seller) = long_stream(&database).await?;
    for (arguments, expected) in [
        (json!({}), 251..=300),
        (json!({"page_size": 1}), 300..=300),
        (json!({"page_size": 200}), 101..=300),
        (json!({"page_size": 10, "skip": 5}), 286..=295),
        (json!({"page_size": 10, "skip": 295}), 1..=5),
        (json!({"page_size": 10, "before_seq": 100}), 90..=99),
        (
            json!({"page_size": 10, "before_seq": 100, "skip": 10}),
            80..=89,
        ),
        (json!({"page_size": 10, "before_seq": 4}), 1..=3),
        (json!({"page_size": 10, "before_seq": 5000}), 291..=300),
        (json!({"page_size": 10, "after_seq": 0}), 1..=10),
        (json!({"page_size": 10, "after_seq": 100}), 101..=110),
        (
            json!({"page_size": 10, "after_seq": 100, "skip": 10}),
            111..=120,
        ),
        (json!({"page_size": 10, "after_seq": 297}), 298..=300),
    ] {
        let page = page(&seller, id, arguments.clone()).await?;
        assert_eq!(numbers(&page), expected.collect::<Vec<_>>(), "{arguments}");
    }
    Ok(())
}

#[tokio::test]
async fn a_page_beyond_the_log_is_empty() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, seller) = long_stream(&database).await?;
    for arguments in [
        json!({"skip": 300}),
        json!({"skip": i32::MAX}),
        json!({"before_seq": 0}),
        json!({"before_seq": 1}),
        json!({"after_seq": 300}),
        json!({"after_seq": i64::MAX / 2}),
        json!({"after_seq": i64::MAX / 2, "skip": i32::MAX, "page_size": 200}),
        json!({"before_seq": 0, "skip": i32::MAX, "page_size": 200}),
    ] {
        let page = page(&seller, id, arguments.clone()).await?;
        assert_eq!(page, Vec::<Value>::new(), "{arguments}");
    }
    Ok(())
}

#[tokio::test]
async fn arguments_out_of_range_are_refused() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, seller) = long_stream(&database).await?;
    for arguments in [
        json!({"page_size": 0}),
        json!({"page_size": 201}),
        json!({"page_size": -1}),
        json!({"page_size": null}),
        json!({"skip": -1}),
        json!({"skip": null}),
        json!({"before_seq": -1}),
        json!({"after_seq": -1}),
        json!({"before_seq": i64::MAX}),
        json!({"after_seq": i64::MAX}),
        json!({"before_seq": 10, "after_seq": 5}),
    ] {
        let call = page(&seller, id, arguments.clone());
        database.refuses(ErrorCode::InvalidArgument, call).await?;
    }
    let call = seller.rpc("get_message_history", json!({"session_id": null}));
    database.refuses(ErrorCode::InvalidArgument, call).await?;
    Ok(())
}

#[tokio::test]
async fn the_history_is_read_by_whoever_may_view() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, seller) = long_stream(&database).await?;
    let ended = database.stream_in(StreamState::Ended).await?;
    let stranger = database.user(database.add_stranger().await?).await?;
    let anon = database.anon().await?;
    database
        .refuses(ErrorCode::CannotView, page(&stranger, id, json!({})))
        .await?;
    database
        .refuses(ErrorCode::PermissionDenied, page(&anon, id, json!({})))
        .await?;
    let unknown = page(&seller, Uuid::new_v4(), json!({}));
    database
        .refuses(ErrorCode::SessionNotFound, unknown)
        .await?;
    // A refusal even where the page would be empty.
    let empty = page(&stranger, id, json!({"after_seq": 300}));
    database.refuses(ErrorCode::CannotView, empty).await?;

    for caller in [
        database.user(demo::ADA).await?,
        database.service().await?,
        seller,
    ] {
        assert_eq!(page(&caller, id, json!({})).await?.len(), 50);
        assert_eq!(numbers(&page(&caller, ended, json!({})).await?), [1, 2]);
    }
    Ok(())
}

#[tokio::test]
async fn a_page_shows_the_rows_as_they_are_stored_and_of_one_stream_only() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let other = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    for number in 0..5 {
        send_message(&ada, id, &format!("message {number}")).await?;
        send_message(&seller, other, "elsewhere").await?;
    }
    assert_eq!(page(&ada, id, json!({})).await?, database.log(id).await?);
    Ok(())
}

/// With 100,000 messages in the log, pages at its start, middle and end touch their own rows only.
#[tokio::test]
async fn a_page_costs_no_more_than_its_own_rows() -> Result<()> {
    const MESSAGES: i64 = 100_000;
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database
        .superuser()
        .await?
        .batch_execute("alter table stream.chat_messages disable trigger user")
        .await?;
    database.append_messages(id, MESSAGES, 20).await?;
    database
        .superuser()
        .await?
        .batch_execute("vacuum analyze stream.chat_messages")
        .await?;

    for (arguments, expected) in [
        (json!({"page_size": 50}), 50),
        (json!({"page_size": 50, "skip": 99_000}), 50),
        (json!({"page_size": 200, "before_seq": 50_000}), 200),
        (json!({"page_size": 200, "after_seq": 10}), 200),
    ] {
        let seller = database.user(demo::SELLER).await?;
        let before = reads(&database).await?;
        assert_eq!(page(&seller, id, arguments.clone()).await?.len(), expected);
        // A backend's numbers are there at the latest when it is gone.
        let backend = seller.backend().await?;
        drop(seller);
        wait_until_gone(&database, backend).await?;
        let after = reads(&database).await?;
        assert_eq!(after.sequential, before.sequential, "{arguments}");
        let rows = after.by_index - before.by_index;
        assert!(
            (50..=expected as i64 + 10).contains(&rows),
            "{arguments} read {rows} rows"
        );
    }
    Ok(())
}

/// Rows of the log that were read since it exists.
struct Reads {
    sequential: i64,
    by_index: i64,
}

async fn reads(database: &TestDatabase) -> Result<Reads> {
    let row = database
        .owner
        .query_one(
            "select s.seq_tup_read,
                 (select sum(i.idx_tup_read)::bigint from pg_stat_user_indexes as i
                  where i.relid = s.relid)
             from pg_stat_user_tables as s where s.relid = 'stream.chat_messages'::regclass",
            &[],
        )
        .await?;
    Ok(Reads {
        sequential: row.get(0),
        by_index: row.get(1),
    })
}

async fn wait_until_gone(database: &TestDatabase, backend: i32) -> Result<()> {
    loop {
        let is_there: bool = database
            .value(&format!(
                "select exists (select from pg_stat_activity where pid = {backend})"
            ))
            .await?;
        if !is_there {
            return Ok(());
        }
    }
}
