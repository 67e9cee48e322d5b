//! The canary of edge_api tells where the way through Realtime is cut.

mod away;
mod steadiness;

use anyhow::{Context, Result};
use hyper::Method;
use serde_json::json;
use stream_tests::secret;
use stream_tests::services::Services;
use stream_tests::services::request::Request;
use stream_tests::waiting::wait_for;

const EMAIL: &str = "canary@example.com";

/// Services whose regular work goes on, and a copy of the edge that watches as a user of its own.
struct Watched {
    services: Services,
    user: String,
    password: String,
    edge_url: String,
}

impl Watched {
    async fn start() -> Result<Self> {
        Self::start_with(&[]).await
    }

    /// With a gateway that has these settings too.
    async fn start_with(variables: &[(&str, &str)]) -> Result<Self> {
        let mut services = Services::start_ticking_with(variables).await?;
        let (user, password) = sign_up(&services).await?;
        let edge_url = start_watcher(&mut services, "edge_api_watching", &password)?;
        Ok(Self {
            services,
            user,
            password,
            edge_url,
        })
    }

    /// Returns once the watching copy shows this state, and no other.
    async fn reaches(&self, state: &str) -> Result<()> {
        wait_for(format!("state {state}"), async || {
            let states = states(&self.services, &self.edge_url).await?;
            Ok((states == [state]).then_some(()))
        })
        .await
    }

    /// Returns once the check of doctor() has this status and says this.
    async fn is_diagnosed(&self, status: &str, words: &str) -> Result<()> {
        wait_for(format!("{status}: {words}"), async || {
            let (is, detail) = self.services.database.check("canary").await?;
            Ok((is == status && detail.contains(words)).then_some(()))
        })
        .await
    }

    async fn superuser(&self, statements: &str) -> Result<()> {
        let superuser = self.services.database.superuser().await?;
        Ok(superuser.batch_execute(statements).await?)
    }
}

fn start_watcher(services: &mut Services, name: &str, password: &str) -> Result<String> {
    let (url, key) = (
        services.supabase_url.clone(),
        services.keys.anon_key.clone(),
    );
    services.start_edge_with(
        name,
        &[
            ("CANARY_URL", &url),
            ("CANARY_EMAIL", EMAIL),
            ("CANARY_PASSWORD", password),
            ("SUPABASE_ANON_KEY", &key),
        ],
    )
}

/// Signs the user up to whom canaries are sent; returns their password too.
async fn sign_up(services: &Services) -> Result<(String, String)> {
    let password = secret::random("the canary's password", 16)?;
    let signed_up = Request::new(Method::POST, "/auth/v1/signup")
        .header("apikey", &services.keys.anon_key)
        .json(&json!({"email": EMAIL, "password": password}))
        .send(&services.supabase_url)
        .await?
        .ok()?;
    let user = signed_up["user"]["id"].as_str().context("no user")?;
    services
        .database
        .change(&format!(
            "update stream.config set canary_user_id = '{user}'"
        ))
        .await?;
    Ok((user.to_owned(), password))
}

/// The metrics of a copy.
async fn metrics(services: &Services, edge_url: &str) -> Result<String> {
    let request = Request::new(Method::GET, "/metrics").bearer(&services.keys.service_role_key);
    let answer = request.send(edge_url).await?;
    Ok(String::from_utf8(answer.body.to_vec())?)
}

/// The states that a copy shows as its own.
async fn states(services: &Services, edge_url: &str) -> Result<Vec<String>> {
    let text = metrics(services, edge_url).await?;
    let shown = text.lines().filter_map(|line| {
        let rest = line.strip_prefix("edge_canary_state{state=\"")?;
        rest.strip_suffix("\"} 1").map(str::to_owned)
    });
    Ok(shown.collect())
}

/// Feature: streaming-realtime-fixes, Property 8: For any realtime connection attempt, Supabase_Realtime should authenticate
/// users, subscribe to relevant channels and deliver updates. The edge is such a subscriber.
#[tokio::test]
async fn what_is_sent_is_delivered_and_without_credentials_nothing_is_known() -> Result<()> {
    let watched = Watched::start().await?;
    watched.reaches("delivered").await?;
    watched
        .is_diagnosed("ok", "the last that came back")
        .await?;
    let text = metrics(&watched.services, &watched.edge_url).await?;
    let value = |name: &str| -> Option<f64> {
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value?.parse().ok()
    };
    assert!(value("edge_canaries_received_total") >= Some(1.0), "{text}");
    let received_at = value("edge_canary_last_received_timestamp_seconds");
    assert!(received_at > value("process_start_time_seconds"), "{text}");
    // In the same second, or a moment later.
    assert!(value("edge_canary_lag_seconds") >= Some(0.0), "{text}");

    let other = &watched.services.copy_urls[0];
    assert_eq!(states(&watched.services, other).await?, ["unknown"]);
    Ok(())
}

