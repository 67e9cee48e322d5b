//! Agora's notice that a host has joined.

use anyhow::Result;
use stream_core::lifecycle::StreamState;

use super::Heartbeats::{Fresh, Never};
use super::{HOST_TIMEOUT, HostNotices, WINDOW, pair};

#[tokio::test]
async fn a_host_who_joins_a_live_stream_is_seen() -> Result<()> {
    let world = HostNotices::enter().await?;
    let id = world.stream(StreamState::Active, Fresh).await?;
    world.database.pass_time(id, HOST_TIMEOUT - 5).await?;
    assert_eq!(world.joins(id, 1).await?, "host_present");
    world.database.pass_time(id, HOST_TIMEOUT - 5).await?;
    assert!(world.database.sweep().await?.handled().is_empty());
    world.database.pass_time(id, 5).await?;
    assert_eq!(world.database.sweep().await?.handled()["host_lost"], 1);

    // Being seen does not oblige to heartbeats.
    let id = world.stream(StreamState::Active, Never).await?;
    assert_eq!(world.joins(id, 1).await?, "host_present");
    world.database.pass_time(id, 10 * HOST_TIMEOUT).await?;
    assert!(world.database.sweep().await?.handled().is_empty());
    Ok(())
}

#[tokio::test]
async fn being_seen_in_the_channel_is_no_heartbeat() -> Result<()> {
    let world = HostNotices::enter().await?;
    let id = world.stream(StreamState::Active, Fresh).await?;
    world.database.pass_time(id, HOST_TIMEOUT - 5).await?;
    world.joins(id, 1).await?;
    world.database.pass_time(id, 10).await?;
    assert_eq!(world.leaves(id, 2, 10).await?, "host_lost");
    Ok(())
}

#[tokio::test]
async fn a_host_who_joins_again_within_the_window_goes_on() -> Result<()> {
    let world = HostNotices::enter().await?;
    for heartbeats in [Fresh, Never] {
        let id = world.stream(StreamState::Active, heartbeats).await?;
        if heartbeats == Fresh {
            world.database.pass_time(id, HOST_TIMEOUT).await?;
            world.database.sweep().await?;
        } else {
            world.leaves(id, 1, 10).await?;
        }
        world.database.pass_time(id, WINDOW - 5).await?;
        assert_eq!(world.joins(id, 2).await?, "host_returned");
        assert_eq!(world.state(id).await?, pair("active", "host_returned"));
        // Heartbeats are due again after the usual time, where they ever came.
        world.database.pass_time(id, HOST_TIMEOUT).await?;
        let swept = world.database.sweep().await?;
        let lost = swept.handled().get("host_lost").copied();
        assert_eq!(lost, (heartbeats == Fresh).then_some(1));
    }
    Ok(())
}

#[tokio::test]
async fn after_the_deadline_no_join_brings_a_stream_back() -> Result<()> {
    let world = HostNotices::enter().await?;
    let id = world.stream(StreamState::Active, Never).await?;
    world.leaves(id, 1, 1).await?;
    world.database.pass_time(id, WINDOW).await?;
    assert_eq!(world.joins(id, 2).await?, "noted");
    assert_eq!(world.state(id).await?, pair("error", "host_lost"));
    let swept = world.database.sweep().await?;
    assert_eq!(swept.handled()["reconnect_timeout"], 1);
    Ok(())
}
