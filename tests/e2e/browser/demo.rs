//! The demo app in Chromium: a seller and two buyers play a whole auction. What is found wrong, by axe too, fails the test.

use anyhow::{Context, Result};
use stream_tests::services::Services;
use xtask::workspace;

use super::script;

#[tokio::test]
async fn seller_in_a_tab_behind_is_seen_moving() -> Result<()> {
    let services = Services::start_ticking_with(&[("DEMO_DIRECTORY", &files()?)]).await?;
    let report = script::play(&services, "demo/tabs.ts", &[]).await?;
    assert!(report["measured"]["camera"].is_number(), "{report:#}");
    Ok(())
}

#[tokio::test]
async fn whole_auction_is_played_and_every_screen_is_in_order() -> Result<()> {
    let services = Services::start_ticking_with(&[("DEMO_DIRECTORY", &files()?)]).await?;
    let arguments = ["--service-key", &services.keys.service_role_key];
    let report = script::play(&services, "demo/auction.ts", &arguments).await?;
    let sent = report["measured"]["messages"].as_i64();
    assert!(sent >= Some(100), "{report:#}");

    let database = &services.database;
    let bids: i64 = database
        .value("select count(*) from public.auction_bids")
        .await?;
    assert_eq!(bids, 3);
    let told: i64 = database
        .value("select count(*) from stream.chat_messages where message_type = 'auction_update'")
        .await?;
    assert_eq!(told, bids);
    Ok(())
}

fn files() -> Result<String> {
    let files = workspace::root().join("client/demo/dist");
    Ok(files.to_str().context("is UTF-8")?.to_owned())
}
