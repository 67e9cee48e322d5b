//! Requests that are refused, through two edges over one database: one speaks SQL, the other calls PostgREST.
//! Both refuse with the same problem. `fixtures` compares the answers of calls that are allowed.

use anyhow::{Result, ensure};
use hyper::Method;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use stream_tests::services::Services;
use stream_tests::services::access_token::{claims_of, expired_claims_of, unsigned};
use stream_tests::services::answer::Answer;
use stream_tests::services::request::Request;
use stream_tests::waiting::wait_until;
use uuid::Uuid;

const UNKNOWN: Uuid = Uuid::from_u128(0x0000_0000_0000_4000_8000_0000_0000_ffff);

/// A request that both edges get.
struct Ask<'a> {
    token: &'a str,
    method: Method,
    path: String,
    body: Option<Value>,
}

impl Ask<'_> {
    async fn send(&self, url: &str) -> Result<Answer> {
        let request = Request::new(self.method.clone(), &self.path).bearer(self.token);
        let request = match &self.body {
            Some(body) => request.json(body),
            None => request,
        };
        request.send(url).await
    }
}

/// A problem without what differs between two requests.
fn problem(answer: &Answer) -> (u16, String, Value) {
    let mut body = answer.json();
    if let Some(members) = body.as_object_mut() {
        members.remove("request_id");
    }
    let challenge = answer.header("www-authenticate").to_owned();
    (answer.status, challenge, body)
}

async fn expect_the_same(services: &Services, other: &str, asks: Vec<Ask<'_>>) -> Result<()> {
    for ask in asks {
        let over_sql = problem(&ask.send(&services.edge_url).await?);
        let through_postgrest = problem(&ask.send(other).await?);
        ensure!(over_sql.0 >= 400, "{}: {over_sql:?}", ask.path);
        ensure!(
            over_sql == through_postgrest,
            "{} {}: {over_sql:?} over SQL, {through_postgrest:?} through PostgREST",
            ask.method,
            ask.path
        );
    }
    Ok(())
}

fn ask<'a>(token: &'a str, method: Method, path: String, body: Option<Value>) -> Ask<'a> {
    Ask {
        token,
        method,
        path,
        body,
    }
}

#[tokio::test]
async fn both_ways_to_the_database_refuse_alike() -> Result<()> {
    let mut services = Services::start().await?;
    let other = services.start_edge_through_postgrest()?;
    let database = &services.database;
    let stream = database.stream_in(StreamState::Active).await?;
    database.viewer(stream, demo::ADA).await?;
    let (seller, ada) = (
        services.token_of(demo::SELLER),
        services.token_of(demo::ADA),
    );
    let stranger = services.token_of(database.add_stranger().await?);
    let service = services.keys.service_role_key.clone();
    let of = |stream: Uuid, what: &str| format!("/v1/streams/{stream}/{what}");
    let get = |token, path| ask(token, Method::GET, path, None);
    let post = |token, path, body| ask(token, Method::POST, path, Some(body));

    let mut asks = vec![
        post(&ada, of(stream, "pause"), json!({})),
        post(&stranger, of(stream, "end"), json!({})),
        post(
            &ada,
            "/v1/streams".to_owned(),
            json!({"auction_id": demo::AUCTION}),
        ),
        post(
            &seller,
            "/v1/streams".to_owned(),
            json!({"auction_id": UNKNOWN}),
        ),
        post(
            &ada,
            "/v1/tokens/seller".to_owned(),
            json!({"channel_id": stream}),
        ),
        post(
            &stranger,
            "/v1/tokens/buyer".to_owned(),
            json!({"channel_id": stream}),
        ),
        post(
            &ada,
            "/v1/tokens/buyer".to_owned(),
            json!({"channel_id": UNKNOWN}),
        ),
        post(
            &ada,
            "/v1/tokens/seller".to_owned(),
            json!({"channel_id": stream, "seller_id": demo::SELLER}),
        ),
        post(&stranger, of(stream, "messages"), json!({"content": "hi"})),
        post(&ada, of(stream, "messages"), json!({"content": ""})),
        post(&ada, of(stream, "messages"), json!({"content": "a\u{7}b"})),
        post(&ada, of(stream, "messages"), json!({"content": "a\u{0}b"})),
        post(
            &ada,
            of(stream, "messages"),
            json!({"content": "é".repeat(2001)}),
        ),
        post(
            &ada,
            of(stream, "moderation/mute"),
            json!({"user_id": demo::BEN}),
        ),
        post(
            &ada,
            of(stream, "auction-updates"),
            json!({"text": "forged"}),
        ),
        post(&ada, "/v1/messages".to_owned(), json!({"items": []})),
        post(
            &service,
            "/v1/messages".to_owned(),
            json!({"items": {"deep": 1}}),
        ),
        post(
            &ada,
            "/v1/tokens/inspect".to_owned(),
            json!({"token": "007"}),
        ),
        get(&seller, of(stream, "messages?page_size=0")),
        get(&seller, of(stream, "messages?page_size=100000")),
        get(&ada, of(stream, "sync?after_seq=-1")),
        get(&ada, format!("/v1/users/{}/export", demo::BEN)),
        post(
            &seller,
            of(stream, "moderation/mute"),
            json!({"user_id": demo::ADA, "duration_s": 2_147_483_647}),
        ),
    ];
    for what in [
        "state",
        "viewers/count",
        "messages",
        "sync",
        "reads",
        "summary",
    ] {
        asks.push(get(&ada, of(UNKNOWN, what)));
    }
    for what in [
        "pause",
        "resume",
        "end",
        "viewers",
        "join",
        "heartbeat",
        "subscriptions",
    ] {
        asks.push(post(&seller, of(UNKNOWN, what), json!({})));
    }
    let expired = services.signer.sign(&expired_claims_of(demo::ADA));
    let forged = unsigned(&claims_of(demo::ADA));
    for token in ["", "x", &expired, &forged, &services.keys.anon_key] {
        asks.push(get(token, of(stream, "state")));
    }
    expect_the_same(&services, &other, asks).await?;

    let end = post(&seller, of(stream, "end"), json!({}));
    end.send(&services.edge_url).await?.ok()?;
    let asks = ["messages", "pause", "resume", "viewers", "join"].map(|what| {
        let body = if what == "messages" {
            json!({"content": "hi"})
        } else {
            json!({})
        };
        post(&seller, of(stream, what), body)
    });
    expect_the_same(&services, &other, asks.into()).await
}

#[tokio::test]
async fn the_service_itself_ticks_through_postgrest() -> Result<()> {
    const HAS_TICKED: &str = "select ticked_at > '-infinity' from stream.ticker";
    let mut services = Services::start().await?;
    let row = services.database.owner.query_one(HAS_TICKED, &[]).await?;
    ensure!(!row.get::<_, bool>(0), "somebody else ticks");
    let other = services.start_ticking_edge_through_postgrest()?;
    let ready = Request::get("/readyz").send(&other).await?;
    ensure!(ready.status == 200, "{ready:?}");
    wait_until(&services.database.owner, HAS_TICKED).await
}
