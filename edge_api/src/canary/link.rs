//! What the socket sees: whether the channel is joined, why not, and the newest canary.

use std::time::SystemTime;

use serde::Deserialize;
use tokio::time::Instant;
use uuid::Uuid;

/// A cause for which the channel is not joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// No connection, no answer, or one that says that the server cannot or lets nobody in at present, as over a limit of
    /// sign-ins, connections, channels or joins.
    Away,
    /// The sign-in, the key or the channel was refused.
    Unauthorised,
    /// The limit of messages a second was reached: rows are dropped.
    Quota,
    /// The database has no partition for today.
    NoPartition,
    /// Realtime could not read the database within the time in which it waits for that, and closes the channel again and
    /// again.
    NotFollowed,
}

impl Fault {
    /// Of the reason of a refused join, or the text of a system message.
    pub(super) fn of(text: &str) -> Self {
        let has = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
        if has(&["MissingPartition"]) {
            Self::NoPartition
        } else if has(&["Replication connection was not established"]) {
            Self::NotFollowed
        } else if has(&["Too many messages per second"]) {
            Self::Quota
        } else if has(&[
            "Unauthorized",
            "PrivateOnly",
            "InvalidJWT",
            "MalformedJWT",
            "JwtSignatureError",
            "JwtSignerError",
            "Token has expired",
            "ermission",
        ]) {
            Self::Unauthorised
        } else {
            Self::Away
        }
    }

    /// Of a refused handshake or sign-in.
    pub(super) fn of_status(status: u16) -> Self {
        match status {
            400 | 401 | 403 | 422 => Self::Unauthorised,
            _ => Self::Away,
        }
    }
}

/// The state of the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Channel {
    /// Not tried yet.
    #[default]
    New,
    Joined {
        since: Instant,
    },
    /// Until it is joined again.
    Failed(Fault),
}

/// The payload of a canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Sent {
    pub canary_no: i64,
    pub server_time: jiff::Timestamp,
}

/// A canary that came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Received {
    pub sent: Sent,
    pub at: Instant,
    /// By the clock of this machine.
    pub clock: SystemTime,
}

/// What is known of the way through Realtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Link {
    /// The user who is signed in.
    pub user: Option<Uuid>,
    pub channel: Channel,
    pub newest: Option<Received>,
}

impl Link {
    /// Notes that the channel is joined at `now`; `is_ready`: Realtime says that it reads the database. Where it could not
    /// before, a join alone is no news.
    pub(super) fn join(&mut self, now: Instant, is_ready: bool) {
        if is_ready || self.channel != Channel::Failed(Fault::NotFollowed) {
            self.channel = Channel::Joined { since: now };
        }
    }

    /// Takes a canary; returns whether it is new. Realtime's replay and several servers may bring an older one late.
    pub(super) fn take(&mut self, received: Received) -> bool {
        // Whatever Realtime has said, it reads the database.
        if !matches!(self.channel, Channel::Joined { .. }) {
            self.join(received.at, true);
        }
        let is_new = self
            .newest
            .is_none_or(|newest| newest.sent.canary_no < received.sent.canary_no);
        if is_new {
            self.newest = Some(received);
        }
        is_new
    }

    /// Forgets what was received if the database has sent less since: it was recovered to an earlier moment. The channel
    /// counts as joined at `now`, for what was sent meanwhile was taken for old. Returns whether anything was forgotten.
    pub(super) fn forget_above(&mut self, sent_no: i64, now: Instant) -> bool {
        if self
            .newest
            .is_none_or(|newest| newest.sent.canary_no <= sent_no)
        {
            return false;
        }
        self.newest = None;
        if let Channel::Joined { since } = &mut self.channel {
            *since = now;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_realtime_are_told_apart() {
        for (text, fault) in [
            (
                "Unauthorized: You do not have permissions to read from this Channel topic: canary:x",
                Fault::Unauthorised,
            ),
            (
                "You do not have permissions to read from this Channel topic: canary:x",
                Fault::Unauthorised,
            ),
            ("Token has expired 3 seconds ago", Fault::Unauthorised),
            ("InvalidJWTToken: Token has expired", Fault::Unauthorised),
            ("InvalidJWTToken: no role", Fault::Unauthorised),
            ("MalformedJWT: The token is malformed", Fault::Unauthorised),
            ("JwtSignatureError: Failed to validate", Fault::Unauthorised),
            (
                "JwtSignerError: Failed to make a signer",
                Fault::Unauthorised,
            ),
            (
                "PrivateOnly: This project only allows private channels",
                Fault::Unauthorised,
            ),
            ("Too many messages per second", Fault::Quota),
            (
                "ClientJoinRateLimitReached: Too many joins per second",
                Fault::Away,
            ),
            (
                "ConnectionRateLimitReached: Too many connected users",
                Fault::Away,
            ),
            ("ChannelRateLimitReached: Too many channels", Fault::Away),
            ("MissingPartition: no partition", Fault::NoPartition),
            (
                "Replication connection was not established in time",
                Fault::NotFollowed,
            ),
            ("RealtimeRestarting: Realtime is restarting", Fault::Away),
            (
                "UnableToConnectToProject: Realtime was unable to connect",
                Fault::Away,
            ),
            ("Server requested disconnect", Fault::Away),
        ] {
            assert_eq!(Fault::of(text), fault, "{text}");
        }
        for status in [400, 401, 403, 422] {
            assert_eq!(Fault::of_status(status), Fault::Unauthorised, "{status}");
        }
        for status in [301, 404, 408, 429, 500, 503] {
            assert_eq!(Fault::of_status(status), Fault::Away, "{status}");
        }
    }
}
