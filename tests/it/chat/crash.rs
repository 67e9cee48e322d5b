//! Messages after the server was killed while they were sent: every one that was acknowledged is there, once.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::own_cluster::OwnCluster;
use stream_tests::session::Session;
use stream_tests::stream::{numbers, send_message};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use uuid::Uuid;
use xtask::cluster::Options;

const KILLS: usize = 20;
/// Acknowledged messages between two kills, at least.
const MESSAGES: usize = 40;
const BATCH: usize = 5;
/// Only a failure takes so long.
const DEADLINE: Duration = Duration::from_secs(60);

const STREAMS: usize = 2;
const VIEWERS: [Uuid; 3] = [demo::ADA, demo::BEN, demo::CLEO];

/// A message with the id that its sender made, and the row that was answered.
type Acknowledged = HashMap<Uuid, Value>;

/// Feature: streaming-realtime-fixes, Property 13: For any chat message or bulk message operation,
/// the Chat_Service should persist messages to database immediately, resolve conflicts using
/// timestamp-based ordering, batch operations efficiently, and return paginated history with
/// proper sorting
#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_message_outlives_the_kills_of_the_server() -> Result<()> {
    let options = Options {
        settings: vec!["synchronous_commit=on".to_owned()],
        ..Options::durable("chat-crash")?
    };
    let mut own = OwnCluster::start(options)?;
    let mut database = TestDatabase::create_in(own.make_template("")?).await?;
    database.let_batches_wait().await?;
    // Nobody beats here, and twenty kills may take longer than a lease.
    database
        .change("update stream.config set lease_s = 600 where id")
        .await?;
    let streams = open(&database).await?;
    let mut acknowledged = Acknowledged::new();
    // What was under way when the server was killed: stored or not, a retry tells.
    let mut unanswered: Vec<Value> = Vec::new();
    for kill in 0..KILLS {
        let under_way = load(&database, &mut own, &streams, &mut acknowledged).await?;
        unanswered.extend(under_way);
        own.cluster.restart()?;
        database.environment.cluster = own.cluster.address().clone();
        database.owner = database.connect("postgres").await?;
        // Before anybody sends again: what was answered is there.
        check(&database, &streams, &acknowledged)
            .await
            .with_context(|| format!("after kill {kill}"))?;
        let service = database.service().await?;
        for items in unanswered.chunks(100) {
            for answer in send_all(&service, items).await? {
                note(&mut acknowledged, answer)?;
            }
        }
        unanswered.clear();
    }
    // Nobody holds a lock of before: everything still goes on.
    database.tick().await?;
    for stream in &streams {
        let seller = database.user(demo::SELLER).await?;
        let last = send_message(&seller, *stream, "still here").await?;
        note(&mut acknowledged, last)?;
    }
    database.tick().await?;
    check(&database, &streams, &acknowledged).await?;
    let stored: i64 = database
        .value("select count(*) from stream.chat_messages where message_type = 'user_message'")
        .await?;
    assert_eq!(stored, acknowledged.len() as i64);
    assert!(acknowledged.len() > KILLS * MESSAGES);
    for stream in &streams {
        check_frames(&database, *stream).await?;
    }
    Ok(())
}

/// Whoever turned it off, as heartbeats do: no frame goes out with these messages, and their senders
/// rely on them all the same.
#[tokio::test]
async fn a_message_waits_for_the_disk_even_when_its_frame_comes_later() -> Result<()> {
    let database = TestDatabase::create().await?;
    let stream = database.stream_in(StreamState::Active).await?;
    let service = database.connect("authenticator").await?;
    for call in [
        format!("stream.send_message('{stream}', '{}', 'hi')", demo::SELLER),
        format!(
            "stream.send_messages('[{{\"session_id\": \"{stream}\", \"user_id\": \"{}\", \"content\": \"hi\"}}]')",
            demo::SELLER
        ),
    ] {
        database
            .change(
                "update stream.ticker set sends_at = clock_timestamp();
                 update stream.chat_relay set flushed_at = clock_timestamp()",
            )
            .await?;
        service
            .batch_execute(&format!(
                "begin;
                 set local role service_role;
                 set local synchronous_commit = off;
                 select {call}"
            ))
            .await?;
        let row = service.query_one("show synchronous_commit", &[]).await?;
        assert_eq!(row.get::<_, String>(0), "on", "{call}");
        service.batch_execute("commit").await?;
    }
    Ok(())
}

async fn open(database: &TestDatabase) -> Result<Vec<Uuid>> {
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        let stream = database.stream_in(StreamState::Active).await?;
        for viewer in VIEWERS {
            database.viewer(stream, viewer).await?;
        }
        streams.push(stream);
    }
    Ok(streams)
}

