//! Many clients at the real service at the same time: their calls go out together, and each gets the own answer.

use std::sync::Arc;

use anyhow::{Context, Result};
use hyper::Method;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::agora::{SUBSCRIBER, buyer_token};
use stream_tests::demo;
use stream_tests::moderation::restrict;
use stream_tests::services::Services;
use stream_tests::services::request::Request;
use tokio::task::JoinSet;
use uuid::Uuid;

const CLIENTS: usize = 32;
/// As many as a viewer may send at once.
const MESSAGES: usize = 4;

/// A stream with so many viewers.
async fn crowd() -> Result<(Services, Uuid, Vec<Uuid>)> {
    let services = Services::start().await?;
    let database = &services.database;
    let session = database.stream_in(StreamState::Active).await?;
    let mut users = Vec::new();
    for number in 0..CLIENTS {
        let user = database.add_user(&format!("viewer{number}")).await?;
        database.viewer(session, user).await?;
        users.push(user);
    }
    Ok((services, session, users))
}

/// What one client sends to an edge, one message after the other; returns the answers in that order.
async fn send_all(edge: &str, token: &str, session: Uuid, user: Uuid) -> Result<Vec<Value>> {
    let path = format!("/v1/streams/{session}/messages");
    let mut answers = Vec::new();
    for number in 0..MESSAGES {
        let message = json!({"content": format!("{number} of {user}"), "id": Uuid::new_v4()});
        // The same id again is the same message, so a busy service is asked again.
        let answer = loop {
            let request = Request::post(&path).bearer(token).json(&message);
            let answer = request.send(edge).await?;
            if answer.status != 503 {
                break answer.json();
            }
        };
        if answer["code"].is_null() {
            assert_eq!(answer["id"], message["id"]);
            assert_eq!(answer["content"], message["content"]);
            assert_eq!(answer["user_id"], json!(user));
        }
        answers.push(answer);
    }
    Ok(answers)
}

#[tokio::test]
async fn messages_of_many_clients_are_stored_once_in_order_and_together() -> Result<()> {
    let (services, session, users) = crowd().await?;
    let edge = services.edge_url.clone();
    send_together(&services, &edge, session, &users).await
}

/// PostgREST is given the batches, as the service, and the calls that go alone with their caller's token.
#[tokio::test]
async fn messages_through_postgrest_are_stored_once_in_order_and_together() -> Result<()> {
    let (mut services, session, users) = crowd().await?;
    let edge = services.start_edge_through_postgrest()?;
    send_together(&services, &edge, session, &users).await
}

async fn send_together(
    services: &Services,
    edge: &str,
    session: Uuid,
    users: &[Uuid],
) -> Result<()> {
    let muted = users[7];
    let seller = services.database.user(demo::SELLER).await?;
    restrict(&seller, "mute_user", session, muted).await?;
    let entries = services.database.log(session).await?.len();

    let mut clients = JoinSet::new();
    for &user in users {
        let (edge, token) = (edge.to_owned(), services.token_of(user));
        clients.spawn(
            async move { anyhow::Ok((user, send_all(&edge, &token, session, user).await?)) },
        );
    }
    let mut stored = 0;
    while let Some(client) = clients.join_next().await {
        let (user, answers): (Uuid, Vec<Value>) = client??;
        if user == muted {
            assert!(
                answers.iter().all(|answer| answer["code"] == "muted"),
                "{answers:?}"
            );
            continue;
        }
        let numbers: Vec<_> = answers
            .iter()
            .filter_map(|answer| answer["seq"].as_i64())
            .collect();
        assert_eq!(numbers.len(), MESSAGES, "{answers:?}");
        assert!(numbers.is_sorted(), "{numbers:?}");
        stored += numbers.len();
    }
    let log = services.database.log(session).await?;
    assert_eq!(stored, (CLIENTS - 1) * MESSAGES);
    assert_eq!(log.len() - entries, stored);

    // One statement dates the messages of a batch one microsecond apart.
    let together: i64 = services
        .database
        .value(&format!(
            "select count(*) from stream.chat_messages as m
             join stream.chat_messages as n on n.session_id = m.session_id and n.seq = m.seq + 1
             where m.session_id = '{session}' and m.user_id is not null
                 and n.created_at = m.created_at + interval '1 microsecond'"
        ))
        .await?;
    assert!(together > 0, "nothing went out together");
    Ok(())
}

/// Feature: streaming-realtime-fixes, Property 3: For any token approaching expiration, the Token_Generator should refresh
/// tokens automatically. A due token comes to its own user, and to nobody else.
#[tokio::test]
async fn heartbeats_of_many_clients_bring_each_the_own_token() -> Result<()> {
    let (services, session, users) = crowd().await?;
    let services = Arc::new(services);
    let database = &services.database;
    let (due, others) = users.split_at(CLIENTS / 2);
    for user in due {
        buyer_token(&database.user(*user).await?, session).await?;
    }
    database.pass_time(session, 2701).await?;

    let mut clients = JoinSet::new();
    for user in &users {
        let (services, user) = (services.clone(), *user);
        clients.spawn(async move {
            let token = services.token_of(user);
            let path = format!("/v1/streams/{session}/heartbeat");
            let mut tokens = Vec::new();
            for _ in 0..3 {
                let answer = services.edge_json(&token, Method::POST, &path, json!({}));
                let answer = answer.await?.ok()?;
                anyhow::ensure!(answer["session_id"] == json!(session), "{answer}");
                tokens.push(answer["token"].clone());
            }
            anyhow::Ok((user, tokens))
        });
    }
    while let Some(client) = clients.join_next().await {
        let (user, tokens): (Uuid, Vec<Value>) = client??;
        let fresh: Vec<_> = tokens.iter().filter(|token| !token.is_null()).collect();
        if others.contains(&user) {
            assert!(fresh.is_empty(), "a token that was not due");
            continue;
        }
        assert_eq!(fresh.len(), 1, "once");
        let token = fresh.first().context("one")?;
        database.verified(token, SUBSCRIBER)?;
        let uid: i32 = database
            .value(&format!(
                "select v.agora_uid from stream.stream_viewers as v
                 where v.session_id = '{session}' and v.user_id = '{user}'"
            ))
            .await?;
        assert_eq!(token["uid"], uid, "the token of somebody else");
    }
    Ok(())
}
