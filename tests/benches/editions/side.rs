//! One edition: its database, a hundred streams, one of them with a long log, and the users who call.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use stream_tests::database::TestDatabase;
use uuid::Uuid;
use xtask::edition::Edition;

use crate::calls::{Call, Caller};

const SESSIONS: usize = 100;

/// Users, each with a connection of its own.
pub const CLIENTS: usize = 8;

/// More than a call of `sync` answers.
const LONG_LOG: i64 = 1_001;

/// The limits are high enough to be checked and never reached.
const LIMITS: &str = "update stream.config set token_rate_per_minute = 1000000 where id; analyze";

pub struct Side {
    pub database: TestDatabase,
    pub users: Vec<Uuid>,
    pub sessions: Arc<Vec<Uuid>>,
    long: Uuid,
    callers: Vec<Arc<Caller>>,
}

impl Side {
    pub async fn create(edition: Edition) -> Result<Self> {
        let database = TestDatabase::of_edition(edition).await?;
        let mut users = Vec::new();
        for number in 0..CLIENTS {
            users.push(database.add_user(&format!("bench{number}")).await?);
        }
        let mut sessions = Vec::new();
        for _ in 0..=SESSIONS {
            let session = database.start_stream().await?;
            for user in &users {
                database
                    .owner
                    .execute("select stream.add_viewer($1, $2)", &[&session, user])
                    .await?;
            }
            sessions.push(session);
        }
        let long = sessions.remove(0);
        database.append_messages(long, LONG_LOG, 60).await?;
        database.change(LIMITS).await?;
        let mut callers = Vec::new();
        for user in &users {
            callers.push(Arc::new(Caller::connect(&database, *user).await?));
        }
        Ok(Self {
            database,
            users,
            sessions: Arc::new(sessions),
            long,
            callers,
        })
    }

    /// Every client goes through the sessions, each beginning at another one.
    pub async fn per_second(&self, call: Call) -> Result<f64> {
        let sessions = match call {
            Call::Sync | Call::History => Arc::new(vec![self.long]),
            _ => Arc::clone(&self.sessions),
        };
        let begin = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for (place, caller) in self.callers.iter().enumerate() {
            let (caller, sessions) = (Arc::clone(caller), Arc::clone(&sessions));
            tasks.spawn(async move {
                for number in 0..call.in_a_round() {
                    let session = sessions[(number * CLIENTS + place) % sessions.len()];
                    caller.make(call, session).await?;
                }
                Ok::<_, anyhow::Error>(())
            });
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        Ok(rate(CLIENTS * call.in_a_round(), begin))
    }
}

pub fn rate(calls: usize, begin: Instant) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let calls = calls as f64;
    calls / begin.elapsed().as_secs_f64()
}
