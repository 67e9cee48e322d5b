//! One signalling socket: its join, its messages, and its end.

use std::ops::ControlFlow;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::StreamExt;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::debug;

use crate::loopback::admission::{self, Place};
use crate::loopback::message::{End, Event, Join, Refusal, Request};
use crate::loopback::rooms::Mailbox;
use crate::loopback::service::Loopback;

/// The time for the first message.
const JOIN_TIMEOUT: Duration = Duration::from_secs(10);
const PING_EVERY: Duration = Duration::from_secs(4);
/// Of a client that is gone without a word: Agora's connections count as interrupted after 4 s and as lost after 10.
const SILENCE: Duration = Duration::from_secs(10);
/// The time for one message to leave.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
/// As Agora's SDKs: so long before its end a token is said to run out, if it had longer to live.
const WARNING: Duration = Duration::from_secs(30);

const NORMAL: u16 = 1000;

/// The end of the socket, of which the client need not be told.
#[derive(Debug, thiserror::Error)]
enum Gone {
    #[error(transparent)]
    Socket(#[from] axum::Error),
    #[error("a message did not leave in time")]
    Stuck,
}

struct Member<'a> {
    loopback: &'a Loopback,
    websocket: WebSocket,
    number: u64,
    place: Place,
    mailbox: Mailbox,
    heard_at: Instant,
    ping_at: Instant,
    warn_at: Option<Instant>,
    expires_at: Instant,
}

/// Serves a socket until either side ends it.
pub async fn serve(loopback: &Loopback, mut websocket: WebSocket) {
    let number = loopback.rooms().next_number();
    let join = match timeout(JOIN_TIMEOUT, first_message(&mut websocket)).await {
        Ok(Some(join)) => join,
        Ok(None) => return refuse(websocket, Refusal::Malformed).await,
        Err(_) => return,
    };
    let place = Place {
        channel: join.channel,
        uid: join.uid,
        role: join.role,
    };
    let life = match admission::admit(&loopback.pool, &place, &join.token).await {
        Ok(life) => life,
        Err(refusal) => return refuse(websocket, refusal).await,
    };
    let joined = loopback.rooms().join(&place, number);
    let (mailbox, peers) = match joined {
        Ok(joined) => joined,
        Err(refusal) => return refuse(websocket, refusal).await,
    };
    let now = Instant::now();
    let mut member = Member {
        loopback,
        websocket,
        number,
        place,
        mailbox,
        heard_at: now,
        ping_at: now + PING_EVERY,
        warn_at: None,
        expires_at: now,
    };
    member.lives(life);
    let outcome = match member.send(Event::Joined { peers }.to_text()).await {
        Ok(()) => member.run().await,
        Err(gone) => Err(gone),
    };
    loopback.rooms().leave(&member.place, member.number);
    match outcome {
        Ok(Some(reason)) => {
            let _ = member.send(Event::Ended { reason }.to_text()).await;
            close(member.websocket).await;
        }
        Ok(None) => {}
        Err(error) => debug!(%error, "a signalling socket ended"),
    }
}

async fn first_message(websocket: &mut WebSocket) -> Option<Join> {
    loop {
        match websocket.next().await?.ok()? {
            Message::Text(text) => {
                return match serde_json::from_str(&text).ok()? {
                    Request::Join(join) => Some(join),
                    Request::Renew { .. } | Request::Signal { .. } => None,
                };
            }
            Message::Ping(_) | Message::Pong(_) => {}
            Message::Binary(_) | Message::Close(_) => return None,
        }
    }
}

async fn refuse(mut websocket: WebSocket, reason: Refusal) {
    debug!(%reason, "a join is refused");
    let text = Event::Refused { reason }.to_text();
    let _ = timeout(SEND_TIMEOUT, websocket.send(Message::text(text))).await;
    close(websocket).await;
}

async fn close(mut websocket: WebSocket) {
    let frame = CloseFrame {
        code: NORMAL,
        reason: "".into(),
    };
    let _ = timeout(SEND_TIMEOUT, websocket.send(Message::Close(Some(frame)))).await;
    // Read on until the client has closed too: a socket that is dropped with unread input is reset, and the client
    // would lose what was sent last.
    let _ = timeout(SEND_TIMEOUT, async {
        while let Some(Ok(_)) = websocket.next().await {}
    })
    .await;
}

impl Member<'_> {
    /// Returns the reason for which the server ends it; none where the client has left.
    async fn run(&mut self) -> Result<Option<End>, Gone> {
        loop {
            let deadline = self.deadline();
            tokio::select! {
                message = self.websocket.next() => {
                    let Some(message) = message else { return Ok(None) };
                    self.heard_at = Instant::now();
                    if self.receive(message?).await?.is_break() {
                        return Ok(None);
                    }
                }
                Some(reason) = self.mailbox.end.recv() => return Ok(Some(reason)),
                Some(text) = self.mailbox.messages.recv() => self.send(text).await?,
                () = self.loopback.stop.cancelled() => return Ok(Some(End::Restart)),
                () = sleep_until(deadline) => {
                    let now = Instant::now();
                    if now >= self.expires_at {
                        return Ok(Some(End::TokenExpired));
                    }
                    if now >= self.heard_at + SILENCE {
                        return Ok(None);
                    }
                    if self.warn_at.is_some_and(|at| now >= at) {
                        self.warn_at = None;
                        self.send(Event::TokenWillExpire {}.to_text()).await?;
                    }
                    if now >= self.ping_at {
                        self.ping_at = now + PING_EVERY;
                        self.send(Event::Alive {}.to_text()).await?;
                        self.send_message(Message::Ping("".into())).await?;
                    }
                }
            }
        }
    }

    fn deadline(&self) -> Instant {
        let next = self
            .expires_at
            .min(self.heard_at + SILENCE)
            .min(self.ping_at);
        self.warn_at.map_or(next, |warn_at| next.min(warn_at))
    }

    fn lives(&mut self, life: Duration) {
        let now = Instant::now();
        self.expires_at = now + life;
        self.warn_at = life.checked_sub(WARNING).map(|before| now + before);
    }

    async fn receive(&mut self, message: Message) -> Result<ControlFlow<()>, Gone> {
        let text = match message {
            Message::Text(text) => text,
            Message::Ping(_) | Message::Pong(_) => return Ok(ControlFlow::Continue(())),
            Message::Binary(_) | Message::Close(_) => return Ok(ControlFlow::Break(())),
        };
        match serde_json::from_str(&text) {
            Ok(Request::Renew { token }) => {
                let admitted = admission::admit(&self.loopback.pool, &self.place, &token).await;
                let event = match admitted {
                    Ok(life) => {
                        self.lives(life);
                        Event::Renewed {}
                    }
                    Err(reason) => Event::Refused { reason },
                };
                self.send(event.to_text()).await?;
            }
            Ok(Request::Signal { to, data }) => {
                let event = Event::Signal {
                    from: self.place.uid,
                    data: &data,
                };
                self.loopback.rooms().signal(&self.place, to, &event);
            }
            Ok(Request::Join(_)) | Err(_) => {
                let reason = Refusal::Malformed;
                self.send(Event::Refused { reason }.to_text()).await?;
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    async fn send(&mut self, text: String) -> Result<(), Gone> {
        self.send_message(Message::text(text)).await
    }

    async fn send_message(&mut self, message: Message) -> Result<(), Gone> {
        timeout(SEND_TIMEOUT, self.websocket.send(message))
            .await
            .map_err(|_| Gone::Stuck)??;
        Ok(())
    }
}
