//! A signalling socket of the stand-in, by which browsers set up video between each other.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use stream_core::agora::{AppId, Certificate, ChannelName, Role, TokenRequest, Uid, mint};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::services::Services;

/// Far above what any message takes.
const DEADLINE: Duration = Duration::from_secs(30);

pub struct Signalling {
    socket: WebSocketStream<TcpStream>,
}

/// What a token is made for.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub channel: &'a str,
    pub uid: u32,
    pub role: Role,
    pub issued_s_ago: u32,
    pub expires_in_s: u32,
}

impl Services {
    /// A token as the product makes them, for any place and life.
    pub fn signalling_token(&self, place: Place<'_>) -> Result<String> {
        let agora = &self.database.environment.agora;
        let certificate = Certificate::parse(&agora.certificate)?;
        self.token_signed_by(&certificate, place)
    }

    pub fn token_signed_by(&self, certificate: &Certificate, place: Place<'_>) -> Result<String> {
        let app_id = AppId::parse(&self.database.environment.agora.app_id)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let request = TokenRequest {
            app_id: &app_id,
            channel: &ChannelName::parse(place.channel)?,
            uid: Uid::new(place.uid)?,
            privileges: place.role.into(),
            issued_at: u32::try_from(now)? - place.issued_s_ago,
            expires_in_s: place.expires_in_s,
            salt: 1,
        };
        Ok(mint(&request, certificate)?)
    }
}

impl Signalling {
    pub async fn connect(services: &Services) -> Result<Self> {
        let address = services.supabase_url.trim_start_matches("http://");
        let stream = TcpStream::connect(address).await?;
        let url = format!("ws://{address}/_local/loopback");
        let (socket, _) = tokio_tungstenite::client_async(url, stream).await?;
        Ok(Self { socket })
    }

    /// Connects and asks for a place; `role` is `host` or `audience`.
    pub async fn ask(
        services: &Services,
        (channel, uid, role): (&str, u32, &str),
        token: &str,
    ) -> Result<Self> {
        let mut member = Self::connect(services).await?;
        let join = json!({"channel": channel, "uid": uid, "role": role, "token": token});
        member.send(&json!({ "join": join })).await?;
        Ok(member)
    }

    pub async fn send(&mut self, message: &Value) -> Result<()> {
        Ok(self.socket.send(Message::text(message.to_string())).await?)
    }

    /// The next message but those that only say that the server is there; none: the socket has ended.
    pub async fn next(&mut self) -> Result<Option<Value>> {
        loop {
            let next = tokio::time::timeout(DEADLINE, self.socket.next());
            match next.await.context("nothing came")? {
                None
                | Some(Ok(Message::Close(_)) | Err(Error::ConnectionClosed | Error::Protocol(_))) =>
                {
                    return Ok(None);
                }
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(&text)?;
                    if message.get("alive").is_none() {
                        return Ok(Some(message));
                    }
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(other) => bail!("{other:?}"),
            }
        }
    }
}
