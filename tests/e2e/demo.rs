//! The main job from end to end with the real Supabase client. `client/scripted_demo` plays and judges; here its verdict
//! is compared with what the database holds, and made to turn out badly.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_tests::services::Services;
use stream_tests::services::script::{self, Finished};
use stream_tests::stream::numbers;
use uuid::Uuid;

const CAST: [&str; 4] = ["seller", "ada", "ben", "cleo"];

/// Plays the demo, through the edge too when `with_edge`.
async fn play(services: &Services, with_edge: bool, app_id: &str) -> Result<Finished> {
    // With the rate limits of a new installation, as whoever tries it has them.
    services
        .database
        .change(
            "update stream.config
             set chat_interval_ms = default, chat_burst = default,
                 host_chat_interval_ms = default, host_chat_burst = default
             where id",
        )
        .await?;
    let mut arguments = vec![
        "--json",
        "--supabase-url",
        &services.supabase_url,
        "--anon-key",
        &services.keys.anon_key,
        "--app-id",
        app_id,
    ];
    if with_edge {
        arguments.extend(["--edge-url", &services.edge_url]);
    }
    let environment = &services.database.environment;
    script::run(environment, "client/scripted_demo/demo.mjs", &arguments).await
}

/// Fails unless the play passed in its own judgement; returns the report.
fn passed(finished: &Finished) -> Result<Value> {
    assert_eq!(finished.exit_code, Some(0), "{finished:?}");
    let report = finished.json()?;
    assert_eq!(report["passed"], true);
    assert_eq!(report["findings"], json!([]));
    for latency in ["commit_ms", "call_ms"] {
        let spread = &report["summary"][latency];
        for value in ["p50", "p99", "max"] {
            let known = spread[value].as_f64().is_some_and(|ms| ms > 0.0);
            assert!(known, "{latency} is {spread}");
        }
    }
    Ok(report)
}

fn session_of(report: &Value) -> Result<Uuid> {
    let id = report["run"]["session"]["id"].as_str();
    Ok(Uuid::parse_str(id.context("no session was played")?)?)
}

/// The log entries that one participant was sent, in the order of arrival.
fn entries_seen(participant: &Value) -> Vec<Value> {
    let seen = participant["seen"].as_array().into_iter().flatten();
    seen.filter(|sighting| sighting["topic"] == "chat")
        .filter_map(|sighting| sighting["payload"]["messages"].as_array())
        .flatten()
        .cloned()
        .collect()
}

/// Fails unless everybody saw each entry of the log once, in its order, as it is stored. The first
/// entry is the start itself, before which nobody could know the stream.
async fn assert_everybody_saw_the_log(services: &Services, report: &Value) -> Result<()> {
    let log = services.database.log(session_of(report)?).await?;
    assert!(log.len() > CAST.len(), "only {} entries", log.len());
    assert_eq!(numbers(&log), (1..=log.len() as i64).collect::<Vec<_>>());

    let participants = report["run"]["participants"].as_array();
    let participants = participants.context("no participants")?;
    let names: Vec<_> = participants.iter().map(|one| &one["name"]).collect();
    assert_eq!(names, CAST);
    for participant in participants {
        let name = &participant["name"];
        let seen = entries_seen(participant);
        assert_eq!(numbers(&seen), numbers(&log[1..]), "{name}");
        for (entry, stored) in seen.iter().zip(&log[1..]) {
            for member in ["id", "user_id", "username", "content", "message_type"] {
                assert_eq!(entry[member], stored[member], "{name}");
            }
        }
    }
    Ok(())
}

/// Which doors the messages went through.
fn doors_of(report: &Value) -> Vec<&str> {
    let sends = report["run"]["sends"].as_array().into_iter().flatten();
    let answers = sends
        .filter_map(|send| send["answers"].as_array())
        .flatten();
    let mut doors: Vec<_> = answers.filter_map(|one| one["door"].as_str()).collect();
    doors.sort_unstable();
    doors.dedup();
    doors
}

