//! The edge behind pgbouncer in transaction mode, which gives each transaction another connection.

use anyhow::{Result, ensure};
use edge_api::upstream::sql::{Pooler, SqlSettings, SqlUpstream};
use edge_api::upstream::{Upstream, UpstreamError};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::direct_calls::{ask, plain_settings};
use stream_tests::pgbouncer::Pgbouncer;
use uuid::Uuid;
use xtask::edition::Edition;

const MESSAGES: usize = 60;

fn upstream(pgbouncer: &Pgbouncer, pooler: Pooler) -> Result<SqlUpstream> {
    Ok(SqlUpstream::new(SqlSettings {
        pooler,
        ..plain_settings(&pgbouncer.url, 8)?
    })?)
}

/// Reads and writes from many connections at the same time.
async fn play(database: &dyn Upstream, stream: Uuid) -> Result<Vec<UpstreamError>> {
    let calls = (0..MESSAGES).map(|number| {
        let content = format!("message {number}");
        let send = json!({
            "session_id": stream, "user_id": demo::SELLER, "content": content, "id": Uuid::new_v4(),
        });
        let sync = json!({"session_id": stream, "after_seq": number});
        Ok([
            ask(database, demo::SELLER, "send_message", &send)?,
            ask(database, demo::SELLER, "sync", &sync)?,
        ])
    });
    let calls = calls.collect::<Result<Vec<_>>>()?;
    let answers = futures_util::future::join_all(calls.into_iter().flatten()).await;
    Ok(answers.into_iter().filter_map(Result::err).collect())
}

async fn contents(database: &TestDatabase, stream: Uuid) -> Result<Vec<Value>> {
    let log = database.log(stream).await?;
    let messages = log
        .into_iter()
        .filter(|entry| entry["message_type"] == "user_message");
    Ok(messages.map(|entry| entry["content"].clone()).collect())
}

#[tokio::test]
async fn calls_behind_a_transaction_pooler_need_no_prepared_statement() -> Result<()> {
    let database = TestDatabase::create().await?;
    let stream = database.stream_in(StreamState::Active).await?;
    let pgbouncer = Pgbouncer::start(&database, 2).await?;

    let kept = upstream(&pgbouncer, Pooler::None)?;
    let failures = play(&kept, stream).await?;
    ensure!(
        !failures.is_empty(),
        "this pooler keeps prepared statements: the test shows nothing"
    );
    let before = contents(&database, stream).await?.len();

    let unnamed = upstream(&pgbouncer, Pooler::Transaction)?;
    assert_eq!(play(&unnamed, stream).await?, []);
    assert_eq!(contents(&database, stream).await?.len(), before + MESSAGES);
    let versions = unnamed.ping().await?;
    ensure!(versions.contract.is_some(), "{versions:?}");
    let is_native = Edition::chosen()? == Edition::Native;
    assert_eq!(versions.extension.is_some(), is_native, "{versions:?}");
    Ok(())
}
