//! The stage of the property: a database with its worker, the services over it, and clients in one process of Node.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use stream_tests::own_cluster::OwnCluster;
use stream_tests::services::Services;
use stream_tests::services::script::Dialogue;
use stream_tests::session::Session;
use stream_tests::stream::{numbers, send_message};
use stream_tests::ticking::database_with_worker;
use stream_tests::waiting::{wait_for, wait_until};
use tokio::sync::Mutex;
use uuid::Uuid;
use xtask::workspace;

use super::faults::{Everywhere, Here};

/// Of each stream, and their users.
pub const CLIENTS: usize = USERS.len();
const USERS: [Uuid; 2] = [demo::ADA, demo::BEN];

pub struct Stage {
    seller: Session,
    buyers: [Session; CLIENTS],
    services: Mutex<Services>,
    // Behind the database, which is dropped in it.
    _own: OwnCluster,
}

/// The clients of streams that are played together.
pub struct Followed {
    streams: Vec<Uuid>,
    clients: Dialogue,
}

/// What a client showed and noticed.
#[derive(Debug, Deserialize)]
pub struct Seen {
    pub shown: Vec<i64>,
    pub syncs: u64,
    pub faults: u64,
    pub interruptions: u64,
    pub gaps: u64,
    #[expect(dead_code, reason = "for the message of a failure")]
    failures: u64,
    #[expect(dead_code, reason = "for the message of a failure")]
    troubles: Vec<String>,
}

impl Stage {
    pub async fn set_up(name: &str) -> Result<Self> {
        let (own, database) = database_with_worker(name).await?;
        let [ada, ben] = USERS;
        let buyers = [database.user(ada).await?, database.user(ben).await?];
        Ok(Self {
            seller: database.user(demo::SELLER).await?,
            buyers,
            services: Mutex::new(Services::start_on(database)?),
            _own: own,
        })
    }

    /// Sets the limit of messages that is planned with from now on; none: there is no limit.
    pub async fn set_limit(&self, limit_per_s: Option<u32>) -> Result<()> {
        let limit_per_s = limit_per_s.unwrap_or_default();
        let services = self.services.lock().await;
        let database = &services.database;
        database
            .change(&format!(
                "update stream.config set realtime_messages_per_s = {limit_per_s} where id"
            ))
            .await?;
        let is_planned = format!(
            "select coalesce((select g.limit_per_s from stream.governor as g), 0) = {limit_per_s}"
        );
        wait_until(&database.owner, &is_planned).await
    }

    /// Opens streams and lets the clients of each follow its chat.
    pub async fn begin(&self, count: usize) -> Result<Followed> {
        let services = self.services.lock().await;
        let mut streams = Vec::new();
        for _ in 0..count {
            let stream = services.database.stream_in(StreamState::Active).await?;
            for buyer in &self.buyers {
                let arguments = json!({"session_id": stream});
                buyer.rpc("add_viewer", arguments).await?;
            }
            streams.push(stream);
        }
        let tokens = USERS.map(|user| services.token_of(user));
        let followers: Vec<Value> = streams
            .iter()
            .flat_map(|stream| {
                let follower = move |token| json!({"sessionId": stream, "accessToken": token});
                tokens.iter().map(follower)
            })
            .collect();
        let argument = json!({
            "supabaseUrl": services.supabase_url,
            "anonKey": services.keys.anon_key,
            "document": workspace::root().join("docs/realtime.md"),
            "followers": followers,
        });
        let environment = &services.database.environment;
        let mut clients = Dialogue::start(environment, "tests/js/converge.mjs", &argument)?;
        clients.ask(&json!({"do": "ready"})).await?;
        Ok(Followed { streams, clients })
    }

    pub async fn strike_here(&self, stream: Uuid, fault: Here) -> Result<()> {
        if let Some(fault) = fault.on(&format!("chat:{stream}")) {
            self.services.lock().await.fault(fault).await?;
        }
        Ok(())
    }

