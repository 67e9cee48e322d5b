//! Two copies of the edge behind a plain TCP balancer: neither knows something that the other would miss.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use hyper::Method;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use stream_tests::services::Services;
use stream_tests::services::request::Request;
use stream_tests::waiting::wait_until;
use uuid::Uuid;

/// Sends a request to one copy.
async fn at(
    services: &Services,
    copy: usize,
    token: &str,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Result<Value> {
    let request = Request::new(method, path).bearer(token);
    let request = match &body {
        Some(body) => request.json(body),
        None => request,
    };
    request.send(&services.copy_urls[copy]).await?.ok()
}

#[tokio::test]
async fn what_one_copy_did_the_other_knows() -> Result<()> {
    let services = Services::start().await?;
    let seller = services.token_of(demo::SELLER);
    let ada = services.token_of(demo::ADA);
    let post = Method::POST;

    // The same request id at both: one stream.
    let body = json!({"auction_id": demo::AUCTION, "request_id": Uuid::new_v4()});
    let started = at(
        &services,
        0,
        &seller,
        post.clone(),
        "/v1/streams",
        Some(body.clone()),
    )
    .await?;
    let again = at(
        &services,
        1,
        &seller,
        post.clone(),
        "/v1/streams",
        Some(body),
    )
    .await?;
    assert_eq!(started, again);
    let stream = format!("/v1/streams/{}", started["id"].as_str().context("no id")?);
    let active = json!({"state": "active", "generation": 1});
    let state = format!("{stream}/state");
    at(&services, 1, &seller, Method::PATCH, &state, Some(active)).await?;
    assert_eq!(
        at(&services, 0, &ada, Method::GET, &state, None).await?,
        "active"
    );

    // Joined at one, at home at the other.
    let joined = at(
        &services,
        0,
        &ada,
        post.clone(),
        &format!("{stream}/join"),
        None,
    )
    .await?;
    let beat = json!({"join_no": joined["join_no"]});
    let heartbeat = format!("{stream}/heartbeat");
    let beat = at(&services, 1, &ada, post.clone(), &heartbeat, Some(beat)).await?;
    assert_eq!(beat["status"], "ok");

    // The same message at both: one entry of the log.
    let message = json!({"content": "once", "id": Uuid::new_v4()});
    let messages = format!("{stream}/messages");
    let sent = at(
        &services,
        1,
        &ada,
        post.clone(),
        &messages,
        Some(message.clone()),
    )
    .await?;
    let again = at(&services, 0, &ada, post.clone(), &messages, Some(message)).await?;
    assert_eq!(sent, again);
    for copy in [0, 1] {
        let log = at(&services, copy, &ada, Method::GET, &messages, None).await?;
        let log = log.as_array().context("no list")?;
        let times = log.iter().filter(|entry| entry["content"] == "once");
        assert_eq!(times.count(), 1, "copy {copy}");
    }

    // Put out at one, refused at the other.
    let ban = json!({"user_id": demo::ADA});
    let path = format!("{stream}/moderation/ban");
    at(&services, 0, &seller, post, &path, Some(ban)).await?;
    let refused = Request::post(&heartbeat).bearer(&ada);
    let refused = refused.send(&services.copy_urls[1]).await?;
    assert_eq!(refused.json()["code"], "banned", "{refused:?}");
    Ok(())
}

/// Names all users but one, for whom it takes until their connection ends: no cancel and no timeout ends it.
const NAMING: &str = "create or replace function stream.hook_username(user_id uuid) returns text
    language plpgsql set search_path = pg_catalog, pg_temp as $$
    begin
        while user_id = '00000000-0000-0000-0000-000000000000' loop
            begin
                perform pg_sleep(60);
            exception when query_canceled then
                null;
            end;
        end loop;
        return 'somebody';
    end
    $$";

/// Feature: streaming-realtime-fixes, Property 11: For any series of failed attempts, users are told and the system stays
/// stable. One call in flight holds the stream, others wait behind it: in the dying copy, and in the database for it.
#[tokio::test]
async fn a_copy_that_dies_loses_nothing_acknowledged_and_holds_nobody_up() -> Result<()> {
    let mut services = Services::start().await?;
    let stream = services.database.stream_in(StreamState::Active).await?;
    for user in [demo::ADA, demo::BEN, demo::CLEO] {
        services.database.viewer(stream, user).await?;
    }
    let naming_all_but = |user: Uuid| NAMING.replace(&Uuid::nil().to_string(), &user.to_string());
    let seller = services.token_of(demo::SELLER);
    let messages = format!("/v1/streams/{stream}/messages");
    let message = |content: &str| json!({"content": content, "id": Uuid::new_v4()});

    let mut acknowledged = Vec::new();
    for number in 0..4 {
        let message = message(&format!("offer {number}"));
        let body = Some(message.clone());
        let answer = at(&services, 0, &seller, Method::POST, &messages, body).await?;
        acknowledged.push((message, answer));
    }
    let sync = format!("/v1/streams/{stream}/sync");
    let seen = at(&services, 0, &seller, Method::GET, &sync, None).await?;

    services.database.change(&naming_all_but(demo::ADA)).await?;
    let observer = services.database.superuser().await?;
    let mut in_flight = Vec::new();
    for user in [demo::ADA, demo::BEN, demo::CLEO, demo::SELLER] {
        let (token, message) = (services.token_of(user), message("in flight"));
        let request = Request::post(&messages).bearer(&token).json(&message);
        let copy = services.copy_urls[0].clone();
        let answer = tokio::spawn(async move { request.send(&copy).await });
        in_flight.push((token, message, answer));
        if user == demo::ADA {
            let holds = format!("select {}", at_work("wait_event = 'PgSleep'"));
            wait_until(&observer, &holds).await?;
        }
    }
    let waits = format!("select {}", at_work("wait_event_type = 'Lock'"));
    wait_until(&observer, &waits).await?;
    services.kill_copy(0)?;
    let mut unknown = Vec::new();
    for (token, message, answer) in in_flight {
        // Cut off; on a busy machine one may have waited too long before.
        if let Ok(answer) = answer.await? {
            ensure!(answer.status == 503, "{message} got {answer:?}");
        }
        unknown.push((token, message));
    }
    // The server notices that nobody waits for the call which holds the stream.
    let is_over = format!("select not {}", at_work("state <> 'idle'"));
    wait_until(&observer, &is_over).await?;

    let before = places(&services, stream).await?;
    for (message, answer) in &acknowledged {
        assert_eq!(before.get(&message["id"].to_string()), Some(&answer["seq"]));
        let body = Some(message.clone());
        let again = at(&services, 1, &seller, Method::POST, &messages, body).await?;
        assert_eq!(&again, answer);
    }
    // The id tells which were stored. All at once, so that they go out together.
    services
        .database
        .change(&naming_all_but(Uuid::nil()))
        .await?;
    let again = unknown.iter().map(async |(token, message)| {
        let body = Some(message.clone());
        at(&services, 1, token, Method::POST, &messages, body).await
    });
    let again = futures_util::future::try_join_all(again).await?;
    let after = places(&services, stream).await?;
    for ((_, message), answer) in unknown.iter().zip(&again) {
        assert_eq!(answer["id"], message["id"]);
        let id = message["id"].to_string();
        assert_eq!(after.get(&id), Some(&answer["seq"]));
        ensure!(before.get(&id).is_none_or(|seq| *seq == answer["seq"]));
    }
    assert_eq!(after.len(), acknowledged.len() + unknown.len());

    // Whoever read at the dead copy goes on where they were.
    let rest = format!(
        "{sync}?after_seq={}&epoch={}",
        seen["head_seq"],
        seen["epoch"].as_str().context("no epoch")?
    );
    let rest = at(&services, 1, &seller, Method::GET, &rest, None).await?;
    assert_eq!(rest["recovered"], true);
    let missed = rest["messages"].as_array().context("no messages")?;
    let mut missed: Vec<_> = missed.iter().map(|entry| entry["seq"].clone()).collect();
    missed.retain(|seq| after.values().any(|place| place == seq));
    assert_eq!(missed.len(), unknown.len());
    Ok(())
}

/// Whether a connection of the edge is in such a state.
fn at_work(state: &str) -> String {
    format!(
        "exists (select from pg_stat_activity where {state}
             and datname = current_database() and application_name = 'edge_api')"
    )
}

/// The place of each chat message in the log, which has each once.
async fn places(services: &Services, stream: Uuid) -> Result<BTreeMap<String, Value>> {
    let mut places = BTreeMap::new();
    for entry in services.database.log(stream).await? {
        if entry["message_type"] == "user_message" {
            let known = places.insert(entry["id"].to_string(), entry["seq"].clone());
            ensure!(known.is_none(), "{entry} is there twice");
        }
    }
    Ok(places)
}
