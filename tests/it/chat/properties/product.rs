//! Playing a plan on the product, and checking all that must be true afterwards.

use std::cell::RefCell;
use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use proptest::strategy::Strategy;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use stream_tests::stateful::Property;
use stream_tests::stream::{move_to, numbers};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_postgres::Client;
use uuid::Uuid;

use super::plan::{COMMON_IDS, PEOPLE, Plan, SERVICES, SESSIONS, plans};
use super::readers::{FrameReader, SyncReader, follow_with_losses};
use super::senders::{Connection, PlannedSender, SharedCase};

const PAGE: usize = 7;

/// Steps of the senders between two looks of the readers.
const LOOK_EVERY: usize = 3;

/// Three viewers and the seller.
const PERSONS: [Uuid; PEOPLE] = [demo::ADA, demo::BEN, demo::CLEO, demo::SELLER];

/// What the cases share: each has streams of its own.
pub struct ConcurrentChat {
    database: TestDatabase,
    superuser: Client,
    seller: Session,
    service: Session,
    /// Those that the last case left, or none.
    connections: RefCell<Vec<Connection>>,
}

impl Property for ConcurrentChat {
    type Case = Plan;

    fn cases() -> impl Strategy<Value = Plan> {
        plans()
    }

    async fn enter() -> Result<Self> {
        let database = TestDatabase::create().await?;
        database.let_batches_wait().await?;
        Ok(Self {
            superuser: database.superuser().await?,
            seller: database.user(demo::SELLER).await?,
            service: database.service().await?,
            connections: RefCell::default(),
            database,
        })
    }

    async fn play(&self, plan: &Plan) -> Result<()> {
        let scene = self.open(plan).await?;
        let mut readers = Readers::new(&scene);
        let connections = self.connections().await?;
        let (done, steps) = unbounded_channel();
        let scripts = connections.into_iter().zip(&plan.scripts).enumerate().map(
            |(number, (connection, script))| {
                PlannedSender::new(&scene, connection, number).play(script, done.clone())
            },
        );
        let everybody = try_join_all(scripts);
        // The senders hold the others.
        drop(done);
        let (connections, ()) =
            tokio::try_join!(everybody, self.conduct(plan, &scene, &mut readers, steps))?;
        self.connections.replace(connections);
        self.check(plan, &scene, &mut readers).await
    }
}

