//! A response over HTTP.

use std::fmt;

use anyhow::{Result, ensure};
use bytes::Bytes;
use hyper::HeaderMap;
use serde_json::Value;

/// An HTTP answer, whatever its status.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// A header's text; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body of a success as JSON; fails for every other answer.
    pub fn ok(&self) -> Result<Value> {
        ensure!(self.status == 200, "not answered with success: {self:?}");
        Ok(serde_json::from_slice(&self.body)?)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, String::from_utf8_lossy(&self.body))
    }
}