    /// Begins a fault, lets something happen, and ends it.
    pub async fn strike_everywhere(
        &self,
        fault: Everywhere,
        meanwhile: impl AsyncFnOnce(&Self) -> Result<()>,
    ) -> Result<()> {
        let struck = async {
            fault.begin(&mut *self.services.lock().await).await?;
            meanwhile(self).await?;
            fault.end(&mut *self.services.lock().await).await
        };
        struck.await.with_context(|| format!("{fault:?}"))
    }

    /// Sets a limit for which the streams are too busy, and keeps them so until a frame of each has said how often to poll.
    pub async fn press(&self, followed: &Followed) -> Result<()> {
        let services = self.services.lock().await;
        let database = &services.database;
        let limit = "update stream.config set realtime_messages_per_s = 4 where id";
        database.change(limit).await?;
        // Until it is planned with, frames would use it up, and the next ones wait without a word.
        let is_planned = "select bool_and(r.auction_window_ms > 0) from stream.chat_relay as r";
        wait_until(&database.owner, is_planned).await?;
        wait_for("every stream says how often to poll", async || {
            for stream in followed.streams() {
                self.write(stream, 1).await?;
            }
            let told: i64 = database
                .value(
                    "select count(distinct m.topic) from realtime.messages as m
                     where m.event = 'messages' and m.payload ->> 'poll_ms' is not null",
                )
                .await?;
            Ok((told == i64::try_from(followed.streams.len())?).then_some(()))
        })
        .await
    }

    /// Of all streams.
    pub async fn longest_window_ms(&self) -> Result<i32> {
        let services = self.services.lock().await;
        let longest =
            "select max(greatest(r.window_ms, r.next_window_ms)) from stream.chat_relay as r";
        services.database.value(longest).await
    }

    pub async fn end_faults(&self) -> Result<()> {
        self.services.lock().await.heal().await.map(drop)
    }

    pub async fn write(&self, stream: Uuid, messages: u8) -> Result<()> {
        for number in 0..messages {
            send_message(&self.seller, stream, &number.to_string()).await?;
        }
        Ok(())
    }

    /// Waits until frames carry everything that was written.
    pub async fn sent(&self) -> Result<()> {
        let services = self.services.lock().await;
        let are_sent = "select bool_and(r.flushed_seq = h.last_seq) from stream.chat_relay as r
            join stream.chat_heads as h on h.session_id = r.session_id";
        wait_until(&services.database.owner, are_sent).await
    }

    /// The numbers in the table, by stream.
    pub async fn logged(&self, followed: &Followed) -> Result<Vec<Vec<i64>>> {
        let services = self.services.lock().await;
        let mut logs = Vec::new();
        for stream in &followed.streams {
            logs.push(numbers(&services.database.log(*stream).await?));
        }
        Ok(logs)
    }
}

impl Followed {
    pub fn streams(&self) -> impl Iterator<Item = Uuid> {
        self.streams.iter().copied()
    }

    /// Waits until every client has reported so many troubles.
    pub async fn troubled(&mut self, times: u32) -> Result<()> {
        let command = json!({"do": "troubled", "times": times});
        self.clients.ask(&command).await.map(drop)
    }

    /// The clients that do not show the last number of their stream within 10 s.
    pub async fn wait(&mut self, logs: &[Vec<i64>]) -> Result<BTreeSet<usize>> {
        let heads = self.streams.iter().zip(logs);
        let heads: serde_json::Map<String, Value> = heads
            .map(|(stream, log)| (stream.to_string(), json!(log.last())))
            .collect();
        let command = json!({"do": "until", "heads": heads});
        let answer = self.clients.ask(&command).await?;
        Ok(serde_json::from_value(answer["late"].clone())?)
    }

    /// Ends the clients and returns what each saw.
    pub async fn report(mut self) -> Result<Vec<Seen>> {
        let answer = self.clients.ask(&json!({"do": "report"})).await?;
        Ok(serde_json::from_value(answer)?)
    }
}
