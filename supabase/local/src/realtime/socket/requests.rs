//! What a client asks of its channels: joins, leaves, new tokens and broadcasts of its own.

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::{MAX_CHANNELS, Outcome, Socket};
use crate::realtime::channel::{self, JoinRequest};
use crate::realtime::frame::{self, MAX_PAYLOAD_BYTES, UserBroadcast};
use crate::realtime::hub::Origin;

impl Socket {
    /// Asks the policies; the answer comes as an [`Outcome::Joined`].
    pub(super) async fn join(
        &mut self,
        topic: String,
        join_ref: String,
        reference: Option<&str>,
        payload: &Value,
    ) -> Result<(), axum::Error> {
        // A second join of a topic replaces the first.
        if self.channels.contains_key(&topic) {
            self.end_channel(&topic).await?;
        }
        let joining = if self.channels.len() + self.joining.len() < MAX_CHANNELS {
            let request = JoinRequest::parse(payload);
            Box::pin(channel::join(
                self.realtime.clone(),
                self.key.clone(),
                self.headers_json.clone(),
                topic.clone(),
                join_ref.clone(),
                request,
            )) as BoxFuture<'static, _>
        } else {
            Box::pin(channel::refuse_too_many(self.realtime.clone()))
        };
        self.joining.insert(topic.clone(), join_ref.clone());
        let reference = reference.map(str::to_owned);
        self.work.push(Box::pin(async move {
            Outcome::Joined {
                channel: Box::new(joining.await),
                topic,
                join_ref,
                reference,
            }
        }));
        Ok(())
    }

    pub(super) async fn leave(
        &mut self,
        topic: &str,
        join_ref: Option<&str>,
        reference: Option<&str>,
    ) -> Result<(), axum::Error> {
        self.joining.remove(topic);
        self.reply(join_ref, reference, topic, "ok", json!({}))
            .await?;
        self.end_channel(topic).await
    }

    pub(super) fn renew(&mut self, topic: String, token: Option<&str>) {
        let (Some(channel), Some(token)) = (self.channels.get(&topic), token) else {
            return;
        };
        if channel.has_token(token) {
            return;
        }
        let join_ref = channel.join_ref.clone();
        let renewing = channel::renew(
            self.realtime.clone(),
            self.headers_json.clone(),
            channel.topic.clone(),
            channel.presence,
            channel.access,
            token.to_owned(),
        );
        self.work.push(Box::pin(async move {
            Outcome::Renewed {
                topic,
                join_ref,
                renewal: renewing.await,
            }
        }));
    }

    /// Passes a client's broadcast on to the other sockets of its topic. One that the policies
    /// forbid is dropped without a word, as the real server does.
    pub(super) async fn relay(
        &mut self,
        topic: &str,
        reference: Option<&str>,
        broadcast: UserBroadcast,
    ) -> Result<(), axum::Error> {
        let Some(channel) = self.channels.get_mut(topic) else {
            let response = json!({ "reason": "unmatched topic" });
            return self.reply(None, reference, topic, "error", response).await;
        };
        if !channel.may_write(&self.realtime).await {
            return Ok(());
        }
        let UserBroadcast {
            event,
            encoding,
            payload,
        } = broadcast;
        self.realtime.quota.count(1);
        if payload.len() > MAX_PAYLOAD_BYTES {
            if !channel.acknowledges {
                return Ok(());
            }
            let join_ref = channel.join_ref.clone();
            return self
                .reply(Some(&join_ref), reference, topic, "error", json!({}))
                .await;
        }
        // Only a topic of more than 255 bytes fails here, and the client could not have sent it.
        if let Ok(frame) = frame::broadcast(topic, &event, "", encoding, &payload) {
            let except = (!channel.echoes).then_some(self.mailbox.socket);
            let hub = &self.realtime.hub;
            hub.publish(&channel.topic, &frame, Origin::Socket { except });
        }
        if channel.acknowledges {
            let join_ref = channel.join_ref.clone();
            self.reply(Some(&join_ref), reference, topic, "ok", json!({}))
                .await?;
        }
        Ok(())
    }
}
