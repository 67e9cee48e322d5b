//! A channel of one socket: what a join asks for, who is let in, and what it may do since.

mod refusal;

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;
use tracing::warn;
use uuid::Uuid;

pub use self::refusal::Refusal;
use crate::api_key::ApiKey;
use crate::realtime::authorization::{self, AuthorizationError, ReadAccess};
use crate::realtime::hub::Topic;
use crate::realtime::replay::{self, InvalidRequest, Stored};
use crate::realtime::service::Realtime;
use crate::realtime::token::{self, Subject};

const TOPIC_PREFIX: &str = "realtime:";

/// A topic that a socket has joined.
pub struct Channel {
    pub join_ref: String,
    pub topic: Topic,
    pub subject: Subject,
    pub access: ReadAccess,
    /// True when a broadcast is confirmed to its sender.
    pub acknowledges: bool,
    /// True when a broadcast comes back to its sender.
    pub echoes: bool,
    pub presence: bool,
    pub announces_replication: bool,
    /// The stored messages that are sent after the reply to the join.
    pub replay: Vec<Stored>,
    /// The ids of messages of which no live copy is delivered.
    pub replayed: Arc<HashSet<Uuid>>,
    /// The verdict of the write policies on this subject, once they were asked.
    pub may_write: Option<bool>,
    token: Option<String>,
}

/// The payload of `phx_join`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct JoinRequest {
    private: bool,
    acknowledges: bool,
    echoes: bool,
    announces_replication: bool,
    presence: bool,
    replay: Option<Result<replay::ReplayRequest, InvalidRequest>>,
    postgres_changes: bool,
    access_token: Option<String>,
}

/// The effect of a channel's later token.
pub enum Renewal {
    /// The same token, or one that means the connection's own.
    Nothing,
    Renewed {
        subject: Subject,
        token: String,
        access: ReadAccess,
    },
}

impl JoinRequest {
    pub fn parse(payload: &Value) -> Self {
        let config = &payload["config"];
        let broadcast = &config["broadcast"];
        Self {
            private: is_true(&config["private"]),
            acknowledges: is_true(&broadcast["ack"]),
            echoes: is_true(&broadcast["self"]),
            announces_replication: is_true(&broadcast["replication_ready"]),
            presence: is_true(&config["presence"]["enabled"]),
            replay: replay::ReplayRequest::parse(&broadcast["replay"]),
            postgres_changes: config["postgres_changes"]
                .as_array()
                .is_some_and(|changes| !changes.is_empty()),
            access_token: payload["access_token"].as_str().map(str::to_owned),
        }
    }
}

/// Lets a socket into `topic_name` (with `realtime:`), or answers why not after a delay.
pub async fn join(
    realtime: Arc<Realtime>,
    key: ApiKey,
    headers_json: Arc<str>,
    topic_name: String,
    join_ref: String,
    request: JoinRequest,
) -> Result<Channel, Refusal> {
    let joined = admit(
        &realtime,
        &key,
        &headers_json,
        &topic_name,
        join_ref,
        request,
    )
    .await;
    if joined.is_err() {
        tokio::time::sleep(realtime.config.channel_error_backoff).await;
    }
    joined
}

/// Answers that there are too many channels already, after the delay of every refusal.
pub async fn refuse_too_many(realtime: Arc<Realtime>) -> Result<Channel, Refusal> {
    tokio::time::sleep(realtime.config.channel_error_backoff).await;
    Err(Refusal::TooManyChannels)
}

/// Checks a token that a joined channel was sent.
pub async fn renew(
    realtime: Arc<Realtime>,
    headers_json: Arc<str>,
    topic: Topic,
    presence: bool,
    before: ReadAccess,
    token: String,
) -> Result<Renewal, Refusal> {
    let Some(subject) = token::subject(&realtime.token_key, &token, &headers_json)? else {
        return Ok(Renewal::Nothing);
    };
    let access = read_access(&realtime, &subject, &topic, presence).await?;
    if before.is_more_than(access) {
        return Err(Refusal::Revoked(topic.name));
    }
    Ok(Renewal::Renewed {
        subject,
        token,
        access,
    })
}

