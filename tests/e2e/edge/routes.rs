//! The result of every route of the edge when all is well.

use anyhow::{Context, Result};
use hyper::Method;
use serde_json::{Value, json};
use stream_core::contract;
use stream_core::lifecycle::StreamState;
use stream_tests::agora::{PUBLISHER, SUBSCRIBER};
use stream_tests::demo;
use stream_tests::services::Services;
use stream_tests::services::request::Request;
use uuid::Uuid;

fn id_in(answer: &Value) -> Result<Uuid> {
    Ok(Uuid::parse_str(answer["id"].as_str().context("no id")?)?)
}

#[tokio::test]
async fn a_stream_goes_through_its_life() -> Result<()> {
    let services = Services::start().await?;
    let seller = services.token_of(demo::SELLER);
    let body = json!({"auction_id": demo::AUCTION});
    let started = services
        .edge_json(&seller, Method::POST, "/v1/streams", body)
        .await?
        .ok()?;
    let id = id_in(&started)?;
    assert_eq!(started["seller_id"], json!(demo::SELLER));
    assert_eq!(started["auction_id"], json!(demo::AUCTION));
    assert_eq!(started["channel_id"], json!(id));
    assert_eq!(started["state"], "initializing");
    assert_eq!(
        (&started["generation"], &started["host_uid"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(started["ended_at"], Value::Null);

    let path = format!("/v1/streams/{id}");
    let state = format!("{path}/state");
    let body = json!({"state": "active", "generation": 1, "reason": "on air"});
    let active = services
        .edge_json(&seller, Method::PATCH, &state, body)
        .await?
        .ok()?;
    assert_eq!(
        (&active["state"], &active["state_reason"]),
        (&json!("active"), &json!("on air"))
    );
    for (what, body, expected) in [
        ("pause", Some(json!({"reason": "a break"})), "paused"),
        ("resume", None, "active"),
        ("end", Some(json!({"generation": 1})), "ended"),
    ] {
        let route = format!("{path}/{what}");
        let answer = match body {
            Some(body) => {
                services
                    .edge_json(&seller, Method::POST, &route, body)
                    .await?
            }
            None => services.edge(&seller, Method::POST, &route).await?,
        };
        assert_eq!(answer.ok()?["state"], expected, "{what}");
        let now = services.edge(&seller, Method::GET, &state).await?.ok()?;
        assert_eq!(now, json!(expected));
    }
    let ended = services.edge(&seller, Method::GET, &path).await?.ok()?;
    assert_ne!(ended["ended_at"], Value::Null);
    let row = services.database.session_row(id).await?;
    for (member, value) in ended.as_object().context("no object")? {
        match member.as_str() {
            // Worked out from the generation, and no column.
            "host_uid" => {}
            "oldest_client" => assert_eq!(value, contract::OLDEST_CLIENT),
            _ => assert_eq!(value, &row[member], "{member}"),
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_viewer_joins_is_counted_and_leaves() -> Result<()> {
    let services = Services::start().await?;
    let stream = services.database.stream_in(StreamState::Active).await?;
    let viewers = format!("/v1/streams/{stream}/viewers");
    let count = format!("{viewers}/count");
    let mut joins = Vec::new();
    for (number, (user, body)) in [
        (demo::ADA, None),
        (demo::BEN, Some(json!({"buyer_id": demo::BEN}))),
    ]
    .into_iter()
    .enumerate()
    {
        let token = services.token_of(user);
        let answer = match body {
            Some(body) => {
                services
                    .edge_json(&token, Method::POST, &viewers, body)
                    .await?
            }
            None => services.edge(&token, Method::POST, &viewers).await?,
        };
        let place = answer.ok()?;
        assert_eq!(place["session_id"], json!(stream));
        assert_eq!(place["user_id"], json!(user));
        assert!(
            place["agora_uid"]
                .as_i64()
                .is_some_and(|uid| uid >= 1_000_000),
            "{place}"
        );
        let counted = services.edge(&token, Method::GET, &count).await?.ok()?;
        assert_eq!(counted, json!(number + 1));
        joins.push(place["join_no"].clone());
    }

    let ada = services.token_of(demo::ADA);
    let leave = format!("{viewers}/{}?join_no=", demo::ADA);
    for (join_no, expected) in [
        (json!(0), "superseded"),
        (joins[0].clone(), "removed"),
        (joins[0].clone(), "not_joined"),
    ] {
        let left = services
            .edge(&ada, Method::DELETE, &format!("{leave}{join_no}"))
            .await?;
        assert_eq!(left.ok()?, json!(expected));
    }
    let counted = services.edge(&ada, Method::GET, &count).await?.ok()?;
    assert_eq!(counted, json!(1));
    Ok(())
}

#[tokio::test]
async fn both_tokens_decode_and_are_kept_by_no_cache() -> Result<()> {
    let services = Services::start().await?;
    let database = &services.database;
    let stream = database.stream_in(StreamState::Active).await?;
    database.viewer(stream, demo::ADA).await?;
    for (user, route, privileges) in [
        (demo::SELLER, "/v1/tokens/seller", PUBLISHER),
        (demo::ADA, "/v1/tokens/buyer", SUBSCRIBER),
        (demo::SELLER, "/v1/tokens/refresh", PUBLISHER),
        (demo::ADA, "/v1/tokens/refresh", SUBSCRIBER),
    ] {
        let body = json!({"channel_id": stream});
        let token = services.token_of(user);
        let answer = services
            .edge_json(&token, Method::POST, route, body)
            .await?;
        assert_eq!(answer.header("cache-control"), "no-store");
        database.verified(&answer.ok()?, privileges)?;
    }
    Ok(())
}

#[tokio::test]
async fn messages_are_sent_paged_through_and_synchronised() -> Result<()> {
    let services = Services::start().await?;
    let database = &services.database;
    let stream = database.stream_in(StreamState::Active).await?;
    database.viewer(stream, demo::ADA).await?;
    let ada = services.token_of(demo::ADA);
    let messages = format!("/v1/streams/{stream}/messages");
    for number in 1..=3 {
        let body = json!({"content": format!("offer {number}"), "id": Uuid::new_v4()});
        let sent = services
            .edge_json(&ada, Method::POST, &messages, body.clone())
            .await?
            .ok()?;
        assert_eq!(sent["id"], body["id"]);
        assert_eq!(
            (&sent["username"], &sent["content"]),
            (&json!("ada"), &body["content"])
        );
        let again = services
            .edge_json(&ada, Method::POST, &messages, body)
            .await?
            .ok()?;
        assert_eq!(again, sent);
    }

    let log = database.log(stream).await?;
    let head = log.len();
    let seqs = |answer: &Value| -> Vec<i64> {
        let entries = answer.as_array().into_iter().flatten();
        entries.filter_map(|entry| entry["seq"].as_i64()).collect()
    };
    let last = head as i64;
    for (query, expected) in [
        (String::new(), (1..=last).collect::<Vec<_>>()),
        ("?page_size=2".to_owned(), vec![last - 1, last]),
        ("?page_size=2&skip=1".to_owned(), vec![last - 2, last - 1]),
        (format!("?before_seq={last}&page_size=1"), vec![last - 1]),
        (format!("?after_seq={}", last - 2), vec![last - 1, last]),
    ] {
        let page = services
            .edge(&ada, Method::GET, &format!("{messages}{query}"))
            .await?
            .ok()?;
        assert_eq!(seqs(&page), expected, "{query}");
    }

    let sync = format!("/v1/streams/{stream}/sync");
    let all = services.edge(&ada, Method::GET, &sync).await?.ok()?;
    assert_eq!(
        (&all["state"], &all["head_seq"]),
        (&json!("active"), &json!(head))
    );
    assert_eq!(seqs(&all["messages"]), (1..=last).collect::<Vec<_>>());
    let epoch = all["epoch"].as_str().context("no epoch")?;
    let later = format!("{sync}?after_seq={}&epoch={epoch}", last - 1);
    let later = services.edge(&ada, Method::GET, &later).await?.ok()?;
    assert_eq!(later["recovered"], true);
    assert_eq!(seqs(&later["messages"]), [last]);
    let entry = &later["messages"][0];
    assert_eq!(entry["content"], "offer 3");
    Ok(())
}

/// One JSON on the wire: the edge returns what `supabase.rpc` returns, digit for digit.
#[tokio::test]
async fn the_edge_and_the_gateway_give_the_same_answers() -> Result<()> {
    let services = Services::start().await?;
    let stream = services.database.stream_in(StreamState::Active).await?;
    let path = format!("/v1/streams/{stream}");
    let key = &services.keys.service_role_key;
    let digits = r#"{"amount": 123456789012345678901234567890.10, "text": "Ada bids"}"#;
    let posted = Request::post(format!("{path}/auction-updates"))
        .bearer(key)
        .json_bytes(digits)
        .send(&services.edge_url)
        .await?;
    let posted = String::from_utf8(posted.body.to_vec())?;
    assert!(
        posted.contains("123456789012345678901234567890.10"),
        "{posted}"
    );

    let seller = services.token_of(demo::SELLER);
    for (function, route) in [
        ("get_session", path.clone()),
        ("get_stream_state", format!("{path}/state")),
        ("get_viewer_count", format!("{path}/viewers/count")),
        ("get_viewers", format!("{path}/viewers")),
        ("get_message_history", format!("{path}/messages")),
        ("unread_count", format!("{path}/reads")),
    ] {
        let edge = services.edge(&seller, Method::GET, &route).await?.ok()?;
        let argument = json!({"session_id": stream});
        let gateway = services.rpc(&seller, function, argument).await?.ok()?;
        assert_eq!(edge, gateway, "{function}");
    }
    Ok(())
}

#[tokio::test]
async fn the_service_role_acts_for_anybody() -> Result<()> {
    let services = Services::start().await?;
    let key = &services.keys.service_role_key;
    let body = json!({"auction_id": demo::AUCTION, "seller_id": demo::SELLER});
    let started = services
        .edge_json(key, Method::POST, "/v1/streams", body)
        .await?
        .ok()?;
    let messages = format!("/v1/streams/{}/messages", id_in(&started)?);
    let body = json!({"content": "hi", "user_id": demo::SELLER});
    let sent = services
        .edge_json(key, Method::POST, &messages, body)
        .await?
        .ok()?;
    assert_eq!(sent["username"], "seller");
    Ok(())
}
