//! The function's call of the Data API: what it sends, and what each answer of the gateway, PostgREST and the database means.

use std::fs;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_tests::secret;
use stream_tests::services::Services;
use stream_tests::services::edge::expect_problem;
use stream_tests::webhook::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::signed;

/// A Data API that answers as the test says, and keeps the requests.
struct DataApi {
    url: String,
    answer: Arc<Mutex<String>>,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl DataApi {
    async fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (answer, requests) = (Arc::default(), Arc::default());
        let shared = (Arc::clone(&answer), Arc::clone(&requests));
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let _ = serve(socket, &shared.0, &shared.1).await;
            }
        });
        Ok(Self {
            url,
            answer,
            requests,
            task,
        })
    }

    /// Answers so from now on; headers beyond the usual ones end with a line break.
    async fn answers(&self, status: u16, headers: &str, body: &str) {
        let length = body.len();
        *self.answer.lock().await = format!(
            "HTTP/1.1 {status} Status\r\n{headers}connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
    }

    /// The requests since the last call.
    async fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.requests.lock().await)
    }
}

impl Drop for DataApi {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut socket: TcpStream,
    answer: &Mutex<String>,
    requests: &Mutex<Vec<String>>,
) -> Result<()> {
    let mut request = String::new();
    while !is_whole(&request) {
        let mut piece = [0; 4096];
        let length = socket.read(&mut piece).await?;
        anyhow::ensure!(length > 0, "a request ended early");
        request += std::str::from_utf8(&piece[..length])?;
    }
    requests.lock().await.push(request);
    socket.write_all(answer.lock().await.as_bytes()).await?;
    Ok(socket.shutdown().await?)
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else {
        return false;
    };
    let length = header(head, "content-length").and_then(|length| length.parse().ok());
    body.len() >= length.unwrap_or(0)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    headers
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

/// The function with that Data API as its project.
async fn function_of(services: &mut Services, name: &str, url: &str, key: &str) -> Result<String> {
    let secret = services.webhook_secret.clone();
    let keys = json!({"default": key}).to_string();
    let variables = [
        ("AGORA_WEBHOOK_SECRET", secret.as_str()),
        ("SUPABASE_URL", url),
        ("SUPABASE_SECRET_KEYS", &keys),
        ("SUPABASE_SERVICE_ROLE_KEY", ""),
    ];
    services.start_edge_function(name, &variables).await
}

#[tokio::test]
async fn a_newer_key_is_no_token_and_only_known_fields_are_handed_over() -> Result<()> {
    let mut services = Services::start().await?;
    let api = DataApi::start().await?;
    let key = format!("sb_secret_{}", secret::random("a service key", 16)?);
    // Supabase's own URL may end with a slash.
    let url = format!("{}/", api.url);
    let function = function_of(&mut services, "agora_webhook_newer_key", &url, &key).await?;
    api.answers(200, "", r#"{"status":"applied","effect":"noted"}"#)
        .await;
    let session = Uuid::new_v4();
    let mut told = of_user(BROADCASTER_JOINED, session, 1, 1);
    told["payload"]["account"] = json!("of nobody");
    let answer = signed(&services, told.to_string().as_bytes())?
        .send(&function)
        .await?;
    assert_eq!(answer.ok()?["status"], "applied");
    let requests = api.requests().await;
    let [request] = requests.as_slice() else {
        anyhow::bail!("{} requests", requests.len());
    };
    let (head, body) = request.split_once("\r\n\r\n").context("no body")?;
    assert!(head.starts_with("POST /rest/v1/rpc/apply_webhook HTTP/1.1\r\n"));
    assert_eq!(header(head, "content-profile"), Some("stream"));
    assert!(header(head, "apikey") == Some(key.as_str()));
    assert!(header(head, "authorization").is_none());
    let handed: Value = serde_json::from_str(body)?;
    let expected = json!({"notice": {
        "noticeId": told["noticeId"], "productId": 1, "eventType": 103, "notifyMs": told["notifyMs"],
        "payload": {
            "channelName": session, "ts": told["payload"]["ts"], "uid": 1, "reason": null,
            "clientSeq": told["payload"]["clientSeq"], "duration": null, "platform": 1, "clientType": null,
        },
    }});
    assert_eq!(handed, expected);
    Ok(())
}

/// The key of the service goes nowhere else.
#[tokio::test]
async fn a_redirect_is_not_followed() -> Result<()> {
    let mut services = Services::start().await?;
    let (api, other) = (DataApi::start().await?, DataApi::start().await?);
    let key = services.keys.service_role_key.clone();
    let function = function_of(&mut services, "agora_webhook_redirect", &api.url, &key).await?;
    other
        .answers(200, "", r#"{"status":"applied","effect":"noted"}"#)
        .await;
    let to_other = format!("location: {}/\r\n", other.url);
    for status in [302, 307] {
        api.answers(status, &to_other, "").await;
        let body = of_user(BROADCASTER_JOINED, Uuid::new_v4(), 1, 1).to_string();
        let answer = signed(&services, body.as_bytes())?.send(&function).await?;
        expect_problem(&answer, ErrorCode::Internal)?;
    }
    assert_eq!(api.requests().await.len(), 2);
    assert!(other.requests().await.is_empty());
    Ok(())
}

#[tokio::test]
async fn each_failure_of_the_data_api_has_a_code_and_a_line_without_the_notice() -> Result<()> {
    let mut services = Services::start().await?;
    let api = DataApi::start().await?;
    let key = services.keys.service_role_key.clone();
    let name = "agora_webhook_data_api";
    let function = function_of(&mut services, name, &api.url, &key).await?;
    let of_code = |code: &str| json!({"code": code, "message": "m", "details": null}).to_string();
    let session = Uuid::new_v4();
    for (status, body, code, waits) in [
        (429, "slow down".to_owned(), ErrorCode::Overloaded, true),
        (502, String::new(), ErrorCode::UpstreamUnavailable, true),
        (504, String::new(), ErrorCode::UpstreamUnavailable, true),
        (520, String::new(), ErrorCode::UpstreamUnavailable, true),
        (501, String::new(), ErrorCode::Internal, false),
        (404, "{}".to_owned(), ErrorCode::Internal, false),
        (500, of_code("none"), ErrorCode::Internal, false),
        (
            503,
            of_code("PGRST000"),
            ErrorCode::UpstreamUnavailable,
            true,
        ),
        (
            503,
            of_code("PGRST001"),
            ErrorCode::UpstreamUnavailable,
            true,
        ),
        (
            503,
            of_code("PGRST002"),
            ErrorCode::UpstreamUnavailable,
            true,
        ),
        (504, of_code("PGRST003"), ErrorCode::Overloaded, true),
        (406, of_code("PGRST106"), ErrorCode::Internal, false),
        (500, of_code("08006"), ErrorCode::UpstreamUnavailable, true),
    ] {
        api.answers(status, "", &body).await;
        let about = format!("{status} {body}");
        let notice = of_user(BROADCASTER_JOINED, session, 1, 1).to_string();
        let answer = signed(&services, notice.as_bytes())?
            .header("x-request-id", "one-of-ours")
            .send(&function)
            .await?;
        expect_problem(&answer, code).with_context(|| about.clone())?;
        assert_eq!(answer.header("retry-after").is_empty(), !waits, "{about}");
        assert_eq!(api.requests().await.len(), 1, "{about}");
        assert_eq!(answer.header("x-request-id"), "one-of-ours");
    }
    let log = services.database.environment.log_dir.join(name);
    let log = fs::read_to_string(log.with_extension("log"))?;
    assert!(log.matches("a notice was not taken").count() >= 12, "{log}");
    assert!(log.contains(r#""reason":"PGRST106""#), "{log}");
    assert!(!log.contains(&session.to_string()), "{log}");
    Ok(())
}

/// Whoever sends the notice could write lines of their own into a log.
#[tokio::test]
async fn the_id_of_a_request_is_kept_when_it_is_well_formed() -> Result<()> {
    let mut services = Services::start().await?;
    let api = DataApi::start().await?;
    let key = services.keys.service_role_key.clone();
    let name = "agora_webhook_request_id";
    let function = function_of(&mut services, name, &api.url, &key).await?;
    let longest = "x".repeat(128);
    for (id, is_kept) in [
        ("a.B_c-9", true),
        (longest.as_str(), true),
        (&format!("{longest}x"), false),
        ("two words", false),
        ("\"quoted\"", false),
    ] {
        let request = super::post("{}").header("x-request-id", id);
        let answer = request.send(&function).await?;
        expect_problem(&answer, ErrorCode::WebhookSignatureInvalid)?;
        let given = answer.header("x-request-id");
        assert_eq!(given == id, is_kept, "{id}");
        assert!(is_kept || Uuid::parse_str(given).is_ok(), "{given}");
    }
    assert!(api.requests().await.is_empty());
    Ok(())
}
