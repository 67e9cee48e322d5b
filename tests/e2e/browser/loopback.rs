//! One seller and two buyers with the loopback engine, in three contexts of one browser.

use anyhow::Result;
use stream_tests::services::Services;

use super::script::{passed, play};

#[tokio::test]
async fn one_seller_and_two_buyers_see_real_frames_through_every_trouble() -> Result<()> {
    let services = Services::start().await?;
    let report = play(&services, "loopback.ts", &[]).await?;
    assert!(passed(&report) >= 24, "{report:#}");
    Ok(())
}
