//! A stream under the governor, whose viewers a test pretends, and the plans that are made for it.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use tokio_postgres::types::FromSqlOwned;
use uuid::Uuid;

use crate::database::TestDatabase;
use crate::demo;
use crate::session::Session;

pub struct Governed {
    pub database: TestDatabase,
    pub session: Uuid,
    /// The only viewer who is one.
    pub ada: Session,
}

impl Governed {
    /// A live stream with so many viewers, in a database with this limit of messages a second.
    pub async fn start(limit_per_s: i32, viewers: i32) -> Result<Self> {
        let database = TestDatabase::create().await?;
        let session = database.stream_in(StreamState::Active).await?;
        let ada = database.viewer(session, demo::ADA).await?;
        database.tick().await?;
        let governed = Self {
            database,
            session,
            ada,
        };
        governed
            .change(&format!(
                "update stream.config set realtime_messages_per_s = {limit_per_s} where id"
            ))
            .await?;
        // New settings let the next tick count all viewers.
        governed.database.tick().await?;
        governed.set_viewers(viewers).await?;
        // What the beginning of the stream cost is counted and forgotten.
        governed.plan().await?;
        governed
            .change("delete from stream.realtime_spending")
            .await?;
        Ok(governed)
    }

    /// A live stream whose windows are the longest, since so much was spent. They stay so until the next call of `plan`.
    pub async fn pressed() -> Result<Self> {
        let governed = Self::start(100, 4_000).await?;
        governed.spend(6_000, 0).await?;
        governed.end_window().await?;
        governed.plan().await?;
        governed.database.hold_plans().await?;
        Ok(governed)
    }

    /// Pretends a number of viewers until somebody joins or leaves.
    pub async fn set_viewers(&self, viewers: i32) -> Result<()> {
        self.change(&format!(
            "update stream.stream_sessions
             set viewer_count = {viewers}, peak_viewer_count = greatest(peak_viewer_count, {viewers})"
        ))
        .await
    }

    /// Lets a tick make a plan, a second after the last one.
    pub async fn plan(&self) -> Result<()> {
        self.change(
            "delete from stream.troubles where rule = 'governor';
             update stream.governor set planned_at = least(planned_at, clock_timestamp() - interval '1 second')
             where planned_at > '-infinity';
             update stream.governor set planned_at = clock_timestamp() - interval '5 seconds'
             where limit_per_s = 0 and planned_at > '-infinity'",
        )
        .await?;
        self.database.tick().await
    }

    /// One tick without a plan.
    pub async fn tick(&self) -> Result<()> {
        let service = self.database.service().await?;
        service.rpc("tick", json!({})).await?;
        Ok(())
    }

    /// The last frame is so old that its window has passed.
    pub async fn end_window(&self) -> Result<()> {
        self.change(
            "update stream.chat_relay set flushed_at = clock_timestamp() - interval '61 seconds'",
        )
        .await
    }

    /// Pretends that so many messages were spent lately, of which some never wait.
    pub async fn spend(&self, messages: i64, urgent: i64) -> Result<()> {
        self.change(&format!(
            "insert into stream.realtime_spending (at, others, urgent)
             values (clock_timestamp(), {messages}, {urgent})"
        ))
        .await
    }

    /// The open window, the next one, how often clients may poll, and the window of viewer counts.
    pub async fn windows(&self) -> Result<Value> {
        self.value(&format!(
            "select jsonb_build_array(window_ms, next_window_ms, poll_ms, viewers_window_ms)
             from stream.chat_relay where session_id = '{}'",
            self.session
        ))
        .await
    }

    /// How long after the last frame an auction update waits.
    pub async fn auction_window(&self) -> Result<i32> {
        self.value("select auction_window_ms from stream.chat_relay")
            .await
    }

    pub async fn last_frame(&self) -> Result<Value> {
        let frames = self.database.frames(self.session).await?;
        Ok(frames.last().cloned().unwrap_or_default())
    }

    pub async fn value<T: FromSqlOwned>(&self, query: &str) -> Result<T> {
        self.database.value(query).await
    }

    pub async fn change(&self, statements: &str) -> Result<()> {
        self.database.change(statements).await
    }
}

impl TestDatabase {
    /// Has no plan made for five minutes, as after failures. A tick that is under way may still make one.
    pub async fn hold_plans(&self) -> Result<()> {
        self.change(
            "insert into stream.troubles (rule, sqlstate, since, attempts, next_attempt_at)
             values ('governor', '57014', now(), 1, now() + interval '5 minutes')",
        )
        .await
    }
}
