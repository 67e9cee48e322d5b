//! One verdict for one fault, however often the canary's channel is closed and joined again meanwhile.

use std::cell::RefCell;

use anyhow::{Context, Result};
use serde_json::json;
use stream_tests::waiting::wait_for;

use super::{Watched, metrics, states};

/// How many canaries have come.
async fn received(watched: &Watched) -> Result<f64> {
    let text = metrics(&watched.services, &watched.edge_url).await?;
    let mut lines = text.lines();
    let count = lines.find_map(|line| line.strip_prefix("edge_canaries_received_total "));
    Ok(count.context("none is counted")?.parse()?)
}

/// Realtime lets everybody join, and closes the channel when its replication was not established in time, again and again.
#[tokio::test]
async fn a_slot_that_stays_away_is_named_without_a_pause_until_it_is_back() -> Result<()> {
    let watched = Watched::start_with(&[("REPLICATION_READY_TIMEOUT_MS", "2000")]).await?;
    watched.reaches("delivered").await?;
    let cut = json!({"cut_slot": {"for_ms": 25_000}});
    watched.services.fault(cut).await?;
    let end = json!({"end_channels": {"message": "Server requested disconnect"}});
    watched.services.fault(end).await?;
    watched.reaches("not_followed").await?;
    let before = received(&watched).await?;
    let seen = RefCell::new(Vec::new());
    wait_for("a canary that comes again", async || {
        let shown = states(&watched.services, &watched.edge_url).await?;
        let is_back = shown == ["delivered"] && received(&watched).await? > before;
        seen.borrow_mut().extend(shown);
        Ok(is_back.then_some(()))
    })
    .await?;
    let mut seen = seen.into_inner();
    seen.dedup();
    // Between the two nothing can be said: no canary has come since Realtime reads the database.
    seen.retain(|state| state != "unknown");
    assert_eq!(seen, ["not_followed", "delivered"]);
    Ok(())
}
