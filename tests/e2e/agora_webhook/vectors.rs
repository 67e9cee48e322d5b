//! The vectors of the edge's own tests of its webhook, and notices with one field that is wrong, sent to both.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use stream_tests::services::Services;
use stream_tests::services::request::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{SIGNATURE, expect_same, post, sign};

/// The longest wait for an answer.
const DEADLINE: Duration = Duration::from_secs(20);

#[derive(Deserialize)]
struct Vectors {
    secrets: [String; 2],
    signed: Signed,
    refused: Vec<Refused>,
    no_notices: Vec<NoNotice>,
}

#[derive(Deserialize)]
struct Signed {
    body: String,
    signatures: [String; 2],
}

#[derive(Deserialize)]
struct Refused {
    about: String,
    body: String,
    headers: Vec<(String, String)>,
    code: String,
}

#[derive(Deserialize)]
struct NoNotice {
    about: String,
    body: String,
    signature: String,
    detail: String,
}

/// Both services, with the secrets of the vectors.
struct Pair {
    services: Services,
    function: String,
    edge: String,
}

impl Pair {
    async fn start(name: &str, secrets: &[String; 2]) -> Result<Self> {
        let mut services = Services::start().await?;
        let variables = [
            ("AGORA_WEBHOOK_SECRET", secrets[0].as_str()),
            ("AGORA_WEBHOOK_SECRET_SECONDARY", secrets[1].as_str()),
        ];
        let function = services.start_edge_function(name, &variables).await?;
        let edge = services.start_edge_with(&format!("{name}_edge"), &variables)?;
        Ok(Self {
            services,
            function,
            edge,
        })
    }

    /// Sends what the function makes to both, and returns the body of the answer.
    async fn send(&self, about: &str, request: impl Fn() -> Request) -> Result<Value> {
        let of_function = request().send(&self.function).await?;
        let of_edge = at_edge(request()).send(&self.edge).await?;
        expect_same(about, &of_function, &of_edge)?;
        Ok(of_function.json())
    }
}

/// Each has a path of its own.
fn at_edge(request: Request) -> Request {
    request.at("/webhooks/agora")
}

fn vectors() -> Result<Vectors> {
    let file = xtask::workspace::root().join("edge_api/tests/http/vectors/notices.json");
    Ok(serde_json::from_str(&fs::read_to_string(file)?)?)
}

#[tokio::test]
async fn the_edges_vectors_are_answered_as_there() -> Result<()> {
    let vectors = vectors()?;
    let pair = Pair::start("agora_webhook_vectors", &vectors.secrets).await?;
    for refused in &vectors.refused {
        let request = || {
            let headers = refused.headers.iter();
            headers.fold(post(refused.body.clone()), |request, (name, value)| {
                request.header(name, value)
            })
        };
        let answer = pair.send(&refused.about, request).await?;
        assert_eq!(answer["code"], refused.code.as_str(), "{}", refused.about);
    }
    for no_notice in &vectors.no_notices {
        let request = || post(no_notice.body.clone()).header(SIGNATURE, &no_notice.signature);
        let answer = pair.send(&no_notice.about, request).await?;
        assert_eq!(answer["detail"], no_notice.detail.as_str());
    }
    // A right one with more behind it.
    let Signed { body, signatures } = &vectors.signed;
    let longer = || post(body.clone()).header(SIGNATURE, format!("{}00", signatures[0]));
    let answer = pair.send("a longer signature", longer).await?;
    assert_eq!(answer["code"], "webhook_signature_invalid");
    let stored = "select count(*) from stream.webhook_events";
    assert_eq!(pair.services.database.value::<i64>(stored).await?, 0);

    // By either secret. Both services have one database, and the second of them hands over a copy.
    let of_first = post(body.clone()).header(SIGNATURE, &signatures[0]);
    let answer = of_first.send(&pair.function).await?;
    assert_eq!(answer.ok()?["status"], "unknown_channel");
    let of_second = || post(body.clone()).header(SIGNATURE, &signatures[1]);
    let answer = pair.send("the other secret", of_second).await?;
    assert_eq!(answer["status"], "duplicate");
    assert_eq!(pair.services.database.value::<i64>(stored).await?, 1);
    Ok(())
}

#[tokio::test]
async fn other_methods_and_bodies_that_are_too_long_are_refused_as_there() -> Result<()> {
    let vectors = vectors()?;
    let pair = Pair::start("agora_webhook_lengths", &vectors.secrets).await?;
    let signature = &vectors.signed.signatures[0];
    let longest = 16 * 1024;
    for (length, code) in [
        (longest, "webhook_signature_invalid"),
        (longest + 1, "payload_too_large"),
    ] {
        let request = || post(" ".repeat(length)).header(SIGNATURE, signature);
        let answer = pair.send("a long body", request).await?;
        assert_eq!(answer["code"], code);
    }
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let request = || Request::new(method.clone(), "/").header(SIGNATURE, signature);
        let answer = pair.send(method.as_str(), request).await?;
        assert_eq!(answer["status"], 405);
    }

    let address = pair.function.strip_prefix("http://").context("no URL")?;
    let head = format!(
        "POST / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{SIGNATURE}: {signature}\r\n"
    );
    // One that is announced is refused before its first byte.
    let announced = format!("{head}content-length: {}\r\n\r\n", longest + 1);
    assert_eq!(status_line(address, &announced).await?, "HTTP/1.1 413");
    // Without an announced length it is counted as it comes.
    let piece = "x".repeat(4096);
    let pieces = format!("1000\r\n{piece}\r\n").repeat(5) + "0\r\n\r\n";
    let counted = format!("{head}transfer-encoding: chunked\r\n\r\n{pieces}");
    assert_eq!(status_line(address, &counted).await?, "HTTP/1.1 413");
    Ok(())
}

