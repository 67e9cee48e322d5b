//! Heartbeats do not let the tables grow.

use anyhow::{Context, Result};
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::own_cluster::OwnCluster;
use tokio_postgres::SimpleQueryMessage;

/// Runs a statement as the table owner: how many rows of a table it updated, and how many of those
/// without touching an index.
async fn updates(database: &TestDatabase, statement: &str, table: &str) -> Result<[i64; 2]> {
    let statistics = format!(
        "select n_tup_upd, n_tup_hot_upd from pg_stat_xact_user_tables
         where schemaname = 'stream' and relname = '{table}'"
    );
    let messages = database
        .owner
        .simple_query(&format!(
            "begin; {statistics}; {statement}; {statistics}; commit"
        ))
        .await?;
    let mut read = Vec::new();
    for message in &messages {
        if let SimpleQueryMessage::Row(row) = message
            && row.columns().len() == 2
        {
            let number = |place| row.get(place).unwrap_or_default().parse::<i64>();
            read.push([number(0)?, number(1)?]);
        }
    }
    let (before, after) = read.first().zip(read.last()).context("no statistics")?;
    Ok([after[0] - before[0], after[1] - before[1]])
}

/// Heartbeats must not make the tables grow: none touches an index.
#[tokio::test]
async fn heartbeats_are_heap_only_updates() -> Result<()> {
    let (_own, database) = OwnCluster::with_database("heap-only-heartbeats").await?;
    let id = database.stream_in(StreamState::Active).await?;
    send_heartbeat(&database.user(demo::SELLER).await?, id).await?;
    let mut items = Vec::new();
    for number in 0..100 {
        let user = database.add_user(&format!("viewer{number}")).await?;
        database.viewer(id, user).await?;
        items.push(json!({"session_id": id, "user_id": user}));
    }
    for _ in 0..3 {
        for user in items
            .iter()
            .map(|item| &item["user_id"])
            .chain([&json!(demo::SELLER)])
        {
            let user = user.as_str().unwrap_or_default();
            let table = if user == demo::SELLER.to_string() {
                "stream_sessions"
            } else {
                "stream_viewers"
            };
            let call = format!("select from stream.heartbeat('{id}', user_id => '{user}')");
            assert_eq!(updates(&database, &call, table).await?, [1, 1], "{table}");
        }
    }

    // All rows of a page in one transaction: here and there one does not find room in it.
    let call = format!("select from stream.heartbeats('{}')", json!(items));
    let mut pages = Vec::new();
    for round in 0..10 {
        let [updated, heap_only] = updates(&database, &call, "stream_viewers").await?;
        assert_eq!(updated, 100);
        assert!(heap_only >= 90, "{heap_only} of 100 in round {round}");
        let size: i64 = database
            .value("select pg_relation_size('stream.stream_viewers')")
            .await?;
        pages.push(size / 8192);
    }
    assert!(pages[9] <= pages[2], "{pages:?}");
    Ok(())
}

/// The sign of life that a message is comes with the update that counts it.
#[tokio::test]
async fn a_message_is_one_heap_only_update_of_its_lease() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    let item = json!([{"session_id": id, "user_id": demo::ADA, "content": "hi"}]);
    for call in [
        format!(
            "select from stream.send_message('{id}', '{}', 'hi')",
            demo::ADA
        ),
        format!("select from stream.send_messages('{item}')"),
    ] {
        for _ in 0..2 {
            let updates = updates(&database, &call, "stream_viewers").await?;
            assert_eq!(updates, [1, 1], "{call}");
        }
    }
    Ok(())
}
