//! The service that hyper calls for each request of one connection, and the two bodies that note its progress.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::Body;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request, Response};
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use metrics::counter;
use tokio::time::{Instant, Sleep, sleep_until};

use super::host;
use super::progress::Progress;
use super::settings::ServerSettings;
use crate::body::BodyError;
use crate::budget::{Budget, Share};
use crate::error::Malformed;
use crate::lock::Lock;
use crate::metrics::CONNECTIONS_CLOSED;

/// What all connections of a server share.
pub(super) struct Shared {
    pub router: TowerToHyperService<Router>,
    pub http: Builder,
    pub settings: ServerSettings,
    pub body_memory: Arc<Budget>,
    pub head_memory: Arc<Budget>,
}

/// The service of one connection.
pub(super) struct Exchanges {
    pub shared: Arc<Shared>,
    pub progress: Arc<Progress>,
    pub peer: IpAddr,
}

type Answering = Pin<Box<dyn Future<Output = Result<Response<AnswerBody>, Infallible>> + Send>>;

impl Service<Request<Incoming>> for Exchanges {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        let (mut head, incoming) = request.into_parts();
        self.progress.begin(!incoming.is_end_stream());
        let open = OpenExchange(self.progress.clone());
        let settings = &self.shared.settings;
        let client = settings.trusted_proxies.client(self.peer, &head.headers);
        head.extensions.insert(client);
        if let Err(error) = host::check(&head) {
            head.extensions.insert(Malformed(error));
        }
        let held = Held::default();
        let body = Body::new(RequestBody {
            incoming,
            progress: self.progress.clone(),
            memory: self.shared.body_memory.clone(),
            client: client.counted(),
            held: held.clone(),
            due_at: Instant::now() + settings.body_timeout,
            late: None,
        });
        let answering = self.shared.router.call(Request::from_parts(head, body));
        Box::pin(async move {
            let Ok(mut response) = answering.await;
            drop(held);
            if open.0.is_unread() {
                // The rest of the body would be taken for the next request.
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(CONNECTION, close);
            }
            Ok(response.map(|body| AnswerBody { body, _open: open }))
        })
    }
}

/// Ends the exchange when it is dropped.
struct OpenExchange(Arc<Progress>);

impl Drop for OpenExchange {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The memory that a request's body takes, from its first byte to its answer.
type Held = Arc<Lock<Option<Share>>>;

/// The body of an answer; hyper drops it when it holds its last byte.
pub(super) struct AnswerBody {
    body: Body,
    _open: OpenExchange,
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of a request, which must arrive in time and fit into the memory for bodies.
struct RequestBody {
    incoming: Incoming,
    progress: Arc<Progress>,
    memory: Arc<Budget>,
    client: Option<IpAddr>,
    held: Held,
    due_at: Instant,
    /// Made only when the body is waited for.
    late: Option<Pin<Box<Sleep>>>,
}

impl RequestBody {
    /// Counts bytes that arrived; false: all bodies together, or the client's, would be too large.
    fn hold(&self, bytes: usize) -> bool {
        let Some(share) = self.memory.try_take(bytes, 8, self.client) else {
            return false;
        };
        let mut held = self.held.lock();
        match held.as_mut() {
            Some(held) => held.absorb(share),
            None => *held = Some(share),
        }
        true
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) else {
            let due_at = self.due_at;
            let late = self
                .late
                .get_or_insert_with(|| Box::pin(sleep_until(due_at)));
            ready!(late.as_mut().poll(cx));
            counter!(CONNECTIONS_CLOSED, "reason" => "slow_body").increment(1);
            return Poll::Ready(Some(Err(BodyError::TooSlow)));
        };
        let Some(frame) = frame else {
            self.progress.body_ended();
            return Poll::Ready(None);
        };
        let frame = frame.map_err(BodyError::Broken)?;
        if !self.hold(frame.data_ref().map_or(0, Bytes::len)) {
            return Poll::Ready(Some(Err(BodyError::NoMemory)));
        }
        if self.incoming.is_end_stream() {
            self.progress.body_ended();
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