/// The begin of the answer to these bytes, while the connection stays open.
async fn status_line(address: &str, request: &str) -> Result<String> {
    let mut socket = TcpStream::connect(address).await?;
    // The answer may come before the last byte is taken.
    let _ = socket.write_all(request.as_bytes()).await;
    let mut answer = vec![0; 12];
    tokio::time::timeout(DEADLINE, socket.read_exact(&mut answer))
        .await
        .context("no answer")??;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Bodies of which most are no notices: each with what it is about.
fn bodies() -> Result<Vec<(String, Vec<u8>)>> {
    let notice = json!({
        "noticeId": "n", "productId": 1, "eventType": 104, "notifyMs": 1,
        "payload": {"channelName": "room", "ts": 1, "uid": 1, "clientSeq": 1, "reason": 1,
            "duration": 1, "platform": 1, "clientType": 1},
    });
    let mut bodies = Vec::new();
    let values = [
        json!(null),
        json!(-1),
        json!(1.5),
        json!("1"),
        json!(true),
        json!([1]),
        json!({"a": 1}),
        json!(2_147_483_648_i64),
        json!(4_294_967_296_i64),
        json!(9_223_372_036_854_775_807_i64),
        json!(9_223_372_036_854_775_808_u64),
        json!(""),
        json!("x".repeat(65)),
        json!("\u{e4}"),
        json!("a\u{0}b"),
        json!("test_webhook"),
    ];
    for member in ["noticeId", "productId", "eventType", "notifyMs", "payload"] {
        for value in &values {
            let mut changed = notice.clone();
            changed[member] = value.clone();
            bodies.push((format!("{member}: {value:.40}"), changed));
        }
    }
    let Value::Object(payload) = &notice["payload"] else {
        bail!("the notice has no payload");
    };
    for member in payload.keys() {
        for value in &values {
            let mut changed = notice.clone();
            changed["payload"][member] = value.clone();
            bodies.push((format!("payload.{member}: {value:.40}"), changed));
        }
        let mut changed = notice.clone();
        if let Some(payload) = changed["payload"].as_object_mut() {
            payload.remove(member);
        }
        bodies.push((format!("no payload.{member}"), changed));
    }
    for event in 100..=113 {
        let mut changed = notice.clone();
        changed["eventType"] = json!(event);
        bodies.push((format!("event {event}"), changed));
    }
    let mut bodies: Vec<(String, Vec<u8>)> = bodies
        .into_iter()
        .map(|(about, body)| (about, body.to_string().into_bytes()))
        .collect();
    let text = notice.to_string();
    for (about, body) in [
        (
            "a number with a point",
            text.replace(r#""ts":1"#, r#""ts":1.0"#),
        ),
        (
            "a number with an exponent",
            text.replace(r#""ts":1"#, r#""ts":1e3"#),
        ),
        ("minus nothing", text.replace(r#""ts":1"#, r#""ts":-0"#)),
        (
            "a member twice",
            text.replace(r#""ts":1"#, r#""ts":"a","ts":1"#),
        ),
        (
            "a member of every object",
            text.replace(r#""ts":1"#, r#""toString":1"#),
        ),
        (
            "__proto__",
            text.replace(r#""payload":"#, r#""__proto__":{"payload":1},"more":"#),
        ),
        ("spaces", format!(" \n{text}\t ")),
        ("a mark of byte order", format!("\u{feff}{text}")),
        ("a half", text[..text.len() / 2].to_owned()),
        ("two", format!("{text}{text}")),
        ("null", "null".to_owned()),
        ("a text", r#""notice""#.to_owned()),
    ] {
        bodies.push((about.to_owned(), body.into_bytes()));
    }
    let mut behind = text.clone().into_bytes();
    behind.push(0xff);
    bodies.push(("no UTF-8".to_owned(), behind));
    // In a member that nobody reads.
    let mut inside = text.replacen('{', r#"{"sid":"?","#, 1).into_bytes();
    let place = inside.iter().position(|byte| *byte == b'?');
    inside[place.context("no place")?] = 0xff;
    bodies.push(("no UTF-8 inside".to_owned(), inside));
    Ok(bodies)
}

#[tokio::test]
async fn every_field_is_judged_as_there() -> Result<()> {
    let vectors = vectors()?;
    let pair = Pair::start("agora_webhook_fields", &vectors.secrets).await?;
    let (mut taken, mut refused) = (0, 0);
    for (about, body) in bodies()? {
        let signature = sign(&vectors.secrets[0], &body)?;
        let request = || post(body.clone()).header(SIGNATURE, &signature);
        // The first to hand a notice over is told more: it comes to nothing here, and twice.
        request().send(&pair.function).await?;
        let answer = pair.send(&about, request).await?;
        match answer["code"].as_str() {
            Some(_) => refused += 1,
            None => taken += 1,
        }
    }
    assert!(
        taken > 30 && refused > 150,
        "{taken} taken, {refused} refused"
    );
    Ok(())
}
