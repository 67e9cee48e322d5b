//! The record of decisions stays as it was written.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::moderation::restrict;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

/// A row about one stream and a row about all.
async fn database_with_decisions() -> Result<(TestDatabase, uuid::Uuid)> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    restrict(&seller, "mute_user", id, demo::ADA).await?;
    let service = database.service().await?;
    let term = json!({"session_id": null, "term": "scam"});
    service.rpc("block_term", term).await?;
    Ok((database, id))
}

async fn is_refused(client: &Client, statement: &str) -> Result<()> {
    let Err(error) = client.batch_execute(statement).await else {
        anyhow::bail!("done: {statement}");
    };
    ensure!(
        error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE),
        "{statement}: {error:?}"
    );
    Ok(())
}

#[tokio::test]
async fn nobody_changes_a_decision_not_even_the_owner_of_the_table() -> Result<()> {
    let (database, _) = database_with_decisions().await?;
    let superuser = database.superuser().await?;
    for client in [&database.owner, &superuser] {
        for statement in [
            "update stream.moderation_log set reason = 'another'",
            "delete from stream.moderation_log where session_id is not null",
            "delete from stream.moderation_log where session_id is null",
            "truncate stream.moderation_log",
            "truncate stream.stream_sessions cascade",
        ] {
            is_refused(client, statement).await?;
        }
    }
    let rows: i64 = database
        .value("select count(*) from stream.moderation_log")
        .await?;
    assert_eq!(rows, 2);
    Ok(())
}

#[tokio::test]
async fn decisions_go_with_their_stream() -> Result<()> {
    let (database, id) = database_with_decisions().await?;
    let seller = database.user(demo::SELLER).await?;
    seller.rpc("end_stream", json!({"session_id": id})).await?;
    database
        .change(&format!(
            "delete from stream.stream_sessions where id = '{id}'"
        ))
        .await?;
    let left: Vec<Option<uuid::Uuid>> = database
        .owner
        .query("select session_id from stream.moderation_log", &[])
        .await?
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(left, [None]);
    Ok(())
}

#[tokio::test]
async fn decisions_outlive_the_users_whom_they_name() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let (moderator_id, moderator) = database.moderator("mod").await?;
    let target = database.add_user("target").await?;
    restrict(&moderator, "ban_user", id, target).await?;
    for user in [target, moderator_id] {
        database
            .change(&format!("delete from auth.users where id = '{user}'"))
            .await?;
    }
    let decisions = database.decisions(id).await?;
    assert_eq!(decisions[0]["user_id"], json!(target));
    assert_eq!(decisions[0]["actor"], json!(moderator_id));
    Ok(())
}

#[tokio::test]
async fn the_log_is_read_backwards_page_by_page() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let other = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    for interval_ms in 1..=5 {
        for session in [id, other] {
            let arguments = json!({"session_id": session, "interval_ms": interval_ms});
            seller.rpc("set_slow_mode", arguments).await?;
        }
    }
    let mut before = Value::Null;
    let mut seqs = Vec::new();
    for expected in [2, 2, 1, 0] {
        let arguments = json!({"session_id": id, "before_id": before, "page_size": 2});
        let page = seller.rpc_rows("get_moderation_log", arguments).await?;
        assert_eq!(page.len(), expected);
        for row in page {
            assert_eq!(row["session_id"], json!(id));
            seqs.push(row["seq"].clone());
            before = row["id"].clone();
        }
    }
    assert_eq!(json!(seqs), json!([7, 6, 5, 4, 3]));
    for page_size in [json!(0), json!(201), Value::Null] {
        let arguments = json!({"session_id": id, "page_size": page_size});
        let call = seller.rpc_rows("get_moderation_log", arguments);
        database.refuses(ErrorCode::InvalidArgument, call).await?;
    }
    Ok(())
}
