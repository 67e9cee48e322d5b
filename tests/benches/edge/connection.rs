//! A keep-alive HTTP/1.1 connection that costs its driver as little as it can.

use anyhow::{Context, Result, bail, ensure};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Beyond every deadline of the services.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// The head of an answer, of which a service under test sends a few hundred bytes.
const MOST_HEADERS: usize = 32;

/// One connection, one request at a time.
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    /// The end of the latest answer in `received`.
    end: usize,
}

impl Connection {
    pub async fn open(address: &str) -> Result<Self> {
        Self::over(TcpStream::connect(address).await?)
    }

    pub fn over(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            received: Vec::with_capacity(4096),
            end: 0,
        })
    }

    /// Sends a whole request and returns the body of its answer. Fails for every status that is no success.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<&[u8]> {
        let received = tokio::time::timeout(ANSWER_WITHIN, self.answer_to(request)).await;
        let (status, body) =
            received.with_context(|| format!("no answer within {ANSWER_WITHIN:?}"))??;
        let body = &self.received[body];
        ensure!(
            (200..300).contains(&status),
            "answered with {status} {}",
            String::from_utf8_lossy(body)
        );
        Ok(body)
    }

    async fn answer_to(&mut self, request: &[u8]) -> Result<(u16, std::ops::Range<usize>)> {
        self.received.drain(..self.end);
        self.end = 0;
        self.stream.write_all(request).await?;
        loop {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                bail!("the service has closed the connection");
            }
            if let Some((status, body)) = parse(&self.received)? {
                self.end = body.end;
                return Ok((status, body));
            }
        }
    }
}

/// The status and the place of the body, once the whole answer is there.
fn parse(received: &[u8]) -> Result<Option<(u16, std::ops::Range<usize>)>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(begin) = answer.parse(received)? else {
        return Ok(None);
    };
    let status = answer.code.context("an answer without a status")?;
    let length = answer
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length: usize = match length {
        Some(length) => std::str::from_utf8(length.value)?.parse()?,
        None if status == 204 => 0,
        None => bail!("an answer without a length"),
    };
    let end = begin + length;
    Ok((received.len() >= end).then_some((status, begin..end)))
}
