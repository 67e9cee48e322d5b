//! A stream whose host's heartbeats and Agora's notices agree or disagree: each row of the table in
//! docs/webhooks.md.

mod joins;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::agora::seller_token;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::session::Session;
use stream_tests::stream::move_to;
use stream_tests::webhook::*;
use uuid::Uuid;

const HOST: i64 = 1;

/// Defaults of `stream.config`, in seconds.
const HOST_TIMEOUT: i64 = 20;
const WINDOW: i64 = 60;
const RECONNECTING: [i64; 5] = [2, 4, 9, 10, 99];
const DELIBERATE: [i64; 2] = [1, 3];
const TOKEN: i64 = 12;
const OTHER: [i64; 2] = [0, 77];

/// The other witness.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Heartbeats {
    Fresh,
    Never,
}

use Heartbeats::{Fresh, Never};

struct HostNotices {
    database: TestDatabase,
    seller: Session,
    service: Session,
}

impl HostNotices {
    async fn enter() -> Result<Self> {
        let database = TestDatabase::create().await?;
        Ok(Self {
            seller: database.user(demo::SELLER).await?,
            service: database.service().await?,
            database,
        })
    }

    async fn stream(&self, state: StreamState, heartbeats: Heartbeats) -> Result<Uuid> {
        let id = self.database.stream_in(state).await?;
        if heartbeats == Fresh {
            send_heartbeat(&self.seller, id).await?;
        }
        Ok(id)
    }

    /// State and reason.
    async fn state(&self, session: Uuid) -> Result<(String, String)> {
        let row = self.database.session_row(session).await?;
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        Ok((text("state"), text("state_reason")))
    }

    async fn leaves(&self, session: Uuid, number: i64, reason: i64) -> Result<String> {
        let told = left(BROADCASTER_LEFT, session, HOST, number, reason);
        Ok(send_notice(&self.service, &told).await?.1)
    }

    async fn joins(&self, session: Uuid, number: i64) -> Result<String> {
        let told = of_user(BROADCASTER_JOINED, session, HOST, number);
        Ok(send_notice(&self.service, &told).await?.1)
    }
}

fn pair(state: &str, reason: &str) -> (String, String) {
    (state.to_owned(), reason.to_owned())
}

