//! The socket of a connection: reads what was read ahead first, and gives up writing to a client that reads nothing.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use metrics::counter;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::half_head::HalfHead;
use super::progress::Progress;
use crate::metrics::CONNECTIONS_CLOSED;

/// A TCP stream with a limit of time for writes without progress.
///
/// Progress is what the kernel takes: its buffer has room again only after the client has acknowledged about a third of
/// it, so a client that reads single bytes makes none.
pub(super) struct Socket {
    stream: TcpStream,
    /// Bytes that were read and not yet used.
    read_ahead: Bytes,
    progress: Arc<Progress>,
    half_head: HalfHead,
    write_timeout: Duration,
    /// Runs while a write waits.
    stalled: Option<Pin<Box<Sleep>>>,
    has_ended: bool,
}

impl Socket {
    pub(super) fn new(
        stream: TcpStream,
        progress: Arc<Progress>,
        half_head: HalfHead,
        write_timeout: Duration,
    ) -> Self {
        Self {
            stream,
            read_ahead: Bytes::new(),
            progress,
            half_head,
            write_timeout,
            stalled: None,
            has_ended: false,
        }
    }

    /// Puts back what was read too far, before what was put back earlier and is not read yet. It is copied: as a part of
    /// hyper's buffer, even an empty one, it would keep the whole.
    pub(super) fn unread(&mut self, bytes: &[u8]) {
        self.read_ahead = [bytes, &self.read_ahead].concat().into();
    }

    /// Waits for the first byte; false: the client has closed instead.
    pub(super) async fn has_bytes(&self) -> bool {
        !self.read_ahead.is_empty() || matches!(self.stream.peek(&mut [0]).await, Ok(1..))
    }

    /// Whether the client has ended its side.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    fn written<T>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.stalled = None;
            return outcome;
        }
        let timeout = self.write_timeout;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(timeout)));
        ready!(stalled.as_mut().poll(cx));
        counter!(CONNECTIONS_CLOSED, "reason" => "answer_not_read").increment(1);
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let has_half_head = self.progress.has_half_head();
        self.half_head.note(has_half_head)?;
        if !self.read_ahead.is_empty() {
            let length = buffer.remaining().min(self.read_ahead.len());
            buffer.put_slice(&self.read_ahead[..length]);
            self.read_ahead.advance(length);
            self.progress.read();
            return Poll::Ready(Ok(()));
        }
        let (room, filled) = (buffer.remaining(), buffer.filled().len());
        let outcome = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        if buffer.filled().len() > filled {
            self.progress.read();
        } else {
            self.has_ended |= room > 0;
        }
        Poll::Ready(outcome)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.written(cx, outcome)
    }

    /// Without it hyper would copy answers into its own buffer, out of the budget's sight.
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes when it has written everything that it held.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(cx);
        if matches!(outcome, Poll::Ready(Ok(()))) {
            self.progress.flushed();
        }
        self.written(cx, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.written(cx, outcome)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;
    use crate::budget::Budget;

    async fn socket() -> Socket {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let stream = TcpStream::connect(address).await.expect("it listens");
        let half_head = HalfHead::new(Budget::new(1 << 20, 1), None);
        Socket::new(stream, Arc::default(), half_head, Duration::from_secs(1))
    }

    /// A buffer that can be seen to be there.
    struct Buffer {
        _there: Arc<()>,
    }

    impl AsRef<[u8]> for Buffer {
        fn as_ref(&self) -> &[u8] {
            b"a head and the beginning of the next"
        }
    }

    #[tokio::test]
    async fn what_is_put_back_keeps_no_buffer_of_whoever_read_it() {
        let mut socket = socket().await;
        for used in [36, 6] {
            let there = Arc::new(());
            let mut buffer = Bytes::from_owner(Buffer {
                _there: there.clone(),
            });
            buffer.advance(used);
            socket.unread(&buffer);
            drop(buffer);
            assert_eq!(Arc::strong_count(&there), 1, "{used} bytes used");
        }
        assert_eq!(socket.read_ahead, " and the beginning of the next");
    }

    /// A client that sends many requests at once fills more than one of hyper's buffers.
    #[tokio::test]
    async fn what_is_put_back_twice_is_read_in_its_order() {
        let mut socket = socket().await;
        socket.unread(b"second, third");
        socket.unread(b"first, ");
        let mut text = [0; 20];
        socket.read_exact(&mut text).await.expect("bytes");
        assert_eq!(&text, b"first, second, third");
    }
}