#[tokio::test]
async fn everybody_sees_the_whole_log_twice_in_a_row_by_rpc() -> Result<()> {
    let services = Services::start_ticking().await?;
    let database = &services.database;
    let app_id = &database.environment.agora.app_id;
    let first = passed(&play(&services, false, app_id).await?)?;
    let second = passed(&play(&services, false, app_id).await?)?;
    for report in [&first, &second] {
        assert_everybody_saw_the_log(&services, report).await?;
        assert_eq!(doors_of(report), ["rpc"]);
    }
    assert_ne!(session_of(&first)?, session_of(&second)?);
    let ended: i64 = database
        .value("select count(*) from stream.stream_sessions where state = 'ended'")
        .await?;
    assert_eq!(ended, 2);
    Ok(())
}

#[tokio::test]
async fn everybody_sees_the_whole_log_twice_in_a_row_through_rpc_and_the_edge() -> Result<()> {
    let services = Services::start_ticking().await?;
    let app_id = &services.database.environment.agora.app_id;
    for _ in 0..2 {
        let report = passed(&play(&services, true, app_id).await?)?;
        assert_everybody_saw_the_log(&services, &report).await?;
        assert_eq!(doors_of(&report), ["edge", "rpc"]);
    }
    Ok(())
}

#[tokio::test]
async fn a_token_of_another_app_is_found() -> Result<()> {
    let services = Services::start_ticking().await?;
    let finished = play(&services, false, "00000000000000000000000000000000").await?;
    assert_eq!(finished.exit_code, Some(1), "{finished:?}");
    let report = finished.json()?;
    assert_eq!(report["passed"], false);
    let findings = report["findings"].as_array().context("no findings")?;
    let found: Vec<_> = findings
        .iter()
        .map(|finding| (&finding["kind"], &finding["who"]))
        .collect();
    let app = json!("token_app");
    let cast = CAST.map(|name| json!(name));
    assert_eq!(
        found,
        cast.iter().map(|name| (&app, name)).collect::<Vec<_>>()
    );
    Ok(())
}

#[tokio::test]
async fn without_the_edge_the_demo_ends_and_says_so() -> Result<()> {
    let mut services = Services::start_ticking().await?;
    services.kill_edge()?;
    let app_id = &services.database.environment.agora.app_id;
    let finished = play(&services, true, app_id).await?;
    assert_eq!(finished.exit_code, Some(1), "{finished:?}");
    let findings = finished.json()?["findings"].clone();
    assert_eq!(findings[0]["kind"], "play_incomplete", "{findings}");
    let what = findings[0]["what"].as_str().unwrap_or_default();
    assert!(what.contains("edge startStream"), "{what}");
    assert!(what.contains("ECONNREFUSED"), "{what}");
    let streams: i64 = services
        .database
        .value("select count(*) from stream.stream_sessions")
        .await?;
    assert_eq!(streams, 0);
    Ok(())
}

#[tokio::test]
async fn a_message_that_nobody_was_sent_is_found() -> Result<()> {
    let services = Services::start_ticking().await?;
    let database = &services.database;
    // The frame of the last message is lost between the log and the subscribers.
    database
        .change(
            "create function public.lose_frames() returns trigger language plpgsql as $$
             begin
                 if exists (
                     select from jsonb_array_elements(new.payload -> 'messages') as m
                     where m ->> 'content' = 'going once?'
                 ) then
                     return null;
                 end if;
                 return new;
             end $$",
        )
        .await?;
    database
        .superuser()
        .await?
        .batch_execute(
            "create trigger lose_frames before insert on realtime.messages
             for each row when (new.topic like 'chat:%') execute function public.lose_frames()",
        )
        .await?;
    let app_id = &database.environment.agora.app_id;
    let finished = play(&services, false, app_id).await?;
    assert_eq!(finished.exit_code, Some(1), "{finished:?}");
    let findings = finished.json()?["findings"].clone();
    let findings = findings.as_array().context("no findings")?;
    for name in CAST {
        let missed = findings.iter().any(|finding| finding["who"] == name);
        assert!(missed, "{name} missed nothing: {findings:?}");
    }
    Ok(())
}
