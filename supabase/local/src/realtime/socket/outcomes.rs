//! What follows from work that the socket did not wait for: joined channels, renewed tokens, the state of replication.

use axum::extract::ws::Message;
use futures_util::SinkExt;
use serde_json::json;

use super::{Outcome, REPLICATION_CHECK_EVERY, Socket};
use crate::realtime::channel::{Channel, Renewal};
use crate::realtime::frame;
use crate::realtime::hub::{Hub, Mailbox};

impl Socket {
    pub(super) async fn finish(&mut self, outcome: Outcome) -> Result<(), axum::Error> {
        match outcome {
            Outcome::Joined {
                topic,
                join_ref,
                reference,
                channel,
            } => {
                // Left, or joined anew, in the meantime.
                if self.joining.get(&topic) != Some(&join_ref) {
                    return Ok(());
                }
                self.joining.remove(&topic);
                match *channel {
                    Ok(channel) => self.joined(topic, reference.as_deref(), channel).await,
                    Err(refusal) => {
                        let response = json!({ "reason": refusal.to_string() });
                        let reference = reference.as_deref();
                        self.reply(Some(&join_ref), reference, &topic, "error", response)
                            .await
                    }
                }
            }
            Outcome::Renewed {
                topic,
                join_ref,
                renewal,
            } => {
                let Some(channel) = self.channels.get_mut(&topic) else {
                    return Ok(());
                };
                if channel.join_ref != join_ref {
                    return Ok(());
                }
                match renewal {
                    Ok(Renewal::Nothing) => Ok(()),
                    Ok(Renewal::Renewed {
                        subject,
                        token,
                        access,
                    }) => {
                        channel.renewed(subject, token, access);
                        deliver_or_withhold(&self.realtime.hub, channel, &self.mailbox);
                        Ok(())
                    }
                    Err(refusal) => self.end_with_error(&topic, &refusal.to_channel()).await,
                }
            }
            Outcome::Replication {
                topic,
                join_ref,
                is_streaming,
            } => {
                let known = self.channels.get(&topic);
                if known.is_none_or(|channel| channel.join_ref != join_ref) {
                    return Ok(());
                }
                if is_streaming {
                    self.system(&topic, "ok", "Replication connection established")
                        .await
                } else {
                    let message = "Replication connection was not established in time";
                    self.end_with_error(&topic, message).await
                }
            }
        }
    }

    /// Subscribes before the reply: whoever has the reply misses nothing from then on.
    async fn joined(
        &mut self,
        topic: String,
        reference: Option<&str>,
        mut channel: Channel,
    ) -> Result<(), axum::Error> {
        self.realtime.connect_tenant();
        deliver_or_withhold(&self.realtime.hub, &channel, &self.mailbox);
        let join_ref = channel.join_ref.clone();
        let presence = channel.presence;
        let announces_replication = channel.announces_replication;
        let replay = std::mem::take(&mut channel.replay);
        self.channels.insert(topic.clone(), channel);
        let response = json!({ "postgres_changes": [] });
        self.reply(Some(&join_ref), reference, &topic, "ok", response)
            .await?;
        for stored in &replay {
            if let Some(message) = stored.frame(&join_ref, &topic) {
                self.websocket.feed(message).await?;
            }
        }
        if presence {
            let frame = frame::text(Some(&join_ref), None, &topic, "presence_state", &json!({}));
            self.websocket.feed(Message::Text(frame.into())).await?;
        }
        if announces_replication {
            let realtime = self.realtime.clone();
            self.work.push(Box::pin(async move {
                let ready = until_ready(&realtime.hub);
                let waited =
                    tokio::time::timeout(realtime.config.replication_ready_timeout, ready).await;
                Outcome::Replication {
                    topic,
                    join_ref,
                    is_streaming: waited.is_ok(),
                }
            }));
        }
        Ok(())
    }
}

/// The real server looks at once, and then every 500 ms.
async fn until_ready(hub: &Hub) {
    while !hub.is_ready() {
        tokio::time::sleep(REPLICATION_CHECK_EVERY).await;
    }
}

/// With presence alone readable a channel is joined and its broadcasts are withheld.
fn deliver_or_withhold(hub: &Hub, channel: &Channel, mailbox: &Mailbox) {
    if channel.access.broadcast {
        hub.subscribe(&channel.topic, mailbox, &channel.replayed);
    } else {
        hub.unsubscribe(&channel.topic, mailbox.socket);
    }
}
