//! The answer to a connection that is one too many: 503, without a router and within a second.

use std::sync::Arc;
use std::time::Duration;

use stream_core::error::ErrorCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::error::{ApiError, problem};
use crate::request_id::RequestId;

/// Refused connections that are answered at the same time; more are closed without an answer.
pub(super) const MAX_REFUSALS: usize = 64;

/// For the request to arrive, the answer to leave and the client to close.
const TIME: Duration = Duration::from_secs(1);

/// What is read of a refused request, so that closing does not reset the connection and take the answer with it.
const MAX_READ_BYTES: usize = 64 * 1024;

/// Answers connections that are refused, so many at a time.
#[derive(Debug, Clone)]
pub(super) struct Refusals(Arc<Semaphore>);

impl Refusals {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(MAX_REFUSALS)))
    }

    /// The work that answers and closes; none: the connection is closed already.
    pub(super) fn answer(&self, stream: TcpStream) -> Option<impl Future<Output = ()> + use<>> {
        let permit = self.0.clone().try_acquire_owned().ok()?;
        Some(async move {
            // A client that does not read within the time is not owed more.
            let _ = tokio::time::timeout(TIME, exchange(stream)).await;
            drop(permit);
        })
    }
}

async fn exchange(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = vec![0; 4096];
    if stream.read(&mut buffer).await? == 0 {
        return Ok(());
    }
    let error = ApiError::new(ErrorCode::Overloaded);
    let answer = problem::as_bytes(&error, &RequestId::new());
    stream.write_all(&answer).await?;
    stream.shutdown().await?;
    let mut read = 0;
    while read < MAX_READ_BYTES {
        match stream.read(&mut buffer).await? {
            0 => break,
            length => read += length,
        }
    }
    Ok(())
}
