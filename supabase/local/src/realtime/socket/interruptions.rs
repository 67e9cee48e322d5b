//! What a test does to open sockets: closes them, cuts them, ends their channels.

use std::ops::ControlFlow;

use super::{SERVICE_RESTART, Socket};
use crate::realtime::channel::Channel;
use crate::realtime::faults::Interruption;

impl Socket {
    /// What a test does to this socket; `Break` cuts it.
    pub(super) async fn interrupt(
        &mut self,
        interruption: Interruption,
    ) -> Result<ControlFlow<()>, axum::Error> {
        let stored = |channel: &Channel| channel.topic.name.clone();
        match interruption {
            Interruption::Restart => {
                self.close(SERVICE_RESTART, "restarting").await;
                return Ok(ControlFlow::Break(()));
            }
            Interruption::CutSockets { topic } => {
                let is_struck = |of: &String| self.channels.values().any(|one| stored(one) == *of);
                if topic.as_ref().is_none_or(is_struck) {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Interruption::EndChannels { topic, message } => {
                let struck: Vec<String> = self
                    .channels
                    .iter()
                    .filter(|(_, channel)| topic.as_ref().is_none_or(|of| stored(channel) == *of))
                    .map(|(name, _)| name.clone())
                    .collect();
                for name in struck {
                    self.end_with_error(&name, &message).await?;
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}
