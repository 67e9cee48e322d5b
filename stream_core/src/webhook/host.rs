//! The effect on a stream of Agora's notices about its host.
//!
//! There are two witnesses: the heartbeats of the host's app, and Agora's notices. The verdict depends
//! on nothing but the newest notice and on whether heartbeats come, so that it is the same in
//! whatever order the notices came in. docs/webhooks.md has the table in words.

use super::event::{Cause, UserKind};
use crate::lifecycle::StreamState;

/// The way in which a stream lost its host; its name stands in `state_reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Loss {
    /// Gone, for whatever reason.
    Lost,
    /// Sent away because of the token: the app needs a new one.
    Token,
}

impl Loss {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lost => "host_lost",
            Self::Token => "host_token",
        }
    }

    /// The loss with this word, if it is one.
    pub fn parse(reason: &str) -> Option<Self> {
        [Self::Lost, Self::Token]
            .into_iter()
            .find(|loss| loss.as_str() == reason)
    }
}

/// The state of the other witness, the host's heartbeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heartbeats {
    /// One came within the host's timeout.
    Fresh,
    /// The last one is older, or there was never any.
    Missing,
}

/// The judgement whether the host is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Present,
    /// Agora's connection is interrupted and the app lives: as if present, until heartbeats stop too.
    Waiting,
    Gone(Loss),
}

/// The stream as the notice finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    pub state: StreamState,
    /// In an error that a lost host has caused: its kind. None in every other state and error.
    pub loss: Option<Loss>,
    /// The state to which a returning host would bring it back.
    pub before_error: Option<StreamState>,
    /// True while the window for returning is open.
    pub may_return: bool,
}

/// The action that follows from a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing moves; the notice is kept.
    Note,
    /// The host is seen: nothing moves.
    See,
    /// Nothing moves before the heartbeats stop as well.
    Wait,
    /// Back to active.
    Return,
    /// To error.
    Lose(Loss),
    /// Already in error; the reason is now known better. The window stays as it is.
    Restate(Loss),
}

/// Only an intent or an act, not a broken connection, counts more than a fresh heartbeat.
pub const fn judge(kind: UserKind, heartbeats: Heartbeats) -> Verdict {
    match (kind, heartbeats) {
        (UserKind::Sends, _) => Verdict::Present,
        (UserKind::Left(Cause::Token), _) => Verdict::Gone(Loss::Token),
        (UserKind::Watches | UserKind::Left(Cause::Deliberate | Cause::Kicked), _)
        | (UserKind::Left(_), Heartbeats::Missing) => Verdict::Gone(Loss::Lost),
        (UserKind::Left(_), Heartbeats::Fresh) => Verdict::Waiting,
    }
}

/// Only a stream that has gone live is moved: before that the app is still setting up, and a paused
/// host may well leave. Joining a channel is not showing a picture, so it makes no stream live.
pub fn step(stream: Stream, verdict: Verdict) -> Step {
    let is_back_to_active = stream.before_error == Some(StreamState::Active) && stream.may_return;
    match (stream.state, stream.loss, verdict) {
        (StreamState::Active, _, Verdict::Present) => Step::See,
        (StreamState::Active, _, Verdict::Waiting) => Step::Wait,
        (StreamState::Active, _, Verdict::Gone(loss)) => Step::Lose(loss),
        // Waiting too: whoever leaves again had been back.
        (StreamState::Error, Some(_), Verdict::Present | Verdict::Waiting) if is_back_to_active => {
            Step::Return
        }
        (StreamState::Error, Some(known), Verdict::Gone(loss))
            if known != loss && is_back_to_active =>
        {
            Step::Restate(loss)
        }
        _ => Step::Note,
    }
}
