//! Users who are deleted while they write, join and send heartbeats: no call runs into a deadlock (40P01),
//! which callers would retry for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::session::Session;
use tokio_postgres::Error;
use uuid::Uuid;

const SENDERS: usize = 8;
const DELETIONS: usize = 24;
/// Users who are there at a time; all senders write for all of them.
const USERS: usize = 4;

/// Whom the senders write for: whoever is deleted is replaced.
type Users = Arc<std::sync::Mutex<Vec<Uuid>>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_users_while_eight_senders_write_for_them_never_deadlocks() -> Result<()> {
    let database = TestDatabase::create().await?;
    database.find_deadlocks_soon().await?;
    let mut sessions = Vec::new();
    for _ in 0..2 {
        sessions.push(database.stream_in(StreamState::Active).await?);
    }
    let mut first = Vec::new();
    for number in 0..USERS {
        first.push(joined(&database, &sessions, number).await?);
    }
    let users: Users = Arc::new(std::sync::Mutex::new(first));
    let is_over = Arc::new(AtomicBool::new(false));
    let stored = Arc::new(AtomicUsize::new(0));
    let mut senders = Vec::new();
    for number in 0..SENDERS {
        let sender = RacingSender {
            service: database.service().await?,
            sessions: sessions.clone(),
            users: Arc::clone(&users),
            is_over: Arc::clone(&is_over),
            stored: Arc::clone(&stored),
        };
        senders.push(tokio::spawn(sender.write(number)));
    }
    let deleted = delete_users(&database, &sessions, &users).await;
    is_over.store(true, Ordering::Relaxed);
    for sender in senders {
        sender.await??;
    }
    deleted?;
    let deadlocks: i64 = database
        .value("select deadlocks from pg_stat_database where datname = current_database()")
        .await?;
    ensure!(deadlocks == 0, "{deadlocks} deadlocks");
    let logged: i64 = database
        .value("select count(*) from stream.chat_messages where message_type = 'user_message'")
        .await?;
    assert_eq!(usize::try_from(logged)?, stored.load(Ordering::Relaxed));
    // Else the deletions met nobody.
    ensure!(logged > 0, "nobody wrote anything");
    Ok(())
}

async fn joined(database: &TestDatabase, sessions: &[Uuid], number: usize) -> Result<Uuid> {
    let user = database.add_user(&format!("user{number}")).await?;
    for session in sessions {
        database.viewer(*session, user).await?;
    }
    Ok(user)
}

/// One after the other, and every third time two at once.
async fn delete_users(database: &TestDatabase, sessions: &[Uuid], users: &Users) -> Result<()> {
    let owner = database.connect("postgres").await?;
    for round in 0..DELETIONS {
        let count = if round % 3 == 0 { 2 } else { 1 };
        let mut fresh = Vec::new();
        for place in 0..count {
            fresh.push(joined(database, sessions, USERS + 2 * round + place).await?);
        }
        let gone: Vec<Uuid> = {
            let users = users.lock().ok().context("a sender panicked")?;
            users[..count].to_vec()
        };
        let deleted = owner
            .execute("delete from auth.users where id = any($1)", &[&gone])
            .await
            .context("a deletion failed")?;
        ensure!(deleted == count as u64, "{deleted} users deleted");
        let mut users = users.lock().ok().context("a sender panicked")?;
        users.drain(..count);
        users.extend(fresh);
    }
    Ok(())
}

struct RacingSender {
    service: Session,
    sessions: Vec<Uuid>,
    users: Users,
    is_over: Arc<AtomicBool>,
    stored: Arc<AtomicUsize>,
}

impl RacingSender {
    async fn write(self, number: usize) -> Result<()> {
        for turn in number.. {
            if self.is_over.load(Ordering::Relaxed) {
                break;
            }
            let users = self.users.lock().ok().context("a sender panicked")?.clone();
            self.call(turn, &users).await?;
        }
        Ok(())
    }

    async fn call(&self, turn: usize, users: &[Uuid]) -> Result<()> {
        // Mostly those who are deleted next.
        let user = users[turn % 3 % users.len()];
        let session = self.sessions[turn % self.sessions.len()];
        let items: Vec<Value> = users
            .iter()
            .flat_map(|user| self.sessions.iter().map(move |session| (user, session)))
            .map(|(user, session)| item(*session, *user))
            .rev()
            .collect();
        let (function, arguments) = match turn % 8 {
            0..=2 => ("send_message", item(session, user)),
            3 => ("send_messages", json!({"items": items})),
            4 => (
                "add_viewer",
                json!({"session_id": session, "buyer_id": user}),
            ),
            5 => ("heartbeat", json!({"session_id": session, "user_id": user})),
            6 => ("heartbeats", json!({"items": items})),
            _ => (
                "generate_buyer_token",
                json!({"channel_id": session, "buyer_id": user}),
            ),
        };
        let outcome = self.service.rpc_rows(function, arguments).await;
        let answers = match outcome {
            Ok(answers) => answers,
            Err(error) => return check_refusal(&error).with_context(|| function.to_owned()),
        };
        let stored = match function {
            "send_message" => 1,
            "send_messages" => answers.iter().filter(|each| each["status"] == "ok").count(),
            _ => 0,
        };
        self.stored.fetch_add(stored, Ordering::Relaxed);
        Ok(())
    }
}

fn item(session: Uuid, user: Uuid) -> Value {
    json!({"session_id": session, "user_id": user, "content": "hi", "id": Uuid::new_v4()})
}

/// Refusals are the product's own.
fn check_refusal(error: &Error) -> Result<()> {
    let refusal = error.as_db_error().context("the connection broke")?;
    let state = refusal.code().code();
    ensure!(
        state.starts_with("PT4"),
        "{state} {} {:?}",
        refusal.message(),
        refusal.detail()
    );
    Ok(())
}