#[tokio::test]
async fn an_interrupted_host_whose_heartbeats_come_is_waited_for() -> Result<()> {
    let world = HostNotices::enter().await?;
    for reason in RECONNECTING.into_iter().chain(OTHER) {
        let id = world.stream(StreamState::Active, Fresh).await?;
        assert_eq!(world.leaves(id, 1, reason).await?, "waiting_for_heartbeat");
        assert_eq!(world.state(id).await?, pair("active", ""), "{reason}");
        // The notice neither shortens nor lengthens the wait.
        world.database.pass_time(id, HOST_TIMEOUT - 5).await?;
        assert!(world.database.sweep().await?.handled().is_empty());
        world.database.pass_time(id, 5).await?;
        assert_eq!(world.database.sweep().await?.handled()["host_lost"], 1);
        world.database.pass_time(id, WINDOW).await?;
        // One ends the stream, the next checks it.
        world.database.sweep().await?;
        world.database.sweep().await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_interrupted_host_without_heartbeats_is_lost_at_once() -> Result<()> {
    let world = HostNotices::enter().await?;
    for reason in RECONNECTING.into_iter().chain(OTHER) {
        let id = world.stream(StreamState::Active, Never).await?;
        assert_eq!(world.leaves(id, 1, reason).await?, "host_lost");
        assert_eq!(world.state(id).await?, pair("error", "host_lost"));
    }
    let id = world.stream(StreamState::Active, Fresh).await?;
    world.database.pass_time(id, HOST_TIMEOUT).await?;
    assert_eq!(world.leaves(id, 1, 10).await?, "host_lost");
    assert_eq!(world.state(id).await?, pair("error", "host_lost"));
    Ok(())
}

#[tokio::test]
async fn a_host_who_leaves_on_purpose_or_is_thrown_out_is_lost_at_once_and_has_the_window_to_return()
-> Result<()> {
    let world = HostNotices::enter().await?;
    for heartbeats in [Fresh, Never] {
        for reason in DELIBERATE {
            let id = world.stream(StreamState::Active, heartbeats).await?;
            assert_eq!(world.leaves(id, 1, reason).await?, "host_lost");
            let row = world.database.session_row(id).await?;
            assert_eq!(row["state"], "error");
            assert_eq!(row["state_before_error"], "active");
            let told = world.database.state_events(id).await?.pop();
            let told = told.context("nobody was told")?;
            assert_eq!(told["reason"], "host_lost");
            assert_eq!(told["reconnect_deadline"], row["reconnect_deadline"]);
            assert!(row["reconnect_deadline"].is_string());

            world.database.pass_time(id, WINDOW).await?;
            let swept = world.database.sweep().await?;
            assert_eq!(swept.handled()["reconnect_timeout"], 1);
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_host_who_only_watches_or_leaves_as_audience_is_lost() -> Result<()> {
    let world = HostNotices::enter().await?;
    for event_type in [BECAME_AUDIENCE, AUDIENCE_JOINED, AUDIENCE_LEFT, 108] {
        let id = world.stream(StreamState::Active, Never).await?;
        let told = of_user(event_type, id, HOST, 1);
        let answer = send_notice(&world.service, &told).await?;
        assert_eq!(answer, outcome("applied", "host_lost"), "{event_type}");
        for (number, event_type) in (2..).zip([BECAME_BROADCASTER, 107]) {
            let told = of_user(event_type, id, HOST, number);
            send_notice(&world.service, &told).await?;
            assert_eq!(world.state(id).await?, pair("active", "host_returned"));
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_host_whose_token_failed_is_lost_for_that_reason() -> Result<()> {
    let world = HostNotices::enter().await?;
    for heartbeats in [Fresh, Never] {
        let id = world.stream(StreamState::Active, heartbeats).await?;
        assert_eq!(world.leaves(id, 1, TOKEN).await?, "host_token");
        assert_eq!(world.state(id).await?, pair("error", "host_token"));
        let told = world.database.state_events(id).await?.pop();
        assert_eq!(told.context("nobody was told")?["reason"], "host_token");
        assert_eq!(world.joins(id, 2).await?, "host_returned");
        assert_eq!(world.state(id).await?, pair("active", "host_returned"));
    }
    Ok(())
}

#[tokio::test]
async fn heartbeats_bring_a_host_back_whose_token_failed_once_there_is_another_token() -> Result<()>
{
    let world = HostNotices::enter().await?;
    let id = world.stream(StreamState::Active, Fresh).await?;
    seller_token(&world.seller, id).await?;
    world.database.pass_time(id, 3).await?;
    world.leaves(id, 1, TOKEN).await?;
    // The app lives, but what it holds is the token that failed.
    assert_eq!(send_heartbeat(&world.seller, id).await?["state"], "error");
    seller_token(&world.seller, id).await?;
    assert_eq!(send_heartbeat(&world.seller, id).await?["state"], "active");
    assert_eq!(world.state(id).await?, pair("active", "host_returned"));
    Ok(())
}

#[tokio::test]
async fn after_any_other_loss_a_heartbeat_brings_the_host_back() -> Result<()> {
    let world = HostNotices::enter().await?;
    for reason in DELIBERATE.into_iter().chain(RECONNECTING) {
        let id = world.stream(StreamState::Active, Never).await?;
        world.leaves(id, 1, reason).await?;
        let answer = send_heartbeat(&world.seller, id).await?;
        assert_eq!(answer["state"], "active", "{reason}");
        assert_eq!(answer["reconnect_deadline"], Value::Null);
    }
    Ok(())
}

#[tokio::test]
async fn a_flapping_host_is_noted_and_moves_nothing() -> Result<()> {
    let world = HostNotices::enter().await?;
    for heartbeats in [Fresh, Never] {
        let id = world.stream(StreamState::Active, heartbeats).await?;
        let before = world.database.session_row(id).await?;
        assert_eq!(world.leaves(id, 1, 999).await?, "flapping");
        assert_eq!(world.database.session_row(id).await?, before);
    }
    Ok(())
}

#[tokio::test]
async fn a_lost_stream_learns_a_better_reason_without_a_new_window_or_event() -> Result<()> {
    let world = HostNotices::enter().await?;
    let id = world.stream(StreamState::Active, Never).await?;
    world.leaves(id, 1, 10).await?;
    let before = world.database.session_row(id).await?;
    let events = world.database.state_events(id).await?.len();
    for (number, reason, expected) in [(2, TOKEN, "host_token"), (3, 1, "host_lost")] {
        assert_eq!(world.leaves(id, number, reason).await?, expected);
        assert_eq!(world.state(id).await?, pair("error", expected));
    }
    assert_eq!(world.leaves(id, 4, 1).await?, "noted");
    assert_eq!(world.database.session_row(id).await?, before);
    assert_eq!(world.database.state_events(id).await?.len(), events);
    Ok(())
}

/// Whoever leaves a second time had been back between.
#[tokio::test]
async fn an_interruption_after_a_leave_brings_back_a_host_whose_heartbeats_come() -> Result<()> {
    let world = HostNotices::enter().await?;
    let id = world.stream(StreamState::Active, Fresh).await?;
    assert_eq!(world.leaves(id, 1, 1).await?, "host_lost");
    assert_eq!(world.leaves(id, 3, 10).await?, "host_returned");
    assert_eq!(world.joins(id, 2).await?, "");
    assert_eq!(world.state(id).await?, pair("active", "host_returned"));
    Ok(())
}

#[tokio::test]
async fn before_it_is_live_and_while_it_is_paused_a_stream_is_not_moved() -> Result<()> {
    let world = HostNotices::enter().await?;
    for state in [StreamState::Initializing, StreamState::Paused] {
        for heartbeats in [Fresh, Never] {
            let id = world.stream(state, heartbeats).await?;
            let before = world.database.session_row(id).await?;
            for (number, reason) in (1..).zip([1, 10, TOKEN]) {
                assert_eq!(world.leaves(id, 2 * number, reason).await?, "noted");
                assert_eq!(world.joins(id, 2 * number + 1).await?, "noted");
            }
            assert_eq!(world.database.session_row(id).await?, before);
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_stream_that_was_lost_before_it_was_live_waits_for_its_heartbeats() -> Result<()> {
    let world = HostNotices::enter().await?;
    let id = world.stream(StreamState::Initializing, Fresh).await?;
    world.database.pass_time(id, HOST_TIMEOUT).await?;
    world.database.sweep().await?;
    assert_eq!(world.joins(id, 1).await?, "noted");
    assert_eq!(world.state(id).await?, pair("error", "host_lost"));
    assert_eq!(
        send_heartbeat(&world.seller, id).await?["state"],
        "initializing"
    );
    Ok(())
}

#[tokio::test]
async fn an_error_that_was_set_by_hand_is_not_touched() -> Result<()> {
    let world = HostNotices::enter().await?;
    let id = world.stream(StreamState::Active, Never).await?;
    move_to(&world.seller, id, StreamState::Error).await?;
    let before = world.database.session_row(id).await?;
    assert_eq!(world.joins(id, 1).await?, "noted");
    assert_eq!(world.leaves(id, 2, 1).await?, "noted");
    assert_eq!(world.database.session_row(id).await?, before);
    Ok(())
}

#[tokio::test]
async fn a_host_who_ends_the_stream_and_leaves_has_ended_it() -> Result<()> {
    let world = HostNotices::enter().await?;
    let id = world.stream(StreamState::Active, Fresh).await?;
    let ended = world
        .seller
        .rpc("end_stream", json!({"session_id": id}))
        .await?;
    assert_eq!(ended["state"], "ended");
    assert_eq!(world.leaves(id, 1, 1).await?, "ended");
    assert_eq!(world.state(id).await?, pair("ended", ""));
    Ok(())
}
