//! What calls are measured against that the SQL edition adds its rules to: plain inserts of like rows.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use serde_json::json;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use crate::baseline;
use crate::calls::Call;
use crate::like_row::{BASELINE, INSERT};
use crate::side::{CLIENTS, Side, rate};

/// Connections that insert, in the database of the SQL edition.
pub struct Inserts {
    messages: Vec<Arc<baseline::Sender>>,
    tokens: Vec<Arc<(Client, Statement, Uuid)>>,
}

impl Inserts {
    pub async fn create(side: &Side) -> Result<Self> {
        baseline::create(&side.database).await?;
        side.database.change(BASELINE).await?;
        let (mut messages, mut tokens) = (Vec::new(), Vec::new());
        for user in &side.users {
            messages.push(Arc::new(baseline::Sender::connect(&side.database).await?));
            let client = side.database.connect("authenticator").await?;
            client.batch_execute("set role authenticated").await?;
            client
                .execute(
                    "select set_config('request.jwt.claims', $1, false)",
                    &[&json!({"sub": user, "role": "authenticated"}).to_string()],
                )
                .await?;
            let statement = client.prepare(INSERT).await?;
            tokens.push(Arc::new((client, statement, *user)));
        }
        Ok(Self { messages, tokens })
    }

    /// As many as of the call in a round.
    pub async fn per_second(&self, side: &Side, call: Call) -> Result<f64> {
        let begin = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for place in 0..CLIENTS {
            let sessions = Arc::clone(&side.sessions);
            let (message, token) = (
                Arc::clone(&self.messages[place]),
                Arc::clone(&self.tokens[place]),
            );
            let user = side.users[place];
            tasks.spawn(async move {
                for number in 0..call.in_a_round() {
                    let session = sessions[(number * CLIENTS + place) % sessions.len()];
                    if call == Call::Send {
                        let content = "Is the blue one still there? I would take two.";
                        message.send(session, user, content).await?;
                    } else {
                        let (client, statement, user) = &*token;
                        let channel = session.to_string();
                        client.query_one(statement, &[user, &channel]).await?;
                    }
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