impl ConcurrentChat {
    /// New streams, with all viewers in each.
    async fn open(&self, plan: &Plan) -> Result<SharedCase<'_>> {
        let mut streams = Vec::new();
        for _ in 0..SESSIONS {
            let auction = self.database.add_auction(demo::SELLER).await?;
            let arguments = json!({"auction_id": auction});
            let started = self.seller.rpc("start_stream", arguments).await?;
            let stream = stream_tests::stream::session_id(&started)?;
            move_to(&self.seller, stream, StreamState::Active).await?;
            for person in PERSONS.iter().filter(|person| **person != demo::SELLER) {
                let arguments = json!({"session_id": stream, "buyer_id": person});
                self.service.rpc("add_viewer", arguments).await?;
            }
            streams.push(stream);
        }
        let ticker = if plan.tick_every.is_some() {
            "update stream.ticker set sends_at = clock_timestamp()"
        } else {
            // What a connection knows of a ticker holds for seconds, longer than a case lasts.
            self.connections.take();
            "update stream.ticker set sends_at = '-infinity'"
        };
        self.database.change(ticker).await?;
        Ok(SharedCase {
            database: &self.database,
            superuser: &self.superuser,
            people: &PERSONS,
            streams,
            common_ids: (0..PEOPLE)
                .map(|_| (0..COMMON_IDS).map(|_| Uuid::new_v4()).collect())
                .collect(),
            may_end: plan.end_after.is_some(),
            acknowledged: RefCell::new(HashMap::new()),
        })
    }

    async fn connections(&self) -> Result<Vec<Connection>> {
        let left = self.connections.take();
        if !left.is_empty() {
            return Ok(left);
        }
        let mut connections = Vec::new();
        for number in 0..PEOPLE + SERVICES {
            let person = (number < PEOPLE).then_some(number);
            connections.push(Connection::open(&self.database, &PERSONS, person).await?);
        }
        Ok(connections)
    }

    /// Ticks, ends a stream and reads while the senders go on.
    async fn conduct(
        &self,
        plan: &Plan,
        scene: &SharedCase<'_>,
        readers: &mut Readers,
        mut steps: UnboundedReceiver<()>,
    ) -> Result<()> {
        let mut count = 0;
        while steps.recv().await.is_some() {
            count += 1;
            if plan.end_after == Some(count) {
                self.end(scene).await?;
            }
            if plan
                .tick_every
                .is_some_and(|every| count.is_multiple_of(every))
            {
                self.service.rpc("tick", json!({})).await?;
            }
            if count.is_multiple_of(LOOK_EVERY) {
                readers.read(&self.database, &self.service).await?;
            }
        }
        if plan.end_after.is_some_and(|after| after > count) {
            self.end(scene).await?;
        }
        Ok(())
    }

    async fn end(&self, scene: &SharedCase<'_>) -> Result<()> {
        let arguments = json!({"session_id": scene.streams[0]});
        self.seller.rpc("end_stream", arguments).await?;
        Ok(())
    }

    async fn check(
        &self,
        plan: &Plan,
        scene: &SharedCase<'_>,
        readers: &mut Readers,
    ) -> Result<()> {
        if plan.tick_every.is_some() {
            self.service.rpc("tick", json!({})).await?;
        }
        // Without a ticker every entry went out with its own commit.
        readers.read(&self.database, &self.service).await?;
        let mut acknowledged = scene.acknowledged.take();
        for (number, stream) in scene.streams.iter().enumerate() {
            let log = self.database.log(*stream).await?;
            let has_ended = number == 0 && scene.may_end;
            self.check_log(*stream, &log, has_ended, &mut acknowledged)
                .await?;
            let (frames, sync) = &mut readers.of[number];
            while sync.page(&self.service).await? {}
            is_log(&frames.messages(), &log).context("by frames")?;
            is_log(&sync.messages, &log).context("by sync")?;
            let held =
                follow_with_losses(&self.service, *stream, &frames.frames, &plan.lost).await?;
            is_log(&held, &log).context("by frames of which some were lost")?;
            is_log(&self.history(*stream).await?, &log).context("by pages")?;
        }
        ensure!(acknowledged.is_empty(), "not in a log: {acknowledged:?}");
        Ok(())
    }

    /// Takes what it finds out of the acknowledged.
    async fn check_log(
        &self,
        stream: Uuid,
        log: &[Value],
        has_ended: bool,
        acknowledged: &mut HashMap<(Uuid, Uuid), Value>,
    ) -> Result<()> {
        let dense: Vec<i64> = (1..).take(log.len()).collect();
        ensure!(numbers(log) == dense, "{:?}", numbers(log));
        for entry in log {
            if entry["message_type"] != "user_message" {
                continue;
            }
            let id = Uuid::parse_str(entry["id"].as_str().context("no id")?)?;
            let told = acknowledged
                .remove(&(stream, id))
                .with_context(|| format!("nobody was told of {entry}"))?;
            ensure!(told == *entry, "told {told}, stored {entry}");
        }
        let is_over = log
            .last()
            .is_some_and(|entry| entry["metadata"]["state"] == "ended");
        ensure!(is_over == has_ended, "the last entry");
        let disorder: i64 = self
            .database
            .value(&format!(
                "select count(*) from (
                     select created_at <= lag(created_at) over (order by seq) as is_wrong
                     from stream.chat_messages where session_id = '{stream}'
                 ) as pairs where is_wrong"
            ))
            .await?;
        ensure!(disorder == 0, "times do not increase with the numbers");
        Ok(())
    }

    /// All pages, from the first entry on.
    async fn history(&self, stream: Uuid) -> Result<Vec<Value>> {
        let mut held: Vec<Value> = Vec::new();
        loop {
            let after = held.last().map_or(json!(0), |entry| entry["seq"].clone());
            let arguments = json!({"session_id": stream, "page_size": PAGE, "after_seq": after});
            let page = self
                .service
                .rpc_rows("get_message_history", arguments)
                .await?;
            let is_last = page.len() < PAGE;
            held.extend(page);
            if is_last {
                return Ok(held);
            }
        }
    }
}

/// One by frames and one by `sync`, for each stream.
struct Readers {
    of: Vec<(FrameReader, SyncReader)>,
}

impl Readers {
    fn new(scene: &SharedCase<'_>) -> Self {
        let both = |stream: &Uuid| (FrameReader::new(*stream), SyncReader::new(*stream));
        Self {
            of: scene.streams.iter().map(both).collect(),
        }
    }

    async fn read(&mut self, database: &TestDatabase, caller: &Session) -> Result<()> {
        for (frames, sync) in &mut self.of {
            frames.read(&database.owner).await?;
            sync.page(caller).await?;
        }
        Ok(())
    }
}

/// Whether a reader holds the log and nothing else, in its order.
fn is_log(held: &[Value], log: &[Value]) -> Result<()> {
    ensure!(numbers(held) == numbers(log), "holds {:?}", numbers(held));
    for (mine, stored) in held.iter().zip(log) {
        for key in [
            "id",
            "user_id",
            "username",
            "content",
            "message_type",
            "created_at",
            "metadata",
        ] {
            ensure!(mine[key] == stored[key], "{mine} instead of {stored}");
        }
    }
    Ok(())
}
