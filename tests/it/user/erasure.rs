//! Forgetting a user, and exporting the rows about one.

mod traces;

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::refusal::expect_refusal;
use stream_tests::stream::{move_to, send_message};
use uuid::Uuid;

use traces::{columns, holding, leave_traces};

async fn forget(database: &TestDatabase, user: Uuid) -> Result<usize> {
    let service = database.service().await?;
    for calls in 1..1000 {
        let part = service.rpc("forget_user", json!({"user_id": user})).await?;
        if part["has_more"] == false {
            return Ok(calls);
        }
        ensure!(
            part["changed"].as_i64() > Some(0),
            "{part} goes on without end"
        );
    }
    anyhow::bail!("forgetting has no end")
}

async fn export(database: &TestDatabase, user: Uuid) -> Result<Vec<Value>> {
    let service = database.service().await?;
    Ok(service
        .rpc_rows("export_user", json!({"user_id": user}))
        .await?)
}

#[tokio::test]
async fn a_forgotten_user_is_in_no_column_and_no_frame_and_the_log_keeps_its_numbers() -> Result<()>
{
    let database = TestDatabase::create().await?;
    let user = database.add_user("a-name-like-no-other").await?;
    let id = database.stream_in(StreamState::Active).await?;
    leave_traces(&database, user, id).await?;
    // A column that is added later must be filled above, and then be erased and exported. The note about users
    // whose account is gone has a test of its own.
    let mut expected = columns(&database).await?;
    expected.remove("authors_deleted.user_id");
    assert_eq!(holding(&database, user).await?, expected);
    let exported = export(&database, user).await?;
    let tables: BTreeSet<String> = exported
        .iter()
        .filter_map(|line| line["table"].as_str().map(str::to_owned))
        .collect();
    let in_tables: BTreeSet<String> = expected
        .iter()
        .filter_map(|column| column.split('.').next().map(str::to_owned))
        .chain(["webhook_cursors", "webhook_events"].map(str::to_owned))
        .collect();
    assert_eq!(tables, in_tables);

    let before = database.log(id).await?;
    assert!(forget(&database, user).await? > 1);
    assert_eq!(holding(&database, user).await?, BTreeSet::new());
    for text in [
        "secret-words",
        "reason-about-the-user",
        "reason-of-the-user",
        &user.to_string(),
    ] {
        let left: Vec<_> = database.tables_with(text).await?;
        let ours: Vec<_> = left
            .iter()
            .filter(|table| table.starts_with("stream.") || table.starts_with("realtime."))
            .collect();
        assert!(ours.is_empty(), "{text} is in {ours:?}");
    }
    let name: Vec<_> = database.tables_with("a-name-like-no-other").await?;
    assert_eq!(name, ["public.users"]);
    assert_eq!(export(&database, user).await?, Vec::<Value>::new());
    let after = database.log(id).await?;
    let kept: Vec<_> = after[..before.len()]
        .iter()
        .map(|entry| &entry["seq"])
        .collect();
    let were: Vec<_> = before.iter().map(|entry| &entry["seq"]).collect();
    assert_eq!(kept, were);
    // Whoever watches hears which numbers lost their text, and that nothing is pinned.
    let events: Vec<_> = after[before.len()..]
        .iter()
        .map(|entry| entry["metadata"]["kind"].clone())
        .collect();
    assert_eq!(events, ["messages_deleted", "message_unpinned"]);
    let service = database.service().await?;
    let synced = service.rpc("sync", json!({"session_id": id, "after_seq": 0}));
    let synced = synced.await?;
    assert_eq!(
        synced["messages"].as_array().map(Vec::len),
        Some(after.len())
    );
    Ok(())
}

