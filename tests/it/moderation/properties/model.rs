//! The model of moderation: restrictions and settings in force, and the outcome of each call.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use stream_core::error::ErrorCode;
use stream_tests::stateful::Outcome;

use super::operation::{Actor, Operation, RestrictionKind};

pub struct WrittenMessage {
    pub author: Actor,
    pub seq: i64,
    pub is_deleted: bool,
}

/// A stream that is live, with nothing decided yet.
pub struct ModerationModel {
    now_s: i64,
    /// By user and kind: when it ends, if it does by itself.
    restrictions: BTreeMap<(Actor, RestrictionKind), Option<i64>>,
    pub slow_mode_ms: i64,
    pub chat_mode: &'static str,
    pub pinned_seq: Option<i64>,
    pub terms: BTreeSet<&'static str>,
    pub messages: Vec<WrittenMessage>,
    pub places: BTreeMap<Actor, bool>,
    pub has_ended: bool,
    /// The kinds of the entries of the log, from the third on.
    pub log: Vec<&'static str>,
    /// The actions that are kept, and whether they were announced.
    pub decisions: Vec<(&'static str, bool)>,
}

impl ModerationModel {
    pub fn new() -> Self {
        Self {
            now_s: 0,
            restrictions: BTreeMap::new(),
            slow_mode_ms: 0,
            chat_mode: "viewers",
            pinned_seq: None,
            terms: BTreeSet::new(),
            messages: Vec::new(),
            places: BTreeMap::new(),
            has_ended: false,
            log: Vec::new(),
            decisions: Vec::new(),
        }
    }

    pub fn in_force(&self, user: Actor, kind: RestrictionKind) -> bool {
        let until = self.restrictions.get(&(user, kind));
        until.is_some_and(|until| until.is_none_or(|until| until > self.now_s))
    }

    pub fn head_seq(&self) -> i64 {
        2 + i64::try_from(self.log.len()).unwrap_or(i64::MAX)
    }

    pub fn apply(&mut self, actor: Actor, operation: &Operation) -> Result<Outcome, ErrorCode> {
        match *operation {
            Operation::Restrict {
                target,
                kind,
                duration_s,
            } => self.restrict(actor, target, kind, duration_s),
            Operation::Lift { target, kind } => self.lift(actor, target, kind),
            Operation::SlowMode(interval_ms) => {
                self.require_live_moderator(actor)?;
                if interval_ms < 0 {
                    return Err(ErrorCode::InvalidArgument);
                }
                if self.slow_mode_ms != interval_ms {
                    self.slow_mode_ms = interval_ms;
                    self.decide("slow_mode");
                }
                Ok(Outcome::Success)
            }
            Operation::ChatMode(mode) => {
                self.require_live_moderator(actor)?;
                if mode == "all" {
                    return Err(ErrorCode::InvalidArgument);
                }
                if self.chat_mode != mode {
                    self.chat_mode = mode;
                    self.decide("chat_mode");
                }
                Ok(Outcome::Success)
            }
            Operation::Pin(place) => self.pin(actor, place),
            Operation::Unpin => {
                self.require_live_moderator(actor)?;
                self.unpin();
                Ok(Outcome::Success)
            }
            Operation::Delete(place) => self.delete(actor, place),
            Operation::DeleteAll(target) => self.delete_all(actor, target),
            Operation::Block(term) => self.block(actor, term),
            Operation::Unblock(term) => self.unblock(actor, term),
            Operation::Write => {
                if self.has_ended {
                    return Err(ErrorCode::StreamEnded);
                }
                self.log.push("message");
                self.messages.push(WrittenMessage {
                    author: actor,
                    seq: self.head_seq(),
                    is_deleted: false,
                });
                Ok(Outcome::Success)
            }
            Operation::Join => {
                if actor == Actor::Seller || actor == Actor::Service {
                    return Err(ErrorCode::InvalidArgument);
                }
                if self.in_force(actor, RestrictionKind::Ban) {
                    return Err(ErrorCode::Banned);
                }
                if self.has_ended {
                    return Err(ErrorCode::StreamEnded);
                }
                self.places.insert(actor, true);
                Ok(Outcome::Success)
            }
            Operation::End => {
                if actor != Actor::Seller && actor != Actor::Service {
                    return Err(ErrorCode::NotStreamOwner);
                }
                if !self.has_ended {
                    self.has_ended = true;
                    self.log.push("state_changed");
                    self.places.values_mut().for_each(|place| *place = false);
                }
                Ok(Outcome::Success)
            }
            Operation::Minute => {
                self.now_s += 60;
                Ok(Outcome::Success)
            }
        }
    }

    fn is_owner(actor: Actor) -> bool {
        matches!(actor, Actor::Seller | Actor::Service)
    }

    fn require_moderator(&self, actor: Actor) -> Result<(), ErrorCode> {
        let has_office = matches!(actor, Actor::FirstModerator | Actor::SecondModerator);
        if Self::is_owner(actor) || has_office && !self.in_force(actor, RestrictionKind::Ban) {
            Ok(())
        } else {
            Err(ErrorCode::NotModerator)
        }
    }

    fn require_live_moderator(&self, actor: Actor) -> Result<(), ErrorCode> {
        self.require_moderator(actor)?;
        if self.has_ended {
            return Err(ErrorCode::StreamEnded);
        }
        Ok(())
    }