#[tokio::test]
async fn a_database_that_sends_none_is_told_from_one_whose_rows_are_dropped() -> Result<()> {
    let watched = Watched::start().await?;
    watched.reaches("delivered").await?;
    let database = &watched.services.database;
    let services = &watched.services;
    services.fault(json!({"no_partition": true})).await?;
    // As if half a minute had passed.
    database
        .change("update stream.canary set sent_at = sent_at - interval '30 seconds'")
        .await?;
    watched.reaches("not_sent").await?;
    watched
        .is_diagnosed("failure", "none was sent since")
        .await?;
    services.heal().await?;
    watched.reaches("delivered").await?;

    // Realtime reads the database, and delivers nothing of what it is sent.
    let topic = format!("canary:{}", watched.user);
    services
        .fault(json!({"drop_rows": {"topic": topic}}))
        .await?;
    watched.reaches("dropped").await?;
    watched.is_diagnosed("failure", "it drops rows").await?;
    // The four checks of Realtime's parts see nothing of it.
    for check in [
        "realtime_partition",
        "realtime_publication",
        "realtime_replication",
        "realtime_policies",
    ] {
        let (status, detail) = database.check(check).await?;
        assert_eq!(status, "ok", "{check}: {detail}");
    }
    services.heal().await?;
    watched.reaches("delivered").await
}

/// Over the limit Realtime drops rows and tells nobody.
#[tokio::test]
async fn rows_over_the_limit_of_the_project_are_seen_as_dropped() -> Result<()> {
    let mut watched = Watched::start().await?;
    let database = &mut watched.services.database;
    database.keep_broadcasts_uncompared("rows of its own");
    watched.reaches("delivered").await?;
    let services = &watched.services;
    let quota = json!({"quota": {"events_per_second": 1, "bucket_ms": 500}});
    services.fault(quota).await?;
    let others = "select realtime.send('{}', 'noise', 'noise') from generate_series(1, 20)";
    wait_for("state dropped", async || {
        watched.superuser(others).await?;
        let states = states(services, &watched.edge_url).await?;
        Ok((states == ["dropped"]).then_some(()))
    })
    .await?;
    let counts = services.gateway_counts().await?;
    assert!(counts["rows_over_limit"].as_u64() > Some(0), "{counts}");
    services.heal().await?;
    watched.reaches("delivered").await
}

/// What Realtime says before it closes a channel tells its rate from its rights, and the channel is joined again.
#[tokio::test]
async fn a_channel_that_is_closed_says_why_and_is_joined_again() -> Result<()> {
    let watched = Watched::start().await?;
    watched.reaches("delivered").await?;
    for (message, words) in [
        ("Too many messages per second", "it drops rows"),
        (
            "Token has expired 1 seconds ago",
            "may not join its channel",
        ),
        ("Server requested disconnect", "cannot be reached"),
    ] {
        let end = json!({"end_channels": {"message": message}});
        watched.services.fault(end).await?;
        watched.is_diagnosed("failure", words).await?;
        watched.reaches("delivered").await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_slot_that_is_gone_is_named_and_what_was_sent_meanwhile_lost() -> Result<()> {
    let watched = Watched::start().await?;
    watched.reaches("delivered").await?;
    let cut = json!({"cut_slot": {"for_ms": 25_000}});
    watched.services.fault(cut).await?;
    wait_for("the stream breaks", async || {
        let counts = watched.services.gateway_counts().await?;
        Ok((counts["is_streaming"] == false).then_some(()))
    })
    .await?;
    // The next one is due at once.
    let due = "update stream.canary set sent_at = sent_at - interval '10 seconds'";
    watched.services.database.change(due).await?;
    watched.reaches("not_followed").await?;
    watched
        .is_diagnosed("failure", "its replication slot is gone")
        .await?;
    watched.reaches("delivered").await
}

#[tokio::test]
async fn a_publication_that_is_gone_is_named() -> Result<()> {
    let watched = Watched::start().await?;
    watched.reaches("delivered").await?;
    watched
        .superuser("drop publication supabase_realtime_messages_publication")
        .await?;
    watched.reaches("not_followed").await?;
    watched
        .is_diagnosed("failure", "its publication or its replication slot")
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_wrong_password_and_a_missing_policy_are_broken_authorisation() -> Result<()> {
    let mut watched = Watched::start().await?;
    watched.reaches("delivered").await?;
    let wrong = secret::random("a wrong password", 16)?;
    let stranger = start_watcher(&mut watched.services, "edge_api_stranger", &wrong)?;
    watched.edge_url = stranger;
    watched.reaches("unauthorised").await?;

    // Whoever joins from here on is refused.
    watched
        .superuser("drop policy stream_topics_read on realtime.messages")
        .await?;
    let newcomer = start_watcher(
        &mut watched.services,
        "edge_api_newcomer",
        &watched.password,
    )?;
    watched.edge_url = newcomer;
    watched.reaches("unauthorised").await?;
    watched
        .is_diagnosed("failure", "may not join its channel")
        .await?;
    Ok(())
}
