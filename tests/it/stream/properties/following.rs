//! What does a client hold that is sometimes away and then follows `sync`, page by page?

use anyhow::{Context, Result, ensure};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use stream_tests::database::TestDatabase;
use stream_tests::session::Session;
use stream_tests::stream::{numbers, say};
use uuid::Uuid;

#[derive(Debug, Clone)]
pub enum Step {
    /// The log grows while the client is away, at times by more than one page of `sync`.
    Grow(i64),
    /// One message through the function.
    Say(String),
    /// The client asks for one page, and perhaps is interrupted before the next.
    Page,
    /// The client catches up.
    CatchUp,
    /// A restore: numbers of before count no more.
    NewEpoch,
    /// The app was closed; nothing is held.
    Forget,
}

pub fn sequences() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..80_i64).prop_map(Step::Grow),
        1 => (990..2200_i64).prop_map(Step::Grow),
        3 => "[a-z]{1,8}".prop_map(Step::Say),
        3 => Just(Step::Page),
        2 => Just(Step::CatchUp),
        1 => Just(Step::NewEpoch),
        1 => Just(Step::Forget),
    ];
    vec(step, 1..8)
}

/// The messages of a client, and where it stands.
#[derive(Default)]
struct Follower {
    messages: Vec<Value>,
    epoch: Option<String>,
}

pub async fn play(database: &TestDatabase, seller: &Session, steps: &[Step]) -> Result<()> {
    let session = database.start_stream().await?;
    let mut follower = Follower::default();
    for (number, step) in steps.iter().enumerate() {
        match step {
            Step::Grow(count) => database.append_messages(session, *count, 3).await?,
            Step::Say(content) => {
                say(seller, session, content).await?;
            }
            Step::Page => {
                follower.page(seller, session).await?;
            }
            Step::CatchUp => follower.catch_up(seller, session).await?,
            Step::NewEpoch => {
                let salt = Uuid::new_v4();
                database
                    .change(&format!(
                        "update stream.config set epoch_salt = '{salt}' where id"
                    ))
                    .await?;
            }
            Step::Forget => follower = Follower::default(),
        }
        let held = numbers(&follower.messages);
        ensure!(
            held.is_sorted_by(|a, b| *b == a + 1),
            "a hole after step {number}: {held:?}"
        );
    }
    follower.catch_up(seller, session).await?;

    let log = database.log(session).await?;
    let held = follower.messages.len();
    ensure!(held >= log.len().min(50), "only {held} of {}", log.len());
    for (mine, stored) in follower.messages.iter().zip(&log[log.len() - held..]) {
        for key in ["id", "seq", "content", "created_at"] {
            ensure!(mine[key] == stored[key], "{mine} instead of {stored}");
        }
    }
    Ok(())
}

impl Follower {
    async fn catch_up(&mut self, seller: &Session, session: Uuid) -> Result<()> {
        while self.page(seller, session).await? {}
        Ok(())
    }

    /// Asks for what it misses; true when there is more.
    async fn page(&mut self, seller: &Session, session: Uuid) -> Result<bool> {
        let last = self.messages.last().map(|message| message["seq"].clone());
        let arguments = json!({"session_id": session, "after_seq": last, "epoch": self.epoch});
        let answer = seller.rpc("sync", arguments).await?;
        if answer["recovered"] == false {
            self.messages.clear();
        }
        let page = answer["messages"].as_array().context("no messages")?;
        self.messages.extend(page.iter().cloned());
        self.epoch = answer["epoch"].as_str().map(str::to_owned);
        Ok(answer["has_more"] == true)
    }
}
