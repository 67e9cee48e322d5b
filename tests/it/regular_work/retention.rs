//! Retention of streams whose time has passed: what hangs on one goes in batches, then the stream; and it waits
//! for nobody who holds its rows.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::agora::buyer_token;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::moderation::restrict;
use stream_tests::session::Session;
use stream_tests::stream::{move_to, send_message};
use uuid::Uuid;

const DAYS: i64 = 91;

/// A stream with a message of ADA, ended so long ago that it goes.
async fn expired(database: &TestDatabase) -> Result<Uuid> {
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    send_message(&ada, id, "long ago").await?;
    move_to(&database.user(demo::SELLER).await?, id, StreamState::Ended).await?;
    database.sweep().await?;
    database.pass_time(id, DAYS * 86_400).await?;
    Ok(id)
}

async fn is_there(database: &TestDatabase, session: Uuid) -> Result<bool> {
    let is_there =
        format!("select exists (select from stream.stream_sessions as s where s.id = '{session}')");
    database.value(&is_there).await
}

/// A batch that is under way, and what it was answered.
async fn batch(database: &TestDatabase, items: Value) -> Result<(Session, Vec<Value>)> {
    let service = database.service().await?;
    service.begin().await?;
    let arguments = json!({"items": items});
    let answers = service.rpc_rows_within("send_messages", arguments).await?;
    Ok((service, answers))
}

fn item(session: Uuid, user: Uuid) -> Value {
    json!({"session_id": session, "user_id": user, "content": "hi", "id": Uuid::new_v4()})
}

#[tokio::test]
async fn an_old_log_goes_in_batches_from_its_beginning_and_then_the_stream() -> Result<()> {
    let database = TestDatabase::create().await?;
    database
        .change("update stream.config set sweep_batch_size = 100, retention_days = 1 where id")
        .await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    database.append_messages(id, 220, 5).await?;
    let service = database.service().await?;
    service.rpc("end_stream", json!({"session_id": id})).await?;
    let young = database.stream_in(StreamState::Ended).await?;
    database.sweep().await?;
    database.pass_time(id, 86_400 + 60).await?;
    // 220 messages, 3 moves and a place, then the session itself.
    for rows in [100, 100, 25, 0] {
        let swept = database.sweep().await?;
        assert_eq!(swept.rule("retention")?["rows"], rows);
    }
    for table in [
        "stream_viewers",
        "chat_heads",
        "chat_relay",
        "chat_messages",
    ] {
        let left: i64 = database
            .value(&format!(
                "select count(*) from stream.{table} where session_id = '{id}'"
            ))
            .await?;
        assert_eq!(left, 0, "{table}");
    }
    assert!(!is_there(&database, id).await?);
    assert!(is_there(&database, young).await?);
    Ok(())
}

/// The rows that refer to a session, without the two that every session has one of.
const ROWS_OF_SESSION: &str = "select coalesce(sum((xpath('/row/rows/text()', query_to_xml(format(
        'select count(*) as rows from %s where session_id = %L', k.conrelid::regclass, '{session}'),
        false, true, '')))[1]::text::bigint), 0)::bigint
    from pg_catalog.pg_constraint as k
    where k.confrelid = 'stream.stream_sessions'::regclass
        and k.conrelid not in (
            'stream.chat_heads'::regclass, 'stream.chat_relay'::regclass)";

#[tokio::test]
async fn everything_that_hangs_on_an_old_stream_goes_in_batches() -> Result<()> {
    const BATCH: i64 = 3;
    let database = TestDatabase::create().await?;
    database
        .change(&format!(
            "update stream.config set sweep_batch_size = {BATCH} where id"
        ))
        .await?;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    for number in 0..4 {
        let user = database.add_user(&format!("viewer{number}")).await?;
        let viewer = database.viewer(id, user).await?;
        buyer_token(&viewer, id).await?;
        let session = json!({"session_id": id});
        viewer.rpc("subscribe_to_chat", session).await?;
        let read = json!({"session_id": id, "user_id": null, "seq": 1});
        viewer.rpc("mark_read_up_to", read).await?;
        restrict(&seller, "mute_user", id, user).await?;
        let term = json!({"session_id": id, "term": format!("term{number}")});
        seller.rpc("block_term", term).await?;
    }
    move_to(&seller, id, StreamState::Ended).await?;
    let rows = ROWS_OF_SESSION.replace("{session}", &id.to_string());
    // Cursors have a rule of their own, which leaves those alone that are forgotten later.
    database
        .change(&format!(
            "insert into stream.webhook_cursors
                 (session_id, uid, position, is_present, happened_at, seen_at, forget_at)
             select '{id}', n, 1, true, now(), now(), now() + interval '1 year'
             from generate_series(1, 4) as n"
        ))
        .await?;
    while !database.sweep().await?.handled().is_empty() {}
    database.pass_time(id, DAYS * 86_400).await?;

    let mut left: i64 = database.value(&rows).await?;
    assert!(left > 8 * 4, "{left} rows");
    while is_there(&database, id).await? {
        let swept = database.sweep().await?;
        let now_left: i64 = database.value(&rows).await?;
        let gone = left - now_left + i64::from(!is_there(&database, id).await?);
        assert!((1..=BATCH).contains(&gone), "{gone} rows at once");
        assert_eq!(swept.rule("retention")?["rows"], gone);
        left = now_left;
    }
    assert_eq!(left, 0);
    assert!(database.sweep().await?.handled().is_empty());
    Ok(())
}