/// Sends from all sides, kills the server in the middle, and returns what was not acknowledged.
async fn load(
    database: &TestDatabase,
    own: &mut OwnCluster,
    streams: &[Uuid],
    acknowledged: &mut Acknowledged,
) -> Result<Vec<Value>> {
    let (told, mut answers) = unbounded_channel();
    let mut senders = Vec::new();
    for viewer in VIEWERS {
        let sender = database.user(viewer).await?;
        let (streams, told) = (streams.to_vec(), told.clone());
        senders.push(tokio::spawn(async move {
            send_alone(&sender, &streams, viewer, &told).await
        }));
    }
    let service = database.service().await?;
    let (streams, told_batches) = (streams.to_vec(), told.clone());
    senders.push(tokio::spawn(async move {
        send_batches(&service, &streams, &told_batches).await
    }));
    let ticker = database.service().await?;
    let ticking = tokio::spawn(async move { while ticker.rpc("tick", json!({})).await.is_ok() {} });
    drop(told);
    for _ in 0..MESSAGES {
        let answer = tokio::time::timeout(DEADLINE, answers.recv())
            .await
            .context("nothing is sent")?;
        note(acknowledged, answer.context("nobody sends any more")?)?;
    }
    own.cluster.crash()?;
    while let Some(answer) = answers.recv().await {
        note(acknowledged, answer)?;
    }
    ticking.await?;
    let mut under_way = Vec::new();
    for sender in senders {
        under_way.extend(sender.await?);
    }
    Ok(under_way)
}

fn item(stream: Uuid, user: Uuid) -> Value {
    json!({"session_id": stream, "user_id": user, "content": "hi", "id": Uuid::new_v4()})
}

/// One after the other until the server is gone; returns what was not acknowledged.
async fn send_alone(
    sender: &Session,
    streams: &[Uuid],
    user: Uuid,
    told: &UnboundedSender<Value>,
) -> Vec<Value> {
    for stream in streams.iter().cycle() {
        let message = item(*stream, user);
        let Ok(answer) = sender.rpc("send_message", message.clone()).await else {
            return vec![message];
        };
        if told.send(answer).is_err() {
            return vec![message];
        }
    }
    Vec::new()
}

async fn send_batches(
    service: &Session,
    streams: &[Uuid],
    told: &UnboundedSender<Value>,
) -> Vec<Value> {
    loop {
        let items: Vec<Value> = streams
            .iter()
            .flat_map(|stream| VIEWERS.iter().map(|viewer| item(*stream, *viewer)))
            .take(BATCH)
            .collect();
        let Ok(answers) = send_all(service, &items).await else {
            return items;
        };
        for answer in answers {
            if told.send(answer).is_err() {
                return items;
            }
        }
    }
}

async fn send_all(service: &Session, items: &[Value]) -> Result<Vec<Value>> {
    let rows = service
        .rpc_rows("send_messages", json!({"items": items}))
        .await?;
    rows.into_iter()
        .map(|mut row| {
            ensure!(row["status"] == "ok", "{row}");
            Ok(row["message"].take())
        })
        .collect()
}

fn note(acknowledged: &mut Acknowledged, answer: Value) -> Result<()> {
    let id = Uuid::parse_str(answer["id"].as_str().context("no id")?)?;
    let first = acknowledged.entry(id).or_insert_with(|| answer.clone());
    ensure!(*first == answer, "{answer} after {first}");
    Ok(())
}

/// The logs have no hole and hold what was answered, as it was answered.
async fn check(
    database: &TestDatabase,
    streams: &[Uuid],
    acknowledged: &Acknowledged,
) -> Result<()> {
    let mut stored = HashMap::new();
    for stream in streams {
        let log = database.log(*stream).await?;
        let dense: Vec<i64> = (1..).take(log.len()).collect();
        ensure!(numbers(&log) == dense, "{:?}", numbers(&log));
        let head: i64 = database
            .value(&format!(
                "select last_seq from stream.chat_heads where session_id = '{stream}'"
            ))
            .await?;
        ensure!(head == log.len() as i64, "the head is {head}");
        for entry in log {
            stored.insert(
                Uuid::parse_str(entry["id"].as_str().context("no id")?)?,
                entry,
            );
        }
    }
    for (id, answer) in acknowledged {
        ensure!(stored.get(id) == Some(answer), "{answer} is not there");
    }
    Ok(())
}

/// Every entry went out once.
async fn check_frames(database: &TestDatabase, stream: Uuid) -> Result<()> {
    let mut sent = HashSet::new();
    for frame in database.frames(stream).await? {
        for number in numbers(frame["messages"].as_array().context("no list")?) {
            assert!(sent.insert(number), "{number} twice");
        }
    }
    assert_eq!(sent.len(), database.log(stream).await?.len());
    Ok(())
}
