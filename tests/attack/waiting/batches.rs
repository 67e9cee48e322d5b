//! Batches of messages next to somebody who holds rows of one of their streams: that stream's items are
//! refused, all others are stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::stream::{numbers, send_message};
use tokio_postgres::Client;
use uuid::Uuid;

struct WatchedStreams {
    database: TestDatabase,
    /// By ascending id, as batches go through them.
    sessions: Vec<Uuid>,
}

impl WatchedStreams {
    async fn create(count: usize) -> Result<Self> {
        let database = TestDatabase::create().await?;
        let mut sessions = Vec::new();
        for _ in 0..count {
            let session = database.stream_in(StreamState::Active).await?;
            for user in [demo::ADA, demo::BEN] {
                database.viewer(session, user).await?;
            }
            sessions.push(session);
        }
        sessions.sort_unstable();
        // Whoever waits without end is ended by this, and fails.
        let settings = format!(
            "alter database {} set statement_timeout = '12s'",
            database.name()
        );
        database.superuser().await?.batch_execute(&settings).await?;
        Ok(Self { database, sessions })
    }

    async fn send(&self, items: &[Value]) -> Result<Vec<Value>> {
        let service = self.database.service().await?;
        let arguments = json!({"items": items});
        Ok(service.rpc_rows("send_messages", arguments).await?)
    }

    /// What viewers wrote in a session, oldest first. The log has no hole, and what was sent is the log.
    async fn contents(&self, session: Uuid) -> Result<Vec<String>> {
        let log = self.database.log(session).await?;
        ensure!(numbers(&log).iter().copied().eq(1..=log.len() as i64));
        let text = |entry: &Value| entry["content"].as_str().unwrap_or_default().to_owned();
        let written = log.iter().filter(|entry| !entry["user_id"].is_null());
        Ok(written.map(text).collect())
    }

    async fn hold(&self, row: &str) -> Result<Client> {
        let holder = self.database.connect("postgres").await?;
        holder.batch_execute("set statement_timeout = 0").await?;
        holder
            .batch_execute(&format!("begin; select from {row} for update"))
            .await?;
        Ok(holder)
    }
}

fn item(session: Uuid, user: Uuid, content: &str) -> Value {
    json!({"session_id": session, "user_id": user, "content": content, "id": Uuid::new_v4()})
}

fn statuses(answers: &[Value]) -> Vec<&str> {
    let statuses = answers.iter().map(|answer| &answer["status"]);
    statuses
        .map(|status| status.as_str().unwrap_or_default())
        .collect()
}

/// Every row that a batch needs of one session, and who holds it as strongly as anybody can.
fn rows_of(session: Uuid) -> Vec<String> {
    vec![
        format!("stream.stream_sessions where id = '{session}'"),
        format!(
            "stream.stream_viewers where session_id = '{session}' and user_id = '{}'",
            demo::BEN
        ),
        format!("stream.chat_heads where session_id = '{session}'"),
        format!("stream.chat_relay where session_id = '{session}'"),
    ]
}