#[tokio::test]
async fn without_retention_a_log_stays_for_ever() -> Result<()> {
    let database = TestDatabase::create().await?;
    database
        .change("update stream.config set retention_days = null where id")
        .await?;
    let id = database.stream_in(StreamState::Ended).await?;
    database.sweep().await?;
    database.pass_time(id, 5000 * 86_400).await?;
    assert!(database.sweep().await?.handled().is_empty());
    assert!(is_there(&database, id).await?);
    Ok(())
}

/// The batch is at the place of the old stream, and would go on to leases that the sweep holds.
#[tokio::test]
async fn an_old_stream_that_a_batch_is_at_goes_with_the_next_sweep() -> Result<()> {
    let database = TestDatabase::create().await?;
    let old = expired(&database).await?;
    let live = database.stream_in(StreamState::Active).await?;
    database.viewer(live, demo::BEN).await?;
    let items = json!([item(old, demo::ADA), item(live, demo::BEN)]);
    let (service, answers) = batch(&database, items).await?;
    // Else the timeout of its statement ends it.
    database.sweep().await?;
    service.commit().await?;
    assert_eq!(
        (&answers[0]["status"], &answers[1]["status"]),
        (&json!("stream_ended"), &json!("ok"))
    );
    assert!(is_there(&database, old).await?);
    database.sweep().await?;
    assert!(!is_there(&database, old).await?);
    // The user message of the live stream is where it was.
    assert_eq!(database.log(live).await?.len(), 3);
    Ok(())
}

/// As the deletion of a user holds messages and tokens.
#[tokio::test]
async fn an_old_stream_whose_rows_somebody_holds_goes_with_the_next_sweep() -> Result<()> {
    let database = TestDatabase::create().await?;
    let old = expired(&database).await?;
    let holder = database.connect("postgres").await?;
    let hold = format!(
        "begin; select from stream.chat_messages where session_id = '{old}' and seq = 3 for update"
    );
    holder.batch_execute(&hold).await?;
    database.sweep().await?;
    let log = database.log(old).await?;
    assert_eq!(
        log.iter().map(|entry| &entry["seq"]).collect::<Vec<_>>(),
        [3]
    );
    holder.batch_execute("rollback").await?;
    database.sweep().await?;
    assert!(!is_there(&database, old).await?);
    Ok(())
}

/// An order of the application, which refers to a stream.
async fn add_order(database: &TestDatabase, session: Uuid, on_delete: &str) -> Result<()> {
    database
        .change(&format!(
            "create table if not exists public.orders (
                 session_id uuid references stream.stream_sessions (id) {on_delete});
             insert into public.orders values ('{session}')"
        ))
        .await
}

/// Its log and its viewers go; the stream's row stays for whom the application keeps it.
#[tokio::test]
async fn a_stream_to_which_the_application_refers_is_kept_until_it_does_no_more() -> Result<()> {
    let database = TestDatabase::create().await?;
    let kept = expired(&database).await?;
    add_order(&database, kept, "").await?;
    // Younger, so that the sweep comes to the one that is kept first.
    let other = expired(&database).await?;
    database.pass_time(kept, 60).await?;
    for _ in 0..2 {
        database.sweep().await?;
    }
    assert!(!is_there(&database, other).await?);
    assert!(is_there(&database, kept).await?);
    let log: i64 = database
        .value(&format!(
            "select count(*) from stream.chat_messages where session_id = '{kept}'"
        ))
        .await?;
    assert_eq!(log, 0);
    let (status, detail) = database.check("troubles").await?;
    assert_eq!(status, "warning");
    for what in ["retention", &kept.to_string(), "23503", "on delete cascade"] {
        assert!(detail.contains(what), "{detail}");
    }

    database
        .change("delete from public.orders; update stream.troubles set next_attempt_at = now()")
        .await?;
    database.sweep().await?;
    assert!(!is_there(&database, kept).await?);
    let (status, detail) = database.check("troubles").await?;
    assert_eq!(status, "ok", "{detail}");
    Ok(())
}

#[tokio::test]
async fn what_cascades_goes_with_its_stream() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = expired(&database).await?;
    add_order(&database, id, "on delete cascade").await?;
    database.sweep().await?;
    assert!(!is_there(&database, id).await?);
    let orders: i64 = database.value("select count(*) from public.orders").await?;
    assert_eq!(orders, 0);
    Ok(())
}
