//! The streams, the ticker and the stand-in for Realtime that the measurements work with.

use std::sync::Arc;

use anyhow::Result;
use stream_tests::database::TestDatabase;
use stream_tests::secret;
use stream_tests::services::access_token::{Signer, claims_of};
use stream_tests::services::supabase::Supabase;
use uuid::Uuid;

use crate::population::BenchedStreams;
use crate::ticker::Ticker;

/// Settings of the product for a run of minutes in which apps send no heartbeats; the rate of a sender is checked and
/// never reached.
const CONFIG: &str =
    "update stream.config set host_timeout_s = 300, reconnect_window_s = 1800, lease_s = 600
    where id";

/// What the product does before a message reaches a socket: streams, the ticker, and a Realtime to join.
pub struct World<'a> {
    pub streams: BenchedStreams<'a>,
    pub supabase: Supabase,
    signer: Signer,
    _ticker: Ticker,
}

impl<'a> World<'a> {
    pub async fn create(database: &'a TestDatabase) -> Result<Self> {
        database.change(CONFIG).await?;
        let streams = BenchedStreams::create(database).await?;
        let jwt_secret = secret::random("a JWT secret", 32)?;
        Ok(Self {
            streams,
            supabase: Supabase::start(database, &jwt_secret)?,
            signer: Signer::new(&jwt_secret),
            _ticker: Ticker::start(database).await?,
        })
    }

    pub fn token(&self, user: Uuid) -> String {
        self.signer.sign(&claims_of(user))
    }

    /// Pairs of each of the first sessions with each of the first users.
    pub fn pairs(&self, sessions: usize, users: usize) -> Vec<(Uuid, Uuid)> {
        let users = &self.streams.users[..users];
        let sessions = self.streams.sessions[..sessions].iter();
        sessions
            .flat_map(|&session| users.iter().map(move |&user| (session, user)))
            .collect()
    }

    /// Lets the governor keep to a limit of messages a second; 0 is none.
    pub async fn limit(&self, messages_per_s: u32) -> Result<()> {
        let statement =
            format!("update stream.config set realtime_messages_per_s = {messages_per_s} where id");
        self.streams.database.change(&statement).await
    }

    pub fn sessions(&self) -> Arc<Vec<Uuid>> {
        Arc::clone(&self.streams.sessions)
    }
}
