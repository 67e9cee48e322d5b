//! A client that is sometimes away and then follows `sync`, page by page.

use anyhow::{Context, Result, ensure};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use stream_tests::stateful::Model;
use stream_tests::stream::{numbers, send_message};
use uuid::Uuid;

#[derive(Debug, Clone)]
pub enum ClientStep {
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
    Restart,
}

fn sequences() -> impl Strategy<Value = Vec<ClientStep>> {
    let step = prop_oneof![
        4 => (1..80_i64).prop_map(ClientStep::Grow),
        1 => (990..2200_i64).prop_map(ClientStep::Grow),
        3 => "[a-z]{1,8}".prop_map(ClientStep::Say),
        3 => Just(ClientStep::Page),
        2 => Just(ClientStep::CatchUp),
        1 => Just(ClientStep::NewEpoch),
        1 => Just(ClientStep::Restart),
    ];
    vec(step, 1..8)
}

/// The messages of a client, and where it stands.
#[derive(Default)]
pub struct Follower {
    messages: Vec<Value>,
    epoch: Option<String>,
}

/// A client of the seller.
pub struct Following {
    database: TestDatabase,
    seller: Session,
}

/// One stream, and what the client holds of it.
pub struct FollowedStream {
    session: Uuid,
    follower: Follower,
}

impl Model for Following {
    type Operation = ClientStep;
    type State = FollowedStream;

    fn operations() -> impl Strategy<Value = Vec<ClientStep>> {
        sequences()
    }

    async fn enter() -> Result<Self> {
        let database = TestDatabase::create().await?;
        let seller = database.user(demo::SELLER).await?;
        Ok(Self { database, seller })
    }

    async fn begin(&self) -> Result<FollowedStream> {
        Ok(FollowedStream {
            session: self.database.start_stream().await?,
            follower: Follower::default(),
        })
    }

    async fn step(&self, state: &mut FollowedStream, step: &ClientStep) -> Result<()> {
        let (session, follower) = (state.session, &mut state.follower);
        match step {
            ClientStep::Grow(count) => self.database.append_messages(session, *count, 3).await?,
            ClientStep::Say(content) => {
                send_message(&self.seller, session, content).await?;
            }
            ClientStep::Page => {
                follower.page(&self.seller, session).await?;
            }
            ClientStep::CatchUp => follower.catch_up(&self.seller, session).await?,
            ClientStep::NewEpoch => {
                let salt = Uuid::new_v4();
                self.database
                    .change(&format!(
                        "update stream.config set epoch_salt = '{salt}' where id"
                    ))
                    .await?;
            }
            ClientStep::Restart => *follower = Follower::default(),
        }
        let held = numbers(&follower.messages);
        ensure!(held.is_sorted_by(|a, b| *b == a + 1), "a hole: {held:?}");
        Ok(())
    }

    async fn compare(&self, mut state: FollowedStream) -> Result<()> {
        let follower = &mut state.follower;
        follower.catch_up(&self.seller, state.session).await?;
        let log = self.database.log(state.session).await?;
        let held = follower.messages.len();
        ensure!(held >= log.len().min(50), "only {held} of {}", log.len());
        for (mine, stored) in follower.messages.iter().zip(&log[log.len() - held..]) {
            for key in ["id", "seq", "content", "created_at"] {
                ensure!(mine[key] == stored[key], "{mine} instead of {stored}");
            }
        }
        Ok(())
    }
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
