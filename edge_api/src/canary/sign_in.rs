//! Signing in at Supabase Auth as the canary's user, as an app does.

use std::fmt;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::link::Fault;

/// For a connection, and for an answer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// Some ten times what a sign-in answers.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// A token is renewed after this part of its life.
const RENEWED_AFTER: f64 = 0.8;

/// Who watches, and where.
#[derive(Debug, Clone)]
pub struct CanarySettings {
    /// The project's URL, without `/realtime/v1`.
    pub project: Url,
    pub anon_key: SecretString,
    pub email: String,
    pub password: SecretString,
}

/// The account, and the client that signs it in.
pub(super) struct Account {
    settings: CanarySettings,
    client: Client,
}

/// A user who is signed in.
pub(super) struct SignedIn {
    pub user: Uuid,
    pub token: SecretString,
    pub renew_after: Duration,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: u32,
    user: User,
}

#[derive(Deserialize)]
struct User {
    id: Uuid,
}

impl Account {
    pub(super) fn new(settings: CanarySettings) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .connect_timeout(TIMEOUT)
            .redirect(Policy::none())
            .http1_only()
            .user_agent("edge_api")
            .build()?;
        Ok(Self { settings, client })
    }

    /// Signs in anew; the token before stays good until it expires.
    pub(super) async fn sign_in(&self) -> Result<SignedIn, Fault> {
        let CanarySettings {
            anon_key,
            email,
            password,
            ..
        } = &self.settings;
        let credentials = json!({"email": email, "password": password.expose_secret()});
        let request = self
            .client
            .post(self.url("auth/v1/token?grant_type=password"))
            .header("apikey", anon_key.expose_secret())
            .timeout(TIMEOUT)
            .header(CONTENT_TYPE, "application/json")
            .body(credentials.to_string());
        let answer = read(success(request.send().await)?).await?;
        let answer: Answer = serde_json::from_slice(&answer).map_err(|_| Fault::Away)?;
        let life = Duration::from_secs(u64::from(answer.expires_in));
        Ok(SignedIn {
            user: answer.user.id,
            token: answer.access_token.into(),
            renew_after: life.mul_f64(RENEWED_AFTER),
        })
    }

    /// Asks Realtime for a websocket; the answer is to be upgraded. The key stands in the URL, as clients send it, so
    /// neither the URL nor an error of the client is for the log.
    pub(super) async fn connect(&self, websocket_key: &str) -> Result<Response, Fault> {
        let mut url = self.url("realtime/v1/websocket");
        let key = self.settings.anon_key.expose_secret();
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("apikey", key)
            .append_pair("vsn", "2.0.0")
            .finish();
        url.push('?');
        url.push_str(&query);
        let request = self
            .client
            .get(url)
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", websocket_key);
        let answer = tokio::time::timeout(TIMEOUT, request.send()).await;
        success(answer.map_err(|_| Fault::Away)?)
    }

    fn url(&self, path: &str) -> String {
        let project = self.settings.project.as_str().trim_end_matches('/');
        format!("{project}/{path}")
    }
}

fn success(answer: reqwest::Result<Response>) -> Result<Response, Fault> {
    let answer = answer.map_err(|_| Fault::Away)?;
    match answer.status().as_u16() {
        101 | 200 => Ok(answer),
        status => Err(Fault::of_status(status)),
    }
}

async fn read(mut answer: Response) -> Result<Vec<u8>, Fault> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|_| Fault::Away)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(Fault::Away);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Account(..)")
    }
}
