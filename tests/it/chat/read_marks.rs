//! Read marks: the messages that a user has read, and the number of those left.

mod calls;
mod model;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::blocking::wait_until_blocked;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::stateful::check_model;
use stream_tests::stream::send_message;
use uuid::Uuid;

use self::calls::{ids, mark, mark_up_to, marks, unread};
use self::model::ReadMarks;

async fn stored(database: &TestDatabase, session: Uuid, user: Uuid) -> Result<String> {
    database
        .value(&format!(
            "select r.read::text from stream.chat_reads as r
             where r.session_id = '{session}' and r.user_id = '{user}'"
        ))
        .await
}

#[tokio::test]
async fn marks_count_in_any_order_and_once() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    database.append_messages(id, 8, 5).await?;
    let ids = ids(&database, id).await?;
    assert_eq!(unread(&ada, id).await?, 10);
    let unknown = json!(Uuid::new_v4());
    for (marked, left) in [
        (vec![ids[9].clone(), ids[4].clone()], 8),
        (vec![ids[3].clone(), unknown.clone(), ids[4].clone()], 7),
        (ids[..3].to_vec(), 4),
    ] {
        assert_eq!(mark(&ada, id, &marked).await?, left);
        let again = database.changes_nothing(mark(&ada, id, &marked)).await?;
        assert_eq!(again, left);
        assert_eq!(unread(&ada, id).await?, left);
    }
    assert_eq!(stored(&database, id, demo::ADA).await?, "{[1,6),[10,11)}");
    for nothing in [vec![], vec![unknown]] {
        let left = database.changes_nothing(mark(&ada, id, &nothing)).await?;
        assert_eq!(left, 4);
    }
    Ok(())
}

#[tokio::test]
async fn everything_up_to_a_number_is_marked_and_nothing_that_is_to_come() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    database.append_messages(id, 8, 5).await?;
    for (seq, left) in [(0, 10), (4, 6), (2, 6), (10, 0)] {
        assert_eq!(mark_up_to(&ada, id, seq).await?, left, "up to {seq}");
    }
    assert_eq!(mark_up_to(&ada, id, i64::MAX).await?, 0);
    let seller = database.user(demo::SELLER).await?;
    send_message(&seller, id, "news").await?;
    assert_eq!(unread(&ada, id).await?, 1);
    Ok(())
}

#[tokio::test]
async fn marks_are_of_one_user_and_one_stream() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let other = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let seller = database.user(demo::SELLER).await?;
    let elsewhere = ids(&database, other).await?;
    assert_eq!(mark(&ada, id, &elsewhere).await?, 2);
    assert_eq!(mark(&ada, other, &elsewhere).await?, 0);
    assert_eq!(unread(&ada, id).await?, 2);
    assert_eq!(unread(&seller, other).await?, 2);
    // Whoever sends has not marked: every entry counts alike.
    send_message(&seller, other, "mine").await?;
    assert_eq!(unread(&seller, other).await?, 3);
    Ok(())
}

#[tokio::test]
async fn what_retention_took_away_is_not_unread() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    database.append_messages(id, 8, 5).await?;
    mark_up_to(&ada, id, 6).await?;
    for (kept_from, left) in [(4, 4), (7, 4), (9, 2), (11, 0)] {
        database
            .change(&format!(
                "delete from stream.chat_messages where seq < {kept_from}"
            ))
            .await?;
        assert_eq!(unread(&ada, id).await?, left, "kept from {kept_from}");
    }
    Ok(())
}

#[tokio::test]
async fn a_deleted_message_keeps_its_number_and_its_mark() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    database
        .change("update stream.chat_messages set content = '', deleted_at = now() where seq = 2")
        .await?;
    let ids = ids(&database, id).await?;
    assert_eq!(mark(&ada, id, &ids[1..]).await?, 1);
    Ok(())
}

#[tokio::test]
async fn gaps_without_end_do_not_grow_a_row_without_end() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    database.append_messages(id, 1498, 5).await?;
    let every_second: Vec<Value> = ids(&database, id).await?.into_iter().step_by(2).collect();
    let ranges = "select cardinality(array(select unnest(read)))::bigint from stream.chat_reads";
    // In one call and in many; the newest 256 ranges stay as they were marked.
    for call in every_second.chunks(500).chain(every_second.chunks(700)) {
        mark(&ada, id, call).await?;
        assert_eq!(database.value::<i64>(ranges).await?, 256);
    }
    assert_eq!(unread(&ada, id).await?, 256);
    let synced = ada.rpc("sync", json!({"session_id": id})).await?;
    let read = synced["read"].as_array().context("no ranges")?;
    assert_eq!(read.len(), 256);
    assert_eq!(read[0], json!([1, 989]));
    assert_eq!(read[255], json!([1499, 1499]));
    Ok(())
}

