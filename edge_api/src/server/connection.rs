//! The life of one connection: waiting for bytes, HTTP while there are some, and an end that the last answer survives.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1::{Builder, Connection as Http};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics::counter;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::exchange::{Exchanges, Shared};
use super::half_head::{HalfHead, MAX_BUFFER_BYTES};
use super::progress::Progress;
use super::socket::Socket;
use crate::client::counted_as;
use crate::metrics::CONNECTIONS_CLOSED;

/// A head holds an access token of a few kilobytes at most; a longer one gets 431.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// How long the rest of a refused body is read and thrown away after the answer, and how much of it. Closing at once
/// would reset the connection, and the client might never see the answer (RFC 9112, section 9.6).
const LINGER: Duration = Duration::from_secs(2);
const MAX_LINGER_BYTES: usize = 16 << 20;

/// hyper's part of every connection.
pub(super) fn http(head_timeout: Duration) -> Builder {
    let mut http = Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_header_size(MAX_HEAD_BYTES)
        .max_buf_size(MAX_BUFFER_BYTES);
    http
}

/// A connection that was accepted.
pub(super) struct Connection {
    pub shared: Arc<Shared>,
    pub peer: IpAddr,
    /// True once the server stops.
    pub stop: watch::Receiver<bool>,
}

/// What becomes of a connection after a while of HTTP.
enum Next {
    /// Waits for another request.
    Wait(Socket),
    /// Ends, after the client has had time to read the answer.
    Linger(Socket),
    Close,
}

impl Connection {
    pub(super) async fn run(mut self, stream: TcpStream) {
        let progress = Arc::<Progress>::default();
        let settings = &self.shared.settings;
        let (mut patience, idle) = (settings.head_timeout, settings.idle_timeout);
        let client = (!settings.trusted_proxies.contains(self.peer)).then(|| counted_as(self.peer));
        let half_head = HalfHead::new(self.shared.head_memory.clone(), client);
        let write_timeout = settings.write_timeout;
        let mut socket = Socket::new(stream, progress.clone(), half_head, write_timeout);
        let mut reason = "silent";
        while self.is_spoken_to(&socket, patience, reason).await {
            match self.serve(socket, &progress).await {
                Next::Wait(waiting) => socket = waiting,
                Next::Linger(socket) => return self.linger(socket).await,
                Next::Close => return,
            }
            (patience, reason) = (idle, "idle");
        }
    }

    /// Waits for the first byte of a request, without any buffer.
    async fn is_spoken_to(
        &mut self,
        socket: &Socket,
        patience: Duration,
        reason: &'static str,
    ) -> bool {
        tokio::select! {
            biased;
            () = stopped(&mut self.stop) => false,
            has_bytes = socket.has_bytes() => has_bytes,
            () = sleep(patience) => {
                counter!(CONNECTIONS_CLOSED, "reason" => reason).increment(1);
                false
            }
        }
    }

    /// Speaks HTTP until the connection ends or has nothing to do.
    async fn serve(&mut self, socket: Socket, progress: &Arc<Progress>) -> Next {
        let service = Exchanges {
            shared: self.shared.clone(),
            progress: progress.clone(),
            peer: self.peer,
        };
        let buffers_kept = self.shared.settings.buffers_kept;
        let http = &self.shared.http;
        let mut http = Box::new(http.serve_connection(TokioIo::new(socket), service));
        let mut is_stopping = false;
        let mut look = pin!(sleep(buffers_kept));
        loop {
            tokio::select! {
                biased;
                outcome = &mut *http => return after(*http, outcome, progress),
                () = stopped(&mut self.stop), if !is_stopping => {
                    if !progress.is_begun() {
                        return Next::Close;
                    }
                    is_stopping = true;
                    std::pin::Pin::new(&mut *http).graceful_shutdown();
                }
                () = &mut look, if !is_stopping => {
                    if progress.is_idle() {
                        let parts = http.into_parts();
                        let mut socket = parts.io.into_inner();
                        socket.unread(&parts.read_buf);
                        return Next::Wait(socket);
                    }
                    look.as_mut().reset(Instant::now() + buffers_kept);
                }
            }
        }
    }

    /// Reads and forgets what the client still sends, until it has seen the end.
    async fn linger(&mut self, mut socket: Socket) {
        let rest = async {
            socket.shutdown().await?;
            let mut buffer = vec![0; 16 * 1024];
            let mut read = 0;
            while read < MAX_LINGER_BYTES {
                match socket.read(&mut buffer).await? {
                    0 => break,
                    length => read += length,
                }
            }
            std::io::Result::Ok(())
        };
        tokio::select! {
            // However it ends, the answer was given.
            _ = timeout(LINGER, rest) => {}
            () = stopped(&mut self.stop) => {}
        }
    }
}

/// Returns once the server stops.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error is a server that has ended.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// What a connection that hyper has ended still needs.
fn after(
    http: Http<TokioIo<Socket>, Exchanges>,
    outcome: hyper::Result<()>,
    progress: &Progress,
) -> Next {
    let is_answered = match &outcome {
        Ok(()) => progress.is_unread(),
        Err(error) => error.is_parse(),
    };
    if let Err(error) = outcome {
        if error.is_timeout() {
            counter!(CONNECTIONS_CLOSED, "reason" => "slow_head").increment(1);
        }
        tracing::debug!(%error, "a connection ended");
    }
    let socket = http.into_parts().io.into_inner();
    if is_answered && !socket.has_ended() {
        Next::Linger(socket)
    } else {
        Next::Close
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use hyper_util::service::TowerToHyperService;
    use tokio::net::TcpListener;

    use super::super::settings::ServerSettings;
    use super::*;
    use crate::budget::Budget;

    /// hyper's part, with its buffers, is taken down. What `Socket` keeps of them is tested there.
    #[tokio::test]
    async fn a_quiet_connection_is_nothing_but_its_socket() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut client = TcpStream::connect(address).await.expect("it listens");
        let (stream, peer) = listener.accept().await.expect("a client");
        let settings = ServerSettings {
            buffers_kept: Duration::from_millis(1),
            ..ServerSettings::default()
        };
        let memory = Budget::new(1 << 20, 1);
        let router = Router::new().route("/", get(|| async {}));
        let shared = Arc::new(Shared {
            router: TowerToHyperService::new(router),
            http: http(settings.head_timeout),
            body_memory: memory.clone(),
            head_memory: memory.clone(),
            settings,
        });
        let (_stopping, stop) = watch::channel(false);
        let mut connection = Connection {
            shared,
            peer: peer.ip(),
            stop,
        };
        let progress = Arc::<Progress>::default();
        let half_head = HalfHead::new(memory, None);
        let mut socket = Socket::new(stream, progress.clone(), half_head, Duration::MAX);
        for _ in 0..2 {
            let request = b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n";
            client.write_all(request).await.expect("it reads");
            let served = connection.serve(socket, &progress);
            let next = timeout(Duration::from_secs(30), served).await;
            let Ok(Next::Wait(waiting)) = next else {
                panic!("it does not wait for another request");
            };
            socket = waiting;
        }
    }
}
