//! What a server records of its connections, and of requests that it refuses before the database is asked.

use edge_api::answers::Answers;
use edge_api::limits::{LimitSettings, Limits};
use edge_api::metrics::recorder;

use super::limits::with_token;
use super::*;
use crate::observed::Observed;
use crate::requests::{service_token, sign, user_claims};

const SHORT: Duration = Duration::from_millis(50);

async fn server(change: impl FnOnce(&mut ServerSettings)) -> Server {
    let mut settings = ServerSettings::default();
    change(&mut settings);
    Server::of(&RecordingDatabase::answering("null"), settings).await
}

#[tokio::test]
pub async fn connections_are_counted_while_they_are_open_and_when_they_are_refused() {
    let recorder = recorder().expect("buckets");
    let observed = Observed::new(&recorder);
    let server = server(|settings| {
        settings.max_connections = 3;
        settings.max_connections_per_address = 2;
    })
    .await;
    let mut open = Vec::new();
    for source in [1, 1, 2] {
        let mut wire = server.connect_from([127, 0, 0, source]).await;
        assert_eq!(wire.ask(HEALTH).await.status, 200);
        open.push(wire);
        let held = u32::try_from(open.len()).expect("few");
        assert_eq!(observed.value("edge_connections"), Some(f64::from(held)));
        if source == 1 && held == 2 {
            let mut third = server.connect_from([127, 0, 0, 1]).await;
            assert_eq!(third.ask(HEALTH).await.status, 503);
        }
    }
    let mut fourth = server.connect_from([127, 0, 0, 3]).await;
    assert_eq!(fourth.ask(HEALTH).await.status, 503);
    for reason in ["address", "full"] {
        let series = format!(r#"edge_connections_refused_total{{reason="{reason}"}}"#);
        assert_eq!(observed.value(&series), Some(1.0), "{reason}");
    }
    drop(open);
    server.stop().await;
    assert_eq!(observed.value("edge_connections"), Some(0.0));
}

#[tokio::test]
pub async fn connections_that_take_too_long_are_counted_by_what_was_late() {
    let recorder = recorder().expect("buckets");
    let observed = Observed::new(&recorder);
    let closed = |reason: &str| {
        let series = format!(r#"edge_connections_closed_total{{reason="{reason}"}}"#);
        observed.value(&series).unwrap_or(0.0)
    };
    let of_heads = server(|settings| settings.head_timeout = SHORT).await;
    of_heads.connect().await.until_end().await;
    assert_eq!([closed("silent"), closed("slow_head")], [1.0, 0.0]);
    let mut wire = of_heads.connect().await;
    wire.send("GET /healthz HTTP/1.1\r\n").await;
    wire.until_end().await;
    assert_eq!([closed("silent"), closed("slow_head")], [1.0, 1.0]);

    let of_requests = server(|settings| {
        settings.idle_timeout = SHORT;
        settings.buffers_kept = Duration::from_millis(1);
    })
    .await;
    let mut wire = of_requests.connect().await;
    assert_eq!(wire.ask(HEALTH).await.status, 200);
    wire.until_end().await;
    assert_eq!(closed("idle"), 1.0);

    let of_bodies = server(|settings| settings.body_timeout = SHORT).await;
    let mut wire = of_bodies.connect().await;
    wire.send(&post_messages("content-length: 60")).await;
    assert_eq!(wire.answer().await.status, 408);
    assert_eq!(closed("slow_body"), 1.0);

    // No memory for the part of a head.
    let of_memory = server(|settings| settings.head_memory_bytes = 1).await;
    let mut wire = of_memory.connect().await;
    wire.send("GET /healthz HTTP/1.1\r\n").await;
    wire.until_end().await;
    assert_eq!(closed("head_memory"), 1.0);
    for server in [of_heads, of_requests, of_bodies, of_memory] {
        server.stop().await;
    }
}

/// More than the kernel buffers of both ends together hold.
const LARGE: u32 = 16 << 20;

#[tokio::test]
pub async fn answers_that_nobody_has_read_are_counted_in_bytes() {
    let recorder = recorder().expect("buckets");
    let observed = Observed::new(&recorder);
    let length = usize::try_from(LARGE).expect("a length");
    let json = format!("\"{}\"", "x".repeat(length - 2));
    let state = state(&RecordingDatabase::answering(&json));
    let state = state.with_answers(Answers::within(8 * length));
    let settings = ServerSettings {
        write_timeout: SHORT,
        ..ServerSettings::default()
    };
    let server = Server::start(router(state, Vec::new()), settings).await;
    let mut wire = server.connect().await;
    wire.send(&get_state()).await;
    let mut status = [0; 12];
    within(wire.0.read_exact(&mut status))
        .await
        .expect("a head");
    let pending = || observed.value("edge_answer_pending_bytes");
    assert_eq!(pending(), Some(f64::from(LARGE)));
    within(async {
        while pending() != Some(0.0) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    let given_up = r#"edge_connections_closed_total{reason="answer_not_read"}"#;
    assert_eq!(observed.value(given_up), Some(1.0));
    server.stop().await;
}

#[tokio::test]
pub async fn requests_over_a_rate_are_counted_by_limit() {
    let recorder = recorder().expect("buckets");
    let observed = Observed::new(&recorder);
    let none = LimitSettings {
        user_per_s: 0,
        address_per_s: 0,
        failures_per_minute: 0,
    };
    let forged = sign(
        &user_claims(),
        "another secret that is also 32 bytes or more",
    );
    let of_user = LimitSettings {
        user_per_s: 1,
        ..none.clone()
    };
    let of_address = LimitSettings {
        address_per_s: 1,
        ..none.clone()
    };
    let of_failures = LimitSettings {
        failures_per_minute: 1,
        ..none
    };
    for (limit, settings, token) in [
        ("user", of_user, user_token()),
        ("address", of_address, service_token()),
        ("failures", of_failures, forged),
    ] {
        let database = RecordingDatabase::answering("null");
        let state = state(&database).with_limits(Limits::new(&settings));
        let server = Server::start(router(state, Vec::new()), ServerSettings::default()).await;
        let request = with_token(&token);
        let mut wire = server.connect().await;
        let mut refused = 0;
        for _ in 0..20 {
            refused += u32::from(wire.ask(&request).await.status == 429);
        }
        assert!(refused > 0, "{limit}");
        let series = format!(r#"edge_rate_limited_total{{limit="{limit}"}}"#);
        assert_eq!(observed.value(&series), Some(f64::from(refused)), "{limit}");
        server.stop().await;
    }
}
