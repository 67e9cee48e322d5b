//! Load on two streams: everybody calls without a pause, and what they are told is kept.

mod work;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use edge_api::upstream::sql::SqlUpstream;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Error};
use uuid::Uuid;

use crate::database::TestDatabase;
use crate::demo;
use crate::direct_calls::{ask, plain_settings};
use crate::session::Session;
use crate::waiting::wait_for;

use work::Work;

/// What one of them was told.
#[derive(Default)]
pub struct Told {
    /// Messages that were acknowledged: their stream, id and number.
    pub sent: Vec<(Uuid, Uuid, i64)>,
    /// Refusals that nobody should get.
    pub faults: Vec<String>,
    /// Refusals after which a client calls again.
    pub refusals: Vec<String>,
}

/// Everybody at work, until it is ended.
pub struct Load {
    pub streams: [Uuid; 2],
    ends: Arc<AtomicBool>,
    longest_us: Arc<AtomicU64>,
    /// How many calls of each succeeded.
    done: Vec<Arc<AtomicU64>>,
    tasks: Vec<JoinHandle<Result<Told>>>,
}

/// Calls of everybody that succeed before a move, between two and after the last.
pub const SUCCESSES: u64 = 5;

/// What calls that meet a move may be told: a lock that was not free in time, or a circle of waits.
const RETRIED: [ErrorCode; 2] = [ErrorCode::LockTimeout, ErrorCode::Deadlock];

/// Lets bids reach the log, as an application does.
const BIDS: &str = "
create table public.bids (auction_id uuid, amount numeric);
create constraint trigger publish after insert on public.bids
deferrable initially deferred for each row
execute function stream.auction_update_trigger('auction_id', 'amount')";

impl Load {
    pub async fn start(database: &TestDatabase) -> Result<Self> {
        database.change(BIDS).await?;
        database
            .change("update stream.config set token_rate_per_minute = 1000000 where id")
            .await?;
        let streams = [
            database.stream_in(StreamState::Active).await?,
            database.stream_in(StreamState::Active).await?,
        ];
        for (stream, user) in [
            (streams[0], demo::ADA),
            (streams[0], demo::BEN),
            (streams[1], demo::CLEO),
        ] {
            database.viewer(stream, user).await?;
        }
        let mut load = Self {
            streams,
            ends: Arc::default(),
            longest_us: Arc::default(),
            done: Vec::new(),
            tasks: Vec::new(),
        };
        for work in Work::ALL {
            let session = match work.user() {
                Some(user) => database.user(user).await?,
                None => database.service().await?,
            };
            let owner = database.connect("postgres").await?;
            if work == Work::Loop {
                // The loop of pg_cron, in rounds that end with the load.
                owner.batch_execute("set statement_timeout = '2s'").await?;
            }
            let caller = Caller {
                work,
                stream: streams[work.place()],
                longest_us: Arc::clone(&load.longest_us),
                session,
                owner,
                edge: match work {
                    Work::SendThroughEdge => Some(edge(database)?),
                    _ => None,
                },
            };
            let (ends, done) = (Arc::clone(&load.ends), Arc::<AtomicU64>::default());
            load.done.push(Arc::clone(&done));
            load.tasks
                .push(tokio::spawn(async move { caller.work(&ends, &done).await }));
        }
        Ok(load)
    }

    /// Returns once some calls of everybody have succeeded from now on.
    pub async fn goes_on(&self) -> Result<()> {
        let counts = || self.done.iter().map(|done| done.load(Ordering::Relaxed));
        let before: Vec<u64> = counts().collect();
        wait_for("calls of everybody", async || {
            let is_ahead = counts()
                .zip(&before)
                .all(|(now, before)| now >= before + SUCCESSES);
            // One of them that has ended calls no more, and says why below.
            let has_ended = self.tasks.iter().any(JoinHandle::is_finished);
            Ok((is_ahead || has_ended).then_some(()))
        })
        .await
    }

    /// The longest call since this was asked before, but for the loop of pg_cron.
    pub fn take_longest(&self) -> Duration {
        Duration::from_micros(self.longest_us.swap(0, Ordering::Relaxed))
    }

