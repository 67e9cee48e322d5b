//! A request to a service: any bytes, so that malformed ones can be made as well.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Uri};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::services::answer::Answer;

/// Longer than the services' own limits, so that their answer comes first.
const DEADLINE: Duration = Duration::from_secs(20);

/// One HTTP request, sent on a connection of its own.
pub struct Request {
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Request {
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    /// The same at another path.
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), format!("Bearer {token}"))
    }

    pub fn json(self, body: &Value) -> Self {
        self.json_bytes(body.to_string())
    }

    /// A body that claims to be JSON.
    pub fn json_bytes(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header(CONTENT_TYPE.as_str(), "application/json")
    }

    /// Fails when no answer came; every status is an answer.
    pub async fn send(self, base_url: &str) -> Result<Answer> {
        let what = format!("{} {base_url}{}", self.method, self.path);
        tokio::time::timeout(DEADLINE, self.exchange(base_url))
            .await
            .with_context(|| format!("{what}: no answer in {DEADLINE:?}"))?
            .context(what)
    }

    async fn exchange(self, base_url: &str) -> Result<Answer> {
        let base: Uri = base_url.parse()?;
        let address = base.authority().context("the URL has no address")?.as_str();
        let stream = TcpStream::connect(address).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends with the connection, when the sender is dropped.
        tokio::spawn(connection);

        let mut request = hyper::Request::builder()
            .method(self.method)
            .uri(self.path)
            .header(HOST, address);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let response = sender
            .send_request(request.body(Full::new(self.body))?)
            .await?;
        let (head, body) = response.into_parts();
        Ok(Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.collect().await?.to_bytes(),
        })
    }
}

impl fmt::Debug for Request {
    /// Without the headers, in which the access tokens are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        write!(f, "{} {} {body}", self.method, self.path)
    }
}