    fn may_act_against(actor: Actor, target: Actor) -> Result<(), ErrorCode> {
        match target {
            Actor::Seller if Self::is_owner(actor) => Err(ErrorCode::InvalidArgument),
            Actor::Seller => Err(ErrorCode::NotModerator),
            target if target == actor => Err(ErrorCode::NotModerator),
            _ => Ok(()),
        }
    }

    fn decide(&mut self, action: &'static str) {
        self.decisions.push((action, !self.has_ended));
        if !self.has_ended {
            self.log.push(match action {
                "mute_lifted" | "ban_lifted" => "restriction_lifted",
                action => action,
            });
        }
    }

    fn restrict(
        &mut self,
        actor: Actor,
        target: Actor,
        kind: RestrictionKind,
        duration_s: Option<i64>,
    ) -> Result<Outcome, ErrorCode> {
        self.require_live_moderator(actor)?;
        Self::may_act_against(actor, target)?;
        let until = duration_s.map(|duration_s| self.now_s + duration_s);
        // Two ends that come from durations are never the same: time has gone by.
        if until.is_some() || self.restrictions.get(&(target, kind)) != Some(&None) {
            self.restrictions.insert((target, kind), until);
            if kind == RestrictionKind::Ban
                && let Some(place) = self.places.get_mut(&target)
            {
                *place = false;
            }
            self.decide(match kind {
                RestrictionKind::Mute => "user_muted",
                RestrictionKind::Ban => "user_banned",
            });
        }
        Ok(Outcome::Success)
    }

    fn lift(
        &mut self,
        actor: Actor,
        target: Actor,
        kind: RestrictionKind,
    ) -> Result<Outcome, ErrorCode> {
        self.require_live_moderator(actor)?;
        Self::may_act_against(actor, target)?;
        if !self.in_force(target, kind) {
            return Ok(text("not_restricted"));
        }
        self.restrictions.remove(&(target, kind));
        self.decide(match kind {
            RestrictionKind::Mute => "mute_lifted",
            RestrictionKind::Ban => "ban_lifted",
        });
        Ok(text("lifted"))
    }

    fn pin(&mut self, actor: Actor, place: usize) -> Result<Outcome, ErrorCode> {
        self.require_live_moderator(actor)?;
        let seq = match self.messages.get(place) {
            Some(message) if !message.is_deleted => message.seq,
            _ => return Err(ErrorCode::MessageNotFound),
        };
        if self.pinned_seq != Some(seq) {
            self.pinned_seq = Some(seq);
            self.decide("message_pinned");
        }
        Ok(Outcome::Success)
    }

    fn unpin(&mut self) {
        if self.pinned_seq.take().is_some() {
            self.decide("message_unpinned");
        }
    }

    fn delete(&mut self, actor: Actor, place: usize) -> Result<Outcome, ErrorCode> {
        let rank = self.require_moderator(actor);
        let Some(message) = self.messages.get_mut(place) else {
            rank?;
            return Err(ErrorCode::MessageNotFound);
        };
        if message.author != actor {
            rank?;
            if message.author == Actor::Seller && !Self::is_owner(actor) {
                return Err(ErrorCode::NotModerator);
            }
        }
        if message.is_deleted {
            return Ok(text("already_deleted"));
        }
        message.is_deleted = true;
        let seq = message.seq;
        self.decide("message_deleted");
        if self.pinned_seq == Some(seq) {
            self.unpin();
        }
        Ok(text("deleted"))
    }

    fn delete_all(&mut self, actor: Actor, target: Actor) -> Result<Outcome, ErrorCode> {
        self.require_moderator(actor)?;
        if target == Actor::Seller && !Self::is_owner(actor) {
            return Err(ErrorCode::NotModerator);
        }
        let mut count = 0;
        let mut has_pin = false;
        for message in &mut self.messages {
            if message.author == target && !message.is_deleted {
                message.is_deleted = true;
                has_pin |= self.pinned_seq == Some(message.seq);
                count += 1;
            }
        }
        if count > 0 {
            self.decide("user_messages_deleted");
        }
        if has_pin {
            self.unpin();
        }
        Ok(Outcome::Value(json!(count)))
    }

    fn block(&mut self, actor: Actor, term: &str) -> Result<Outcome, ErrorCode> {
        self.require_live_moderator(actor)?;
        let pattern = pattern(term)?;
        if !self.terms.insert(pattern) {
            return Ok(text("already_blocked"));
        }
        // Viewers are not shown which words it is.
        self.decisions.push(("term_blocked", false));
        Ok(text("blocked"))
    }

    fn unblock(&mut self, actor: Actor, term: &str) -> Result<Outcome, ErrorCode> {
        self.require_live_moderator(actor)?;
        let pattern = pattern(term)?;
        if !self.terms.remove(pattern) {
            return Ok(text("not_blocked"));
        }
        self.decisions.push(("term_unblocked", false));
        Ok(text("unblocked"))
    }
}

fn text(text: &str) -> Outcome {
    Outcome::Value(json!(text))
}

fn pattern(term: &str) -> Result<&'static str, ErrorCode> {
    match term {
        "scam" | "SC\u{C0}M!" => Ok(" scam "),
        "pay me" => Ok(" pay me "),
        _ => Err(ErrorCode::InvalidArgument),
    }
}
