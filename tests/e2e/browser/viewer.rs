//! The stream viewer over the real client: one seller and two buyers, and every trouble that a browser can have.

use anyhow::Result;
use stream_tests::services::Services;

use super::script::{passed, play};

#[tokio::test]
async fn whatever_happens_to_a_video_it_plays_or_its_phase_says_why_not() -> Result<()> {
    let services = Services::start_ticking().await?;
    let report = play(&services, "viewer.ts", &[]).await?;
    assert!(passed(&report) >= 17, "{report:#}");
    Ok(())
}
