//! The regular work in tests: letting it happen, and reading its results.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use uuid::Uuid;

use crate::database::TestDatabase;
use crate::demo;
use crate::waiting::wait_until;

/// The rules in the order in which they are reported.
pub const RULES: [&str; 16] = [
    "initializing_timeout",
    "host_lost",
    "reconnect_timeout",
    "paused_timeout",
    "max_duration",
    "late_events",
    "viewer_leases",
    "expiring_tokens",
    "tokens",
    "restrictions",
    "ended_resources",
    "retention",
    "webhook_events",
    "webhook_cursors",
    "requests",
    "start_rates",
];

/// What one sweep did.
#[derive(Debug)]
pub struct Swept(pub Vec<Value>);

impl Swept {
    /// The rows that each rule handled, without the rules that found none.
    pub fn handled(&self) -> BTreeMap<&str, i64> {
        self.0
            .iter()
            .filter_map(|rule| Some((rule["rule"].as_str()?, rule["rows"].as_i64()?)))
            .filter(|(_, rows)| *rows > 0)
            .collect()
    }

    /// Those without announcements of tokens, for a model whose time goes in steps: one is due in the midst of a step.
    pub fn handled_but_announced(&self) -> BTreeMap<&str, i64> {
        let mut handled = self.handled();
        handled.remove("expiring_tokens");
        handled
    }

    /// The answer about one rule.
    pub fn rule(&self, name: &str) -> Result<&Value> {
        let found = self.0.iter().find(|rule| rule["rule"] == name);
        found.with_context(|| format!("no rule {name}"))
    }
}

impl TestDatabase {
    /// One round of counting and sweeping, as if a second had passed since the last.
    pub async fn tick(&self) -> Result<()> {
        self.change(
            "update stream.ticker
             set swept_at = least(swept_at, now()) - interval '1 second'",
        )
        .await?;
        self.service().await?.rpc("tick", json!({})).await?;
        Ok(())
    }

    /// Returns once a ticker has marked a tick after this call.
    pub async fn wait_for_tick(&self) -> Result<()> {
        let before: String = self.value("select clock_timestamp()::text").await?;
        let ticked = format!("select ticked_at > '{before}' from stream.ticker");
        wait_until(&self.owner, &ticked).await
    }

    /// A live stream with entries that wait to be sent, a lease that is over and viewers who are not counted. Returns a query
    /// that is true once a ticker has done it all.
    pub async fn leave_regular_work(&self) -> Result<String> {
        // Longer than the minute in which pg_cron begins.
        self.change("update stream.config set lease_s = 600 where id")
            .await?;
        let id = self.stream_in(StreamState::Active).await?;
        self.viewer(id, demo::ADA).await?;
        self.viewer(id, demo::BEN).await?;
        self.change(&format!(
            "update stream.stream_viewers set last_seen_at = now() - interval '1 hour', lease_check_at = now()
             where session_id = '{id}' and user_id = '{}'",
            demo::BEN
        ))
        .await?;
        self.leave_unflushed(id, 3).await?;
        let is_done = format!(
            "select s.viewer_count = 1 and r.flushed_seq = h.last_seq
                 and not (select v.is_active from stream.stream_viewers as v where v.session_id = s.id and v.user_id = '{}')
             from stream.stream_sessions as s
             join stream.chat_heads as h on h.session_id = s.id
             join stream.chat_relay as r on r.session_id = s.id
             where s.id = '{id}'",
            demo::BEN
        );
        let is_done_already: bool = self.value(&is_done).await?;
        ensure!(!is_done_already, "the work is done before anybody ticks");
        Ok(is_done)
    }

    pub async fn sweep(&self) -> Result<Swept> {
        let service = self.service().await?;
        Ok(Swept(service.rpc_rows("sweep", json!({})).await?))
    }

    /// The row of a viewer, as JSON.
    pub async fn viewer_row(&self, session: Uuid, user: Uuid) -> Result<Value> {
        self.value(&format!(
            "select to_jsonb(v) from stream.stream_viewers as v
             where v.session_id = '{session}' and v.user_id = '{user}'"
        ))
        .await
    }

    /// The counts that were broadcast about a session, oldest first.
    pub async fn counts_sent(&self, session: Uuid) -> Result<Vec<i64>> {
        let sent = self.broadcasts(&format!("viewers:{session}")).await?;
        let counts = sent.iter().filter(|sent| sent.event == "viewer_count");
        let counts = counts.map(|sent| {
            let count = sent.payload["viewer_count"].as_i64();
            count.context("a broadcast without a count")
        });
        counts.collect()
    }
}
