//! PostgREST's own ways, as the stand-in has them: the words of a query that it keeps for itself, and what a
//! 503 does to its connections.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use stream_tests::services::Services;
use stream_tests::services::answer::Answer;
use stream_tests::services::gateway::expect_error;
use stream_tests::services::request::Request;
use stream_tests::stream::numbers;
use stream_tests::waiting::wait_until;
use uuid::Uuid;

/// A stream whose log has eight messages of the seller, and the number of the last.
async fn eight_messages(services: &Services) -> Result<(Uuid, i64)> {
    let database = &services.database;
    let id = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let mut last = 0;
    for number in 1..=8 {
        let arguments = json!({"session_id": id, "user_id": null, "content": format!("{number}")});
        let sent = seller.rpc("send_message", arguments).await?;
        last = sent["seq"].as_i64().unwrap_or_default();
    }
    Ok((id, last))
}

async fn get(services: &Services, function: &str, query: &str) -> Result<Answer> {
    Request::get(format!("/rest/v1/rpc/{function}?{query}"))
        .header("apikey", &services.keys.anon_key)
        .header("accept-profile", "stream")
        .bearer(&services.token_of(demo::SELLER))
        .send(&services.supabase_url)
        .await
}

fn seqs(answer: &Value) -> Vec<i64> {
    answer
        .as_array()
        .map_or_else(Vec::new, |messages| numbers(messages))
}

#[tokio::test]
async fn a_get_pages_by_the_arguments_of_the_function() -> Result<()> {
    let services = Services::start().await?;
    let (id, last) = eight_messages(&services).await?;
    for (query, expected) in [
        ("page_size=2", vec![last - 1, last]),
        ("page_size=2&skip=2", vec![last - 3, last - 2]),
    ] {
        let query = format!("session_id={id}&{query}");
        let page = get(&services, "get_message_history", &query).await?.ok()?;
        assert_eq!(seqs(&page), expected, "{query}");
    }
    Ok(())
}

/// Whoever takes PostgREST's words pages what the function returned without them: here its last 50.
#[tokio::test]
async fn the_words_of_postgrest_shape_the_answer_and_never_reach_the_function() -> Result<()> {
    let services = Services::start().await?;
    let (id, last) = eight_messages(&services).await?;
    let function = "get_message_history";
    let whole = get(&services, function, &format!("session_id={id}"))
        .await?
        .ok()?;
    let all = seqs(&whole);
    assert_eq!(all.last(), Some(&last));
    for (query, expected) in [
        ("limit=2", all[..2].to_vec()),
        ("limit=2&offset=1", all[1..3].to_vec()),
        ("order=seq.desc&limit=2", vec![last, last - 1]),
        ("page_size=3&limit=2", vec![last - 2, last - 1]),
        ("limit=0", vec![]),
    ] {
        let query = format!("session_id={id}&{query}");
        let page = get(&services, function, &query).await?.ok()?;
        assert_eq!(seqs(&page), expected, "{query}");
    }
    let query = format!("session_id={id}&select=seq,content&page_size=1");
    let narrow = get(&services, function, &query).await?.ok()?;
    assert_eq!(narrow, json!([{"seq": last, "content": "8"}]));

    // A POST is shaped by its query and takes its arguments from its body alone.
    let shaped = Request::post("/rest/v1/rpc/get_message_history?limit=1&order=seq.desc")
        .header("apikey", &services.keys.anon_key)
        .header("content-profile", "stream")
        .bearer(&services.token_of(demo::SELLER))
        .json(&json!({"session_id": id}));
    let page = shaped.send(&services.supabase_url).await?.ok()?;
    assert_eq!(seqs(&page), [last]);
    Ok(())
}

#[tokio::test]
async fn what_the_stand_in_does_not_do_is_no_argument_either() -> Result<()> {
    let services = Services::start().await?;
    let (id, _) = eight_messages(&services).await?;
    for (function, query) in [
        ("get_message_history", "seq=gt.5"),
        ("get_message_history", "or=(seq.eq.1)"),
        ("get_message_history", "select=seq::text"),
        ("get_message_history", "limit=-1"),
        ("get_stream_state", "limit=1"),
    ] {
        let answer = get(&services, function, &format!("session_id={id}&{query}")).await?;
        expect_error(&answer, 501, "LOCAL501")?;
    }
    let answer = get(
        &services,
        "get_stream_state",
        &format!("session_id={id}&skip=1"),
    )
    .await?;
    expect_error(&answer, 404, "PGRST202")
}

/// So a function that raised one would slow everybody, and a test with a stand-in would not see it.
#[tokio::test]
async fn a_503_costs_all_connections_and_a_500_none() -> Result<()> {
    let services = Services::start().await?;
    let database = &services.database;
    database
        .change(
            "create function stream.fail(state text) returns integer language plpgsql
                 as $$ begin raise 'no' using errcode = state; end $$;
             create function stream.backend() returns integer language sql as 'select pg_backend_pid()';
             create function stream.held_backend() returns integer language plpgsql
                 as $$ begin perform pg_advisory_xact_lock(503); return pg_backend_pid(); end $$",
        )
        .await?;
    let ada = services.token_of(demo::ADA);
    let backend = async |function: &str| {
        let answer = services.rpc(&ada, function, json!({})).await?;
        answer.ok()?.as_i64().context("no number")
    };
    let holder = database.connect("postgres").await?;
    // Two connections: one is held by a call while another is used. Returns both after a step that comes while it is held.
    let two = async |meanwhile: &str| {
        holder.batch_execute("select pg_advisory_lock(503)").await?;
        let step = async {
            wait_until(
                &database.owner,
                "select exists (select from pg_locks where locktype = 'advisory' and objid = 503 and not granted)",
            )
            .await?;
            let other = backend("backend").await?;
            let failed = match meanwhile {
                "" => None,
                state => {
                    let request = services.rpc_request("fail").bearer(&ada);
                    let answer = request
                        .json(&json!({"state": state}))
                        .send(&services.supabase_url)
                        .await?;
                    Some((answer.status, answer.header("retry-after").to_owned()))
                }
            };
            holder
                .batch_execute("select pg_advisory_unlock(503)")
                .await?;
            anyhow::Ok((other, failed))
        };
        let (held, stepped) = tokio::join!(backend("held_backend"), step);
        let (other, failed) = stepped?;
        anyhow::Ok((BTreeSet::from([held?, other]), failed))
    };
    let (first, _) = two("").await?;
    assert_eq!(first.len(), 2);
    let (same, failed) = two("PT500").await?;
    assert_eq!(failed, Some((500, String::new())));
    assert_eq!(same, first);
    // The call that holds one comes to its end.
    let (same, failed) = two("PT503").await?;
    assert_eq!(failed, Some((503, "0".to_owned())));
    assert_eq!(same, first);
    let (others, _) = two("").await?;
    assert!(others.is_disjoint(&first), "{first:?}, then {others:?}");
    Ok(())
}
