//! Realtime that restarts, or is not there.

use anyhow::Result;
use serde_json::json;

use super::Watched;

#[tokio::test]
async fn a_restart_of_realtime_is_seen_and_passes() -> Result<()> {
    let watched = Watched::start().await?;
    watched.reaches("delivered").await?;
    let restart = json!({"restart_with_loss": {"for_ms": 6000}});
    watched.services.fault(restart).await?;
    watched.reaches("realtime_away").await?;
    watched.reaches("delivered").await
}

#[tokio::test]
async fn a_realtime_that_is_away_is_named() -> Result<()> {
    let mut watched = Watched::start().await?;
    watched.reaches("delivered").await?;
    watched.services.kill_gateway()?;
    watched.reaches("realtime_away").await?;
    watched.is_diagnosed("failure", "cannot be reached").await?;
    Ok(())
}