/// Both devices mark; the second waits for the first and adds to what it wrote.
#[tokio::test]
async fn marks_of_two_devices_at_once_both_count() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let phone = database.viewer(id, demo::ADA).await?;
    let tablet = database.user(demo::ADA).await?;
    database.append_messages(id, 4, 5).await?;
    let ids = ids(&database, id).await?;
    for (round, of_phone, of_tablet) in [("first", 0..1, 2..3), ("later", 3..4, 4..6)] {
        phone.begin().await?;
        phone
            .rpc_within("mark_messages_as_read", marks(id, &ids[of_phone]))
            .await?;
        let waiting = tablet.backend().await?;
        let (marked, released) = tokio::join!(mark(&tablet, id, &ids[of_tablet]), async {
            wait_until_blocked(&database.owner, waiting).await?;
            phone.commit().await?;
            anyhow::Ok(())
        });
        released?;
        let left = if round == "first" { 4 } else { 1 };
        assert_eq!(marked?, left, "{round}");
    }
    assert_eq!(stored(&database, id, demo::ADA).await?, "{[1,2),[3,7)}");
    Ok(())
}

#[tokio::test]
async fn marks_are_made_by_whoever_may_view_and_by_the_service_for_them() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    let service = database.service().await?;
    let anon = database.anon().await?;
    let stranger_id = database.add_stranger().await?;
    let stranger = database.user(stranger_id).await?;
    let first = ids(&database, id).await?[0].clone();
    let list = format!("{{{}}}", first.as_str().context("no id")?);
    for (function, name, value) in [
        ("mark_messages_as_read", "message_ids", Some(json!(list))),
        ("mark_read_up_to", "seq", Some(json!(1))),
        ("unread_count", "", None),
    ] {
        let call = |session: Value, user: Value| {
            let mut arguments = json!({"session_id": session, "user_id": user});
            if let Some(value) = &value {
                arguments[name] = value.clone();
            }
            arguments
        };
        for (code, caller, session, user) in [
            (ErrorCode::NotSelf, &ada, json!(id), json!(demo::BEN)),
            (ErrorCode::CannotView, &stranger, json!(id), Value::Null),
            (ErrorCode::PermissionDenied, &anon, json!(id), Value::Null),
            (ErrorCode::InvalidArgument, &service, json!(id), Value::Null),
            (
                ErrorCode::CannotView,
                &service,
                json!(id),
                json!(stranger_id),
            ),
            (
                ErrorCode::SessionNotFound,
                &ada,
                json!(Uuid::new_v4()),
                Value::Null,
            ),
            (ErrorCode::InvalidArgument, &ada, Value::Null, Value::Null),
        ] {
            let refused = caller.rpc(function, call(session, user));
            database
                .refuses(code, refused)
                .await
                .with_context(|| function.to_owned())?;
        }
        if let Some(null) = value.as_ref().map(|_| Value::Null) {
            let mut arguments = call(json!(id), Value::Null);
            arguments[name] = null;
            let refused = ada.rpc(function, arguments);
            database
                .refuses(ErrorCode::InvalidArgument, refused)
                .await?;
            let snapshot = ada.rpc_at("repeatable read", function, call(json!(id), Value::Null));
            database
                .refuses(ErrorCode::IsolationLevel, snapshot)
                .await?;
        }
        let left = service
            .rpc(function, call(json!(id), json!(demo::BEN)))
            .await?;
        assert_eq!(left, 1, "{function}");
    }
    let below = mark_up_to(&ada, id, -1);
    database.refuses(ErrorCode::InvalidArgument, below).await?;
    let many = vec![first; 1001];
    database
        .refuses(ErrorCode::InvalidArgument, mark(&ada, id, &many))
        .await?;
    assert_eq!(mark(&ada, id, &many[..1000]).await?, 1);
    Ok(())
}

#[tokio::test]
async fn the_log_of_an_ended_stream_is_marked_as_well() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Ended).await?;
    let ada = database.user(demo::ADA).await?;
    assert_eq!(mark_up_to(&ada, id, 1).await?, 1);
    Ok(())
}

/// Feature: streaming-realtime-fixes, Property 13: For any chat message or bulk message operation,
/// the Chat_Service should persist messages to database immediately, resolve conflicts using
/// timestamp-based ordering, batch operations efficiently, and return paginated history with
/// proper sorting
#[test]
fn whatever_is_marked_the_rest_is_what_a_set_of_numbers_says() -> Result<()> {
    check_model::<ReadMarks>()
}
