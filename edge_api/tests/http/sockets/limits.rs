//! Rates of users and addresses, over a socket: refused before the database is asked.

use edge_api::client::TrustedProxies;
use edge_api::limits::{LimitSettings, Limits};

use super::*;
use crate::requests::{service_token, sign, user_claims};

const BURST: usize = 2;

/// With limits that last: one request a second, or one failure a minute, is never given back within a test.
fn limits() -> LimitSettings {
    LimitSettings {
        user_per_s: 0,
        address_per_s: 0,
        failures_per_minute: 0,
    }
}

struct Fixture {
    server: Server,
    database: RecordingDatabase,
}

async fn fixture(limits: LimitSettings) -> Fixture {
    fixture_behind(TrustedProxies::default(), limits).await
}

async fn fixture_behind(trusted_proxies: TrustedProxies, limits: LimitSettings) -> Fixture {
    let database = RecordingDatabase::answering("null");
    let settings = ServerSettings {
        trusted_proxies,
        ..ServerSettings::default()
    };
    let state = state(&database).with_limits(Limits::new(&limits));
    let server = Server::start(router(state, Vec::new()), settings).await;
    Fixture { server, database }
}

fn assert_rate_limited(answer: &Answer) {
    assert_eq!(answer.refusal(), (429, "rate_limited".to_owned()));
    let wait_ms = answer.json()["retry_after_ms"].as_u64().expect("a number");
    assert!((1..=60_000).contains(&wait_ms), "{wait_ms}");
    let expected = wait_ms.div_ceil(1000).to_string();
    assert_eq!(answer.header("retry-after"), expected);
}

pub fn with_token(token: &str) -> String {
    let path = format!("/v1/streams/{SESSION}/state");
    format!("GET {path} HTTP/1.1\r\nhost: a.test\r\nauthorization: Bearer {token}\r\n\r\n")
}

/// Asks until it is refused, which is soon after `expected` times, and returns how often the answer was 200.
async fn until_limited(wire: &mut Wire, request: &str) -> (usize, Answer) {
    for served in 0..1000 {
        let answer = wire.ask(request).await;
        if answer.status != 200 {
            return (served, answer);
        }
    }
    panic!("there is no limit");
}

#[tokio::test]
async fn a_user_over_the_rate_is_refused_before_the_database_is_asked() {
    let Fixture { server, database } = fixture(LimitSettings {
        user_per_s: 1,
        ..limits()
    })
    .await;
    let mut wire = server.connect().await;
    let (served, answer) = until_limited(&mut wire, &get_state()).await;
    assert!(served >= BURST, "{served}");
    assert_rate_limited(&answer);
    assert_eq!(database.asked().len(), served);

    let mut other = user_claims();
    other["sub"] = "00000000-0000-4000-8000-000000000003".into();
    for token in [sign(&other, SECRET), service_token(), service_token()] {
        assert_eq!(wire.ask(&with_token(&token)).await.status, 200);
    }
    server.stop().await;
}

#[tokio::test]
async fn the_service_has_no_rate_of_its_own() {
    let Fixture { server, .. } = fixture(LimitSettings {
        user_per_s: 1,
        ..limits()
    })
    .await;
    let mut wire = server.connect().await;
    let request = with_token(&service_token());
    for _ in 0..10 {
        assert_eq!(wire.ask(&request).await.status, 200);
    }
    server.stop().await;
}

#[tokio::test]
async fn an_address_over_the_rate_is_refused_but_for_its_probe() {
    let Fixture { server, database } = fixture(LimitSettings {
        address_per_s: 1,
        ..limits()
    })
    .await;
    let mut wire = server.connect().await;
    let request = with_token(&service_token());
    let (served, answer) = until_limited(&mut wire, &request).await;
    assert!(served >= BURST, "{served}");
    assert_rate_limited(&answer);
    assert_eq!(database.asked().len(), served);
    for _ in 0..10 {
        assert_eq!(wire.ask(HEALTH).await.status, 200);
    }
    let mut other = server.connect_from([127, 0, 0, 2]).await;
    assert_eq!(other.ask(&request).await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_has_its_own_rate() {
    let proxies = TrustedProxies::new(["127.0.0.1/32".parse().expect("a network")]);
    let limits = LimitSettings {
        address_per_s: 1,
        ..limits()
    };
    let Fixture { server, .. } = fixture_behind(proxies, limits).await;
    let from = |claimed: &str| {
        get_state().replace(
            "host: a.test\r\n",
            &format!("host: a.test\r\nx-forwarded-for: {claimed}\r\n"),
        )
    };
    let mut proxy = server.connect().await;
    let (_, answer) = until_limited(&mut proxy, &from("192.0.2.1")).await;
    assert_rate_limited(&answer);
    assert_rate_limited(&proxy.ask(&from("203.0.113.5, 192.0.2.1")).await);
    // Whatever a client writes before what the proxy adds.
    assert_rate_limited(&proxy.ask(&from("\u{e9}, 192.0.2.1")).await);
    assert_eq!(proxy.ask(&from("192.0.2.2")).await.status, 200);
    let (_, answer) = until_limited(&mut proxy, &from("unknown")).await;
    assert_rate_limited(&answer);
    assert_rate_limited(&proxy.ask(&from("192.0.2.3, \u{e9}")).await);

    // Whoever is no trusted proxy stays who they are.
    let mut direct = server.connect_from([127, 0, 0, 2]).await;
    let mut number = 0;
    within(async {
        while direct.ask(&from(&format!("192.0.2.{number}"))).await.status == 200 {
            number += 1;
        }
    })
    .await;
    assert!(number >= BURST, "{number}");
    server.stop().await;
}

#[tokio::test]
async fn failed_sign_ins_are_limited_and_others_of_the_address_are_not() {
    let Fixture { server, database } = fixture(LimitSettings {
        failures_per_minute: 1,
        ..limits()
    })
    .await;
    let mut wire = server.connect().await;
    let forged = with_token(&sign(
        &user_claims(),
        "another secret that is also 32 bytes or more",
    ));
    let refusal = wire.ask(&forged).await.refusal();
    assert_eq!(refusal, (401, "token_invalid".to_owned()));
    assert_rate_limited(&wire.ask(&forged).await);
    assert!(database.asked().is_empty());
    assert_eq!(wire.ask(&get_state()).await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn a_token_that_has_expired_or_is_missing_is_no_failed_sign_in() {
    let Fixture { server, .. } = fixture(LimitSettings {
        failures_per_minute: 1,
        ..limits()
    })
    .await;
    let mut wire = server.connect().await;
    let mut claims = user_claims();
    claims["exp"] = 1.into();
    let expired = with_token(&sign(&claims, SECRET));
    let missing = "GET /v1/streams HTTP/1.1\r\nhost: a.test\r\n\r\n";
    let forged = with_token(&sign(
        &claims,
        "another secret that is also 32 bytes or more",
    ));
    for round in 0..2 {
        for (request, code) in [
            (expired.as_str(), "token_expired"),
            (missing, "unauthenticated"),
        ] {
            for _ in 0..2 {
                let refusal = wire.ask(request).await.refusal();
                assert_eq!(refusal, (401, code.to_owned()));
            }
        }
        let refusal = wire.ask(&forged).await.refusal();
        let expected = [(401, "token_invalid"), (429, "rate_limited")][round];
        assert_eq!(refusal, (expected.0, expected.1.to_owned()));
    }
    server.stop().await;
}