impl Channel {
    /// True when `token` is the channel's token already.
    pub fn has_token(&self, token: &str) -> bool {
        self.token.as_deref() == Some(token)
    }

    /// Goes on with another token; the write policies are asked anew.
    pub fn renewed(&mut self, subject: Subject, token: String, access: ReadAccess) {
        self.subject = subject;
        self.token = Some(token);
        self.access = access;
        self.may_write = None;
    }

    /// True when the policies let this subject send. Public topics are open to everybody.
    pub async fn may_write(&mut self, realtime: &Realtime) -> bool {
        if !self.topic.private {
            return true;
        }
        if let Some(known) = self.may_write {
            return known;
        }
        let pool = &realtime.pool;
        match authorization::write(pool, &self.subject, &self.topic.name).await {
            Ok(allowed) => {
                self.may_write = Some(allowed);
                allowed
            }
            // Not remembered: the next broadcast asks again.
            Err(error) => {
                warn!(%error, "the write policies could not be asked");
                false
            }
        }
    }
}

async fn admit(
    realtime: &Realtime,
    key: &ApiKey,
    headers_json: &str,
    topic_name: &str,
    join_ref: String,
    request: JoinRequest,
) -> Result<Channel, Refusal> {
    let name = topic_name
        .strip_prefix(TOPIC_PREFIX)
        .filter(|name| !name.is_empty())
        .ok_or(Refusal::TopicName)?;
    if request.postgres_changes {
        return Err(Refusal::PostgresChanges);
    }
    let sent = match &request.access_token {
        Some(sent) => token::subject(&realtime.token_key, sent, headers_json)?,
        None => None,
    };
    let subject = match sent {
        Some(subject) => subject,
        None => token::from_claims(&key.claims, headers_json)?,
    };
    let topic = Topic {
        name: name.to_owned(),
        private: request.private,
    };
    let access = read_access(realtime, &subject, &topic, request.presence).await?;
    let replay = match request.replay {
        Some(asked) => replay(realtime, &topic, access, asked).await?,
        None => Vec::new(),
    };
    Ok(Channel {
        join_ref,
        topic,
        subject,
        access,
        acknowledges: request.acknowledges,
        echoes: request.echoes,
        presence: request.presence,
        announces_replication: request.announces_replication,
        replayed: Arc::new(replay::ids(&replay)),
        replay,
        may_write: None,
        token: request.access_token,
    })
}

/// The stored messages of the topic that a join asks for; it may read the topic.
async fn replay(
    realtime: &Realtime,
    topic: &Topic,
    access: ReadAccess,
    asked: Result<replay::ReplayRequest, InvalidRequest>,
) -> Result<Vec<Stored>, Refusal> {
    if !topic.private {
        return Err(Refusal::ReplayOfPublicChannel);
    }
    if !access.broadcast {
        return Err(Refusal::Unauthorized(topic.name.clone()));
    }
    let asked = asked.map_err(|InvalidRequest| Refusal::MalformedReplay)?;
    let newest = replay::newest(&realtime.pool, &topic.name, asked).await;
    newest.map_err(|error| {
        warn!(%error, "stored messages could not be read");
        Refusal::Replay
    })
}

async fn read_access(
    realtime: &Realtime,
    subject: &Subject,
    topic: &Topic,
    presence: bool,
) -> Result<ReadAccess, Refusal> {
    if !topic.private {
        return Ok(ReadAccess {
            broadcast: true,
            presence,
        });
    }
    let pool = &realtime.pool;
    match authorization::read(pool, subject, &topic.name, presence).await {
        Ok(access) if access.is_any() => Ok(access),
        Ok(_) => Err(Refusal::Unauthorized(topic.name.clone())),
        // A policy that fails lets nobody in; why is the operator's to know, not the client's.
        Err(error @ AuthorizationError::Policy(_)) => {
            warn!(%error, "the read policies failed");
            Err(Refusal::Unauthorized(topic.name.clone()))
        }
        Err(error) => Err(Refusal::Authorization(error)),
    }
}

/// Clients send booleans as such or as strings.
fn is_true(value: &Value) -> bool {
    matches!(value, Value::Bool(true)) || value == "true"
}

#[cfg(test)]
mod tests;