/// First, in the middle and last among the sessions of the batch.
#[tokio::test]
async fn a_session_whose_rows_are_held_costs_its_own_items_alone() -> Result<()> {
    let world = WatchedStreams::create(3).await?;
    let mut expected: Vec<Vec<String>> = vec![Vec::new(); 3];
    for held in 0..3 {
        for row in rows_of(world.sessions[held]) {
            let mut items = Vec::new();
            for text in ["one", "two"] {
                for (session, id) in world.sessions.iter().enumerate() {
                    let user = [demo::ADA, demo::BEN][items.len() % 2];
                    items.push(item(*id, user, &format!("{text} {held}{session}")));
                }
            }
            let holder = world.hold(&row).await?;
            let answers = world.send(&items).await?;
            let statuses = statuses(&answers);
            for (place, status) in statuses.iter().enumerate() {
                let is_held = place % 3 == held;
                assert_eq!(
                    *status,
                    if is_held { "lock_timeout" } else { "ok" },
                    "{row}"
                );
                assert_eq!(answers[place]["message"].is_null(), is_held, "{row}");
            }
            for (session, texts) in expected.iter_mut().enumerate() {
                if session != held {
                    texts.extend(["one", "two"].map(|text| format!("{text} {held}{session}")));
                }
                assert_eq!(
                    world.contents(world.sessions[session]).await?,
                    *texts,
                    "{row}"
                );
            }
            holder.batch_execute("rollback").await?;

            // The same batch again stores what was refused, and nothing twice.
            let retried = world.send(&items).await?;
            assert!(
                self::statuses(&retried)
                    .iter()
                    .all(|status| *status == "ok")
            );
            for (before, after) in answers.iter().zip(&retried) {
                assert!(before["message"].is_null() || before["message"] == after["message"]);
            }
            expected[held].extend(["one", "two"].map(|text| format!("{text} {held}{held}")));
            for (session, texts) in expected.iter().enumerate() {
                assert_eq!(
                    world.contents(world.sessions[session]).await?,
                    *texts,
                    "{row}"
                );
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_user_whose_row_is_held_costs_their_own_items_alone() -> Result<()> {
    let world = WatchedStreams::create(2).await?;
    let holder = world
        .hold(&format!("auth.users where id = '{}'", demo::BEN))
        .await?;
    let items: Vec<Value> = world
        .sessions
        .iter()
        .flat_map(|session| {
            [demo::ADA, demo::BEN].map(|user| item(*session, user, &user.to_string()))
        })
        .collect();
    let answers = world.send(&items).await?;
    let expected = ["ok", "lock_timeout", "ok", "lock_timeout"];
    assert_eq!(statuses(&answers), expected);
    holder.batch_execute("rollback").await?;
    assert_eq!(statuses(&world.send(&items).await?), ["ok"; 4]);
    for session in &world.sessions {
        let texts = [demo::ADA, demo::BEN].map(|user| user.to_string());
        assert_eq!(world.contents(*session).await?, texts);
    }
    Ok(())
}

/// What was stored before is known without the rows.
#[tokio::test]
async fn a_retry_is_answered_although_the_head_is_held() -> Result<()> {
    let world = WatchedStreams::create(1).await?;
    let session = world.sessions[0];
    let known = item(session, demo::ADA, "known");
    let first = world.send(std::slice::from_ref(&known)).await?;
    let holder = world
        .hold(&format!("stream.chat_heads where session_id = '{session}'"))
        .await?;
    let answers = world
        .send(&[item(session, demo::ADA, "new"), known])
        .await?;
    assert_eq!(statuses(&answers), ["lock_timeout", "ok"]);
    assert_eq!(answers[1]["message"], first[0]["message"]);
    holder.batch_execute("rollback").await?;
    Ok(())
}

/// However many sessions are held: the wait for all of them together is limited, five times that for
/// one. Each alone would take longer than the statement may.
#[tokio::test]
async fn many_held_sessions_do_not_add_up() -> Result<()> {
    let world = WatchedStreams::create(12).await?;
    let name = world.database.name();
    world
        .database
        .superuser()
        .await?
        .batch_execute(&format!(
            "alter database {name} set pg_stream_ext.batch_session_wait = '1500ms'"
        ))
        .await?;
    let (held, free) = world.sessions.split_at(11);
    let list: Vec<String> = held.iter().map(|id| format!("'{id}'")).collect();
    let holder = world
        .hold(&format!(
            "stream.chat_heads where session_id in ({})",
            list.join(", ")
        ))
        .await?;
    let items: Vec<Value> = world
        .sessions
        .iter()
        .map(|session| item(*session, demo::ADA, "hi"))
        .collect();
    let answers = world.send(&items).await?;
    let mut expected = vec!["lock_timeout"; held.len()];
    expected.push("ok");
    assert_eq!(statuses(&answers), expected);
    assert_eq!(world.contents(free[0]).await?, ["hi"]);
    holder.batch_execute("rollback").await?;
    Ok(())
}

/// Both meet the held session at another place of theirs.
#[tokio::test]
async fn batches_in_opposite_order_beside_a_held_session_store_the_rest() -> Result<()> {
    let world = Arc::new(WatchedStreams::create(3).await?);
    let held = world.sessions[1];
    let holder = world
        .hold(&format!("stream.chat_heads where session_id = '{held}'"))
        .await?;
    let items = |user: Uuid, sessions: Vec<Uuid>| -> Vec<Value> {
        let item = |session: &Uuid| item(*session, user, &user.to_string());
        sessions.iter().map(item).collect()
    };
    let reversed = world.sessions.iter().rev().copied().collect();
    let batches = [
        items(demo::ADA, world.sessions.clone()),
        items(demo::BEN, reversed),
    ];
    let sends = batches.clone().map(|items| {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.send(&items).await })
    });
    for send in sends {
        let answers = send.await??;
        assert_eq!(statuses(&answers)[1], "lock_timeout");
    }
    holder.batch_execute("rollback").await?;
    for items in &batches {
        assert_eq!(statuses(&world.send(items).await?), ["ok"; 3]);
    }
    for session in &world.sessions {
        let mut texts = world.contents(*session).await?;
        texts.sort_unstable();
        let mut expected = [demo::ADA, demo::BEN].map(|user| user.to_string());
        expected.sort_unstable();
        assert_eq!(texts, expected);
    }
    Ok(())
}

/// The wait asks again and again, and single messages queue for the same row all the while.
#[tokio::test]
async fn a_session_under_steady_load_is_had() -> Result<()> {
    let world = WatchedStreams::create(1).await?;
    let session = world.sessions[0];
    world.database.let_batches_wait().await?;
    let is_over = Arc::new(AtomicBool::new(false));
    let mut load = Vec::new();
    for _ in 0..4 {
        let seller = world.database.user(demo::SELLER).await?;
        let is_over = Arc::clone(&is_over);
        load.push(tokio::spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                send_message(&seller, session, "load").await?;
            }
            anyhow::Ok(())
        }));
    }
    for _ in 0..20 {
        let answers = world.send(&[item(session, demo::ADA, "batch")]).await?;
        assert_eq!(statuses(&answers), ["ok"]);
    }
    is_over.store(true, Ordering::Relaxed);
    for sender in load {
        sender.await??;
    }
    let contents = world.contents(session).await?;
    assert_eq!(contents.iter().filter(|text| *text == "batch").count(), 20);
    Ok(())
}
