//! The calls that are compared: their statements, and how many of them make a round.

use anyhow::Result;
use serde_json::json;
use stream_tests::database::TestDatabase;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

const CONTENT: &str = "Is the blue one still there? I would take two.";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Send,
    Heartbeat,
    Token,
    /// Over a thousand missed messages.
    Sync,
    /// A page of two hundred messages.
    History,
    Join,
    /// With its token, and all that `sync` answers.
    JoinStream,
}

impl Call {
    pub const ALL: [Self; 7] = [
        Self::Send,
        Self::Heartbeat,
        Self::Token,
        Self::Sync,
        Self::History,
        Self::Join,
        Self::JoinStream,
    ];

    /// Of a session ($1), and of a user ($2) where the caller is named.
    fn statement(self) -> &'static str {
        match self {
            Self::Send => "select (stream.send_message($1, $2, $3, $4)).seq",
            Self::Heartbeat => "select (stream.heartbeat($1, user_id => $2)).status",
            Self::Token => "select (stream.generate_buyer_token($2, $1::uuid::text)).token",
            Self::Sync => "select length((stream.sync($1, 1)).messages::text)",
            Self::History => "select count(*) from stream.get_message_history($1, 200)",
            Self::Join => "select (stream.add_viewer($1, $2)).agora_uid",
            Self::JoinStream => "select (stream.join_stream($1)).contract_version",
        }
    }

    /// Calls of one client in a round.
    pub fn in_a_round(self) -> usize {
        match self {
            Self::Send => 400,
            Self::Heartbeat | Self::Token => 600,
            Self::Sync => 16,
            Self::History => 150,
            Self::Join => 250,
            Self::JoinStream => 60,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Send => "send_message, 100 sessions",
            Self::Heartbeat => "heartbeat",
            Self::Token => "generate_buyer_token",
            Self::Sync => "sync over 1,000 missed",
            Self::History => "a page of 200 messages",
            Self::Join => "add_viewer, 100 sessions",
            Self::JoinStream => "join_stream, 100 sessions",
        }
    }
}

/// The connection of one user, as PostgREST sets it up.
pub struct Caller {
    user: Uuid,
    client: Client,
    statements: Vec<Statement>,
}

impl Caller {
    pub async fn connect(database: &TestDatabase, user: Uuid) -> Result<Self> {
        let client = database.connect("authenticator").await?;
        let claims = json!({"sub": user, "role": "authenticated"}).to_string();
        client.batch_execute("set role authenticated").await?;
        client
            .execute(
                "select set_config('request.jwt.claims', $1, false)",
                &[&claims],
            )
            .await?;
        let mut statements = Vec::new();
        for call in Call::ALL {
            statements.push(client.prepare(call.statement()).await?);
        }
        Ok(Self {
            user,
            client,
            statements,
        })
    }

    pub async fn make(&self, call: Call, session: Uuid) -> Result<()> {
        let statement = &self.statements[call as usize];
        match call {
            Call::Send => {
                let id = Uuid::new_v4();
                self.client
                    .query_one(statement, &[&session, &self.user, &CONTENT, &id])
                    .await?
            }
            Call::Heartbeat | Call::Token | Call::Join => {
                self.client
                    .query_one(statement, &[&session, &self.user])
                    .await?
            }
            Call::Sync | Call::History | Call::JoinStream => {
                self.client.query_one(statement, &[&session]).await?
            }
        };
        Ok(())
    }
}
