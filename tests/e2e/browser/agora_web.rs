//! The engine over Agora's own SDK, without a network.

use anyhow::Result;
use stream_tests::services::Services;

use super::script::{passed, play};

#[tokio::test]
async fn agoras_sdk_shows_a_preview_and_ends_every_join_that_cannot_settle() -> Result<()> {
    let services = Services::start().await?;
    let report = play(&services, "agora_web.ts", &[]).await?;
    assert!(passed(&report) >= 7, "{report:#}");
    Ok(())
}
