//! The sessions and users that the measurements work with.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use stream_tests::database::TestDatabase;
use tokio_postgres::Client;
use uuid::Uuid;

pub const SESSIONS: usize = 100;
pub const USERS: usize = 1000;

/// Connections that work at the same time.
pub const CLIENTS: usize = 8;

/// What the measurements call for a session ($1) and a user ($2), and as whom.
#[derive(Clone, Copy)]
pub struct Work {
    pub role: &'static str,
    pub statement: &'static str,
}

/// The lease alone, by the service.
pub const JOIN: Work = Work {
    role: "postgres",
    statement: "select (stream.add_viewer($1, $2)).agora_uid",
};

/// A hundred live streams and a thousand users who may watch them.
pub struct BenchedStreams<'a> {
    pub database: &'a TestDatabase,
    pub sessions: Arc<Vec<Uuid>>,
    pub users: Arc<Vec<Uuid>>,
}

impl<'a> BenchedStreams<'a> {
    pub async fn create(database: &'a TestDatabase) -> Result<Self> {
        let owner = &database.owner;
        owner
            .batch_execute(&format!(
                "insert into auth.users (id, email)
                 select gen_random_uuid(), 'bench' || i || '@demo.test' from generate_series(1, {USERS}) as i;
                 insert into public.users (id, username)
                 select u.id, split_part(u.email, '@', 1) from auth.users as u where u.email like 'bench%';
                 insert into public.auctions (seller_id, title)
                 select u.id, 'Auction' from public.users as u
                 cross join generate_series(1, {SESSIONS})
                 where u.username = 'seller';"
            ))
            .await?;
        let started = owner
            .query(
                "select (stream.update_stream_state(
                     (stream.start_stream(a.id, a.seller_id)).id, 'active')).id
                 from public.auctions as a where a.title = 'Auction'",
                &[],
            )
            .await?;
        let users = owner
            .query(
                "select u.id from public.users as u where u.username like 'bench%'",
                &[],
            )
            .await?;
        owner.batch_execute("analyze").await?;
        Ok(Self {
            database,
            sessions: Arc::new(started.iter().map(|row| row.get(0)).collect()),
            users: Arc::new(users.iter().map(|row| row.get(0)).collect()),
        })
    }

    /// Calls `work` with every pair of a session and a user, from all clients at once; returns
    /// how long it took until the last was done.
    pub async fn call_for_all(&self, work: Work, pairs: Vec<(Uuid, Uuid)>) -> Result<Duration> {
        self.call_in_rounds(work, pairs, 1, None).await
    }

    /// Goes through the pairs several times in the same order, at most `per_second` calls a second.
    pub async fn call_in_rounds(
        &self,
        work: Work,
        pairs: Vec<(Uuid, Uuid)>,
        rounds: usize,
        per_second: Option<u32>,
    ) -> Result<Duration> {
        let pairs = Arc::new(pairs);
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            let client = self.database.connect("postgres").await?;
            let role = format!("set role {}", work.role);
            client.batch_execute(&role).await?;
            let prepared = client.prepare(work.statement).await?;
            clients.push((client, prepared));
        }
        let begin = Instant::now();
        let due = move |number: usize| {
            let per_second = per_second?;
            Some(begin + Duration::from_secs(number as u64) / per_second)
        };
        let mut tasks = tokio::task::JoinSet::new();
        for (place, (client, prepared)) in clients.into_iter().enumerate() {
            let pairs = Arc::clone(&pairs);
            tasks.spawn(async move {
                for number in (place..pairs.len() * rounds).step_by(CLIENTS) {
                    if let Some(due) = due(number) {
                        tokio::time::sleep_until(due.into()).await;
                    }
                    let (session, user) = &pairs[number % pairs.len()];
                    client.query_one(&prepared, &[session, user]).await?;
                }
                Ok::<Client, tokio_postgres::Error>(client)
            });
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        Ok(begin.elapsed())
    }
}
