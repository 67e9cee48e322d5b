//! The websocket of the canary: joined, kept alive, and joined again.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use metrics::counter;
use reqwest::Upgraded;
use secrecy::ExposeSecret;
use tokio::sync::watch;
use tokio::time::{Instant, interval_at, sleep, sleep_until, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::link::{self, Fault, Link, Received, Sent};
use super::protocol::{Channel, Told};
use super::sign_in::{Account, SignedIn, TIMEOUT};
use crate::metrics::CANARIES_RECEIVED;

/// More often than supabase-js, so that a server that is gone is noticed between two canaries. One that is not answered by
/// the next ends the connection.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Pauses before the next attempt, as supabase-js makes them.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

/// By which Realtime says that rows of the database arrive from now on.
const REPLICATION_READY: &str = "Replication connection established";

/// Joins the channel again and again, without end.
pub(super) async fn keep_joined(account: Account, link: watch::Sender<Link>) {
    let mut failures = 0;
    loop {
        let was_joined = || matches!(link.borrow().channel, link::Channel::Joined { .. });
        let fault = follow(&account, &link).await;
        // A connection that worked is made again without delay.
        failures = if was_joined() { 0 } else { failures + 1 };
        link.send_modify(|link| {
            if failures == 1 || link.channel != link::Channel::Failed(fault) {
                tracing::warn!(?fault, "the canary's channel is not joined; trying on");
            }
            link.channel = link::Channel::Failed(fault);
        });
        sleep(PAUSES[failures.min(PAUSES.len() - 1)]).await;
    }
}

/// One connection, from the sign-in to its end; returns why it ended.
async fn follow(account: &Account, link: &watch::Sender<Link>) -> Fault {
    match try_to_follow(account, link).await {
        Ok(never) => match never {},
        Err(fault) => fault,
    }
}

enum Never {}

async fn try_to_follow(account: &Account, link: &watch::Sender<Link>) -> Result<Never, Fault> {
    let signed_in = account.sign_in().await?;
    link.send_modify(|link| link.user = Some(signed_in.user));
    let socket = open(account).await?;
    let topic = format!("canary:{}", signed_in.user);
    let mut connection = Connection {
        socket,
        channel: Channel::new(&topic),
        number: 0,
        join_number: 0,
    };
    connection.join(&signed_in).await?;
    connection.listen(account, signed_in, link).await
}

async fn open(account: &Account) -> Result<WebSocketStream<Upgraded>, Fault> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|_| Fault::Away)?;
    let key = STANDARD.encode(nonce);
    let answer = account.connect(&key).await?;
    let accepted = answer.headers().get("sec-websocket-accept");
    // Anything else is no websocket, whatever it answers (RFC 6455, section 4.1).
    if accepted
        .is_none_or(|accepted| accepted.as_bytes() != derive_accept_key(key.as_bytes()).as_bytes())
    {
        return Err(Fault::Away);
    }
    let stream = answer.upgrade().await.map_err(|_| Fault::Away)?;
    Ok(WebSocketStream::from_raw_socket(stream, Role::Client, None).await)
}

/// A websocket, and the numbers of what was sent on it.
struct Connection {
    socket: WebSocketStream<Upgraded>,
    channel: Channel,
    number: u64,
    join_number: u64,
}

impl Connection {
    async fn join(&mut self, signed_in: &SignedIn) -> Result<(), Fault> {
        self.join_number = self.next_number();
        let join = self
            .channel
            .join(self.join_number, signed_in.token.expose_secret());
        self.send(join).await?;
        let by = Instant::now() + TIMEOUT;
        loop {
            let told = timeout_at(by, self.receive()).await;
            match told.map_err(|_| Fault::Away)?? {
                Told::Reply { to, refused } if to == self.join_number.to_string() => {
                    return refused.map_or(Ok(()), |reason| Err(Fault::of(&reason)));
                }
                Told::Closed => return Err(Fault::Away),
                _ => {}
            }
        }
    }

    /// Takes what comes until the channel or the connection is over.
    async fn listen(
        mut self,
        account: &Account,
        signed_in: SignedIn,
        link: &watch::Sender<Link>,
    ) -> Result<Never, Fault> {
        set_joined(link, false);
        let mut heartbeats = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        let mut unanswered: Option<String> = None;
        let mut renew_at = Instant::now() + signed_in.renew_after;
        // The last words of the server before it closes the channel.
        let mut last_fault = Fault::Away;
        loop {
            tokio::select! {
                told = self.receive() => match told? {
                    Told::Canary(sent) => note(link, sent),
                    Told::System { fault: Some(text), .. } => last_fault = Fault::of(&text),
                    Told::System { text, .. } if text == REPLICATION_READY => {
                        set_joined(link, true);
                    }
                    Told::Reply { to, .. } if unanswered.as_ref() == Some(&to) => unanswered = None,
                    Told::Closed => return Err(last_fault),
                    Told::Reply { .. } | Told::System { .. } | Told::Other => {}
                },
                _ = heartbeats.tick() => {
                    if unanswered.is_some() {
                        return Err(Fault::Away);
                    }
                    let number = self.next_number();
                    unanswered = Some(number.to_string());
                    self.send(Channel::heartbeat(number)).await?;
                }
                () = sleep_until(renew_at) => {
                    let renewed = account.sign_in().await?;
                    renew_at = Instant::now() + renewed.renew_after;
                    let number = self.next_number();
                    let token = renewed.token.expose_secret();
                    let renewal = self.channel.renew(self.join_number, number, token);
                    self.send(renewal).await?;
                }
            }
        }
    }

    fn next_number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    async fn send(&mut self, text: String) -> Result<(), Fault> {
        let by = Instant::now() + TIMEOUT;
        let sent = timeout_at(by, self.socket.send(Message::text(text))).await;
        sent.map_err(|_| Fault::Away)?.map_err(|_| Fault::Away)
    }

    /// The next message; cancelling it loses none.
    async fn receive(&mut self) -> Result<Told, Fault> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Ok(self.channel.read_text(&text)),
                Some(Ok(Message::Binary(bytes))) => return Ok(self.channel.read_binary(&bytes)),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Fault::Away),
                Some(Ok(_)) => {}
            }
        }
    }
}

/// `is_ready`: rows of the database arrive, as Realtime says.
fn set_joined(link: &watch::Sender<Link>, is_ready: bool) {
    link.send_modify(|link| {
        let is_joined = |link: &Link| matches!(link.channel, link::Channel::Joined { .. });
        let was_joined = is_joined(link);
        link.join(Instant::now(), is_ready);
        if !was_joined && is_joined(link) {
            tracing::info!("the canary's channel is joined");
        }
    });
}

fn note(link: &watch::Sender<Link>, sent: Sent) {
    link.send_modify(|link| {
        let received = Received {
            sent,
            at: Instant::now(),
            clock: SystemTime::now(),
        };
        if link.take(received) {
            counter!(CANARIES_RECEIVED).increment(1);
        }
    });
}