#[tokio::test]
async fn an_export_names_nobody_else_and_holds_no_token() -> Result<()> {
    let database = TestDatabase::create().await?;
    let user = database.add_user("someone").await?;
    let id = database.stream_in(StreamState::Active).await?;
    leave_traces(&database, user, id).await?;
    let exported = json!(export(&database, user).await?).to_string();
    let others: Vec<String> = database
        .owner
        .query("select id::text from auth.users where id <> $1", &[&user])
        .await?
        .iter()
        .map(|row| row.get(0))
        .collect();
    for other in others {
        assert!(!exported.contains(&other), "{other} is in {exported}");
    }
    for not in [
        "of somebody else",
        "token_hash",
        "salt",
        "reason-of-the-user",
    ] {
        assert!(!exported.contains(not), "{not}");
    }
    // 103 is a notice about the user as the host of their own stream.
    for own in [
        "secret-words-of-the-user",
        "reason-about-the-user",
        "spam",
        "shelf",
        "\"event_type\":103",
    ] {
        assert!(exported.contains(own), "{own}");
    }
    Ok(())
}

#[tokio::test]
async fn a_user_whose_account_is_gone_can_still_be_forgotten() -> Result<()> {
    let database = TestDatabase::create().await?;
    let user = database.add_user("a-name-like-no-other").await?;
    let id = database.stream_in(StreamState::Active).await?;
    let theirs = database.viewer(id, user).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    for number in 0..3 {
        send_message(&theirs, id, &format!("secret-words {number}")).await?;
        send_message(&ada, id, "of somebody else").await?;
    }
    database
        .superuser()
        .await?
        .execute("delete from auth.users where id = $1", &[&user])
        .await?;
    assert!(!database.tables_with("secret-words").await?.is_empty());
    let exported = json!(export(&database, user).await?).to_string();
    assert!(exported.contains("secret-words 2") && !exported.contains("of somebody else"));
    forget(&database, user).await?;
    for text in ["secret-words", "a-name-like-no-other", &user.to_string()] {
        assert_eq!(
            database.tables_with(text).await?,
            Vec::<String>::new(),
            "{text}"
        );
    }
    let of_others = database.log(id).await?;
    let of_others = of_others
        .iter()
        .filter(|entry| entry["content"] == "of somebody else");
    assert_eq!(of_others.count(), 3);
    Ok(())
}

#[tokio::test]
async fn a_large_erasure_goes_in_parts_and_ends_the_place_of_a_viewer() -> Result<()> {
    let database = TestDatabase::create().await?;
    let user = database.add_user("someone").await?;
    let id = database.stream_in(StreamState::Active).await?;
    let theirs = database.viewer(id, user).await?;
    database.tick().await?;
    for number in 0..150 {
        send_message(&theirs, id, &format!("secret-words {number}")).await?;
    }
    let service = database.service().await?;
    let part = service.rpc("forget_user", json!({"user_id": user})).await?;
    assert_eq!(part["has_more"], true);
    let left: i64 = database
        .value("select count(*) from stream.chat_messages where user_id is not null")
        .await?;
    assert_eq!(left, 50);
    forget(&database, user).await?;
    assert!(database.tables_with("secret-words").await?.is_empty());
    database.tick().await?;
    assert_eq!(database.session_row(id).await?["viewer_count"], 0);
    Ok(())
}

#[tokio::test]
async fn the_seller_of_a_live_stream_is_not_forgotten_and_users_forget_nobody() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let service = database.service().await?;
    let arguments = json!({"user_id": demo::SELLER});
    let refused = service.rpc("forget_user", arguments.clone());
    database.refuses(ErrorCode::StreamLive, refused).await?;
    for who in [demo::SELLER, demo::ADA] {
        let caller = database.user(who).await?;
        for function in ["forget_user", "export_user"] {
            let refused = caller.rpc(function, json!({"user_id": who})).await;
            expect_refusal(ErrorCode::PermissionDenied, refused)?;
        }
    }
    for nobody in [json!(null), json!(Uuid::nil())] {
        let refused = service.rpc("forget_user", json!({"user_id": nobody}));
        database
            .refuses(ErrorCode::InvalidArgument, refused)
            .await?;
    }
    let seller = database.user(demo::SELLER).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    send_message(&ada, id, "hello").await?;
    move_to(&seller, id, StreamState::Ended).await?;
    forget(&database, demo::SELLER).await?;
    let sessions: i64 = database
        .value("select count(*) from stream.stream_sessions")
        .await?;
    assert_eq!(sessions, 0);
    Ok(())
}
