//! A viewer whose stream's frames wait, with the real Supabase client: it polls, though no frame has told it to.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::services::Services;
use stream_tests::services::conversation::Conversation;
use stream_tests::stream::send_message;
use uuid::Uuid;

const SCRIPT: &str = "client/tests/e2e/long_window.ts";

/// How often clients are to poll: long before a viewer's first heartbeat is due.
const POLL_MS: u32 = 1_000;

/// A viewer in a process of its own.
struct Viewer<'a> {
    services: &'a Services,
    session: Uuid,
    script: Conversation,
}

impl<'a> Viewer<'a> {
    async fn join(services: &'a Services, session: Uuid, over_the_edge: bool) -> Result<Self> {
        let id = session.to_string();
        let mut arguments = vec!["--supabase-url", &services.supabase_url];
        arguments.extend(["--anon-key", &services.keys.anon_key, "--session-id", &id]);
        if over_the_edge {
            arguments.extend(["--edge-url", &services.edge_url]);
        }
        let environment = &services.database.environment;
        let mut script = Conversation::start(environment, SCRIPT, &arguments, &[])?;
        let joined = script.line().await?;
        if joined.as_deref() != Some("joined") {
            script.report(None).await?;
            bail!("it did not say that it has joined: {joined:?}");
        }
        Ok(Self {
            services,
            session,
            script,
        })
    }

    /// Writes messages that wait for their frame; returns the viewer's report once it holds them all, and has made so many
    /// syncs.
    async fn gets(mut self, contents: &[&str], syncs: u32) -> Result<Value> {
        let database = &self.services.database;
        let sent = database.sent(self.session).await?;
        let seller = database.user(demo::SELLER).await?;
        let mut head = Value::Null;
        for content in contents {
            head = send_message(&seller, self.session, content).await?["seq"].clone();
        }
        let wanted = json!({"head": head, "syncs": syncs}).to_string();
        self.script.answer(&wanted).await?;
        let last = self.script.line().await?;
        let report = self.script.report(last).await?;
        assert_eq!(database.sent(self.session).await?, sent, "{report}");
        let told = report["told"].as_array().context("nothing was told")?;
        let told: Vec<&Value> = told.iter().map(|entry| &entry["content"]).collect();
        for content in contents {
            assert!(told.contains(&&json!(content)), "{report}");
        }
        assert_eq!(report["frames"], 0, "{report}");
        Ok(report)
    }
}

/// Makes the open window of all streams last, as the governor does when the next frames alone would exceed the limit, and
/// has no other planned.
async fn lengthen_windows(database: &TestDatabase) -> Result<()> {
    database.hold_plans().await?;
    // The first mark may be that of a tick which began before; the second one's began after that.
    for _ in 0..2 {
        database.wait_for_tick().await?;
    }
    database
        .change(&format!(
            "update stream.chat_relay
             set flushed_at = clock_timestamp(), window_ms = 86400000, next_window_ms = 86400000, poll_ms = {POLL_MS}"
        ))
        .await
}

#[tokio::test]
async fn who_joins_inside_a_long_window_polls_before_a_frame_or_a_heartbeat_says_so() -> Result<()>
{
    for over_the_edge in [false, true] {
        let services = Services::start_ticking().await?;
        let session = services.database.stream_in(StreamState::Active).await?;
        lengthen_windows(&services.database).await?;
        let viewer = Viewer::join(&services, session, over_the_edge).await?;
        let report = viewer.gets(&["going once", "going twice"], 1).await?;
        assert_eq!(report["heartbeats"], 0, "{report}");
    }
    Ok(())
}

/// A viewer that is behind by a heartbeat syncs once; this one goes on.
#[tokio::test]
async fn a_window_that_grows_between_two_frames_is_told_by_the_next_heartbeat() -> Result<()> {
    let services = Services::start_ticking().await?;
    let session = services.database.stream_in(StreamState::Active).await?;
    let viewer = Viewer::join(&services, session, true).await?;
    lengthen_windows(&services.database).await?;
    let report = viewer.gets(&["going once", "going twice"], 4).await?;
    assert!(report["heartbeats"].as_i64() > Some(0), "{report}");
    Ok(())
}