    /// Ends the load; what everybody was told.
    pub async fn end(self) -> Result<Told> {
        self.ends.store(true, Ordering::Relaxed);
        let mut all = Told::default();
        for task in self.tasks {
            let told = task.await??;
            all.sent.extend(told.sent);
            all.faults.extend(told.faults);
            all.refusals.extend(told.refusals);
        }
        Ok(all)
    }
}

fn edge(database: &TestDatabase) -> Result<SqlUpstream> {
    let cluster = &database.environment.cluster;
    let settings = plain_settings(&cluster.url("authenticator", database.name())?, 1)?;
    Ok(SqlUpstream::new(settings)?)
}

struct Caller {
    work: Work,
    stream: Uuid,
    session: Session,
    owner: Client,
    edge: Option<SqlUpstream>,
    longest_us: Arc<AtomicU64>,
}

impl Caller {
    #[expect(
        clippy::disallowed_methods,
        reason = "a benchmark prints it; no test judges it"
    )]
    async fn work(self, ends: &AtomicBool, done: &AtomicU64) -> Result<Told> {
        let mut told = Told::default();
        while !ends.load(Ordering::Relaxed) {
            let begun = Instant::now();
            let succeeded = match self.work {
                Work::SendThroughEdge => self.send_through_edge(&mut told).await?,
                _ => match self.call(&mut told, done.load(Ordering::Relaxed)).await {
                    Ok(()) => true,
                    Err(error) => {
                        note(&mut told, self.work, &error)?;
                        false
                    }
                },
            };
            if self.work != Work::Loop {
                let took_us = u64::try_from(begun.elapsed().as_micros())?;
                self.longest_us.fetch_max(took_us, Ordering::Relaxed);
            }
            done.fetch_add(u64::from(succeeded), Ordering::Relaxed);
        }
        Ok(told)
    }

    async fn call(&self, told: &mut Told, done: u64) -> Result<(), Error> {
        let stream = self.stream;
        if let Some((operation, arguments)) = self.work.request(stream, done) {
            return self.session.rpc(operation, arguments).await.map(|_| ());
        }
        match self.work {
            Work::Bid => {
                let bid = format!(
                    "insert into public.bids
                     select s.auction_id, 5 from stream.stream_sessions as s where s.id = '{stream}'"
                );
                self.owner.batch_execute(&bid).await
            }
            Work::Loop => {
                let block = "select stream_private.tick_loop()";
                let block: String = self.owner.query_one(block, &[]).await?.get(0);
                self.owner.batch_execute(&block).await
            }
            _ => {
                let id = Uuid::new_v4();
                let arguments = json!({"session_id": stream, "content": "under load", "id": id});
                let sent = self.session.rpc("send_message", arguments).await?;
                told.sent
                    .push((stream, id, sent["seq"].as_i64().unwrap_or(0)));
                Ok(())
            }
        }
    }

    /// Whether it was sent.
    async fn send_through_edge(&self, told: &mut Told) -> Result<bool> {
        let edge = self.edge.as_ref().context("has an edge")?;
        let id = Uuid::new_v4();
        let arguments = json!({
            "session_id": self.stream, "user_id": demo::BEN, "content": "by the edge", "id": id,
        });
        match ask(edge, demo::BEN, "send_message", &arguments)?.await {
            Ok(answer) => {
                let sent: Value = serde_json::from_str(answer.get())?;
                let number = sent["seq"].as_i64().context("has a number")?;
                told.sent.push((self.stream, id, number));
                Ok(true)
            }
            Err(error) => {
                told.faults.push(format!("by the edge: {error:?}"));
                Ok(false)
            }
        }
    }
}

fn note(told: &mut Told, work: Work, error: &Error) -> Result<()> {
    let error = error
        .as_db_error()
        .with_context(|| format!("{work:?} lost its connection: {error}"))?;
    let detail: Value =
        serde_json::from_str(error.detail().unwrap_or_default()).unwrap_or_default();
    // What the detail says counts for nothing without the catalogue.
    let code = detail["code"].as_str().and_then(ErrorCode::parse);
    match code {
        Some(code) if RETRIED.contains(&code) && detail["recoverable"] == true => {
            told.refusals.push(format!("{work:?}: {}", code.as_str()));
        }
        _ => told.faults.push(format!("{work:?}: {error:?}")),
    }
    Ok(())
}
