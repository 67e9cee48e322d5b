//! Reactions in tests: sending them, letting them be broadcast, and reading what was.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio_postgres::Error;
use uuid::Uuid;

use crate::database::TestDatabase;
use crate::session::Session;

/// Reacts once.
pub async fn react(caller: &Session, session: Uuid, kind: &str) -> Result<Value, Error> {
    let arguments = json!({"session_id": session, "kind": kind});
    caller.rpc("send_reaction", arguments).await
}

/// Reacts once in the open transaction.
pub async fn react_within(caller: &Session, session: Uuid, kind: &str) -> Result<Value, Error> {
    let arguments = json!({"session_id": session, "kind": kind});
    caller.rpc_within("send_reaction", arguments).await
}

/// The answer to a reaction that counts.
pub fn accepted() -> Value {
    json!({"accepted": true, "retry_after_ms": null})
}

impl TestDatabase {
    /// Lets everybody react as often as a test likes.
    pub async fn let_react_often(&self) -> Result<()> {
        self.change(
            "update stream.config set reaction_interval_ms = 1, reaction_burst = 1000 where id",
        )
        .await
    }

    /// One round of the regular work, as if the windows of all streams were over.
    pub async fn tick_after_windows(&self) -> Result<()> {
        self.change("update stream.reaction_totals set sent_at = sent_at - interval '2 minutes'")
            .await?;
        self.tick().await
    }

    /// What was broadcast about the reactions to a stream, oldest first: `[kind, total, added]` of each kind.
    pub async fn reactions_sent(&self, session: Uuid) -> Result<Vec<Value>> {
        let sent = self.broadcasts(&format!("viewers:{session}")).await?;
        let sent = sent.iter().filter(|sent| sent.event == "reactions");
        sent.map(|sent| {
            let kinds = sent.payload["reactions"].as_array().context("no totals")?;
            let kinds = kinds
                .iter()
                .map(|kind| json!([kind["kind"], kind["total"], kind["added"]]));
            Ok(kinds.collect())
        })
        .collect()
    }

    /// How many reactions of each kind were broadcast as totals, once what was added is compared with them.
    pub async fn totals_sent(&self, session: Uuid) -> Result<BTreeMap<String, i64>> {
        let mut totals = BTreeMap::new();
        for sent in self.reactions_sent(session).await? {
            let kinds: Vec<(String, i64, i64)> = serde_json::from_value(sent)?;
            anyhow::ensure!(!kinds.is_empty(), "a broadcast of nothing");
            for (kind, total, added) in kinds {
                let before = totals.insert(kind.clone(), total).unwrap_or(0);
                anyhow::ensure!(
                    before + added == total,
                    "{kind}: {before} and {added} are not {total}"
                );
            }
        }
        Ok(totals)
    }

    /// The rows that the reactions to a stream have in any table.
    pub async fn reaction_rows(&self, session: Uuid) -> Result<BTreeMap<String, i64>> {
        let rows: Value = self
            .value(&format!(
                "select jsonb_build_object(
                     'counts', (select count(*) from stream.reaction_counts where session_id = '{session}'),
                     'totals', (select count(*) from stream.reaction_totals where session_id = '{session}'),
                     'rates', (select count(*) from stream.reaction_rates where session_id = '{session}'))"
            ))
            .await?;
        Ok(serde_json::from_value(rows)?)
    }

    /// Fails while anything is kept about the reactions to a stream.
    pub async fn keeps_no_reactions(&self, session: Uuid) -> Result<()> {
        let rows = self.reaction_rows(session).await?;
        anyhow::ensure!(rows.values().all(|count| *count == 0), "kept: {rows:?}");
        Ok(())
    }
}
