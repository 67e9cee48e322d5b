//! The model of streams, viewers and chat, in memory and without concurrency.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stream_core::agora::viewer_uid;
use stream_core::chat::Content;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::{StreamState, Transition, transition};
use stream_tests::stateful::Outcome;
use uuid::Uuid;

use super::liveness::{Lease, Liveness};
use super::operation::{Call, FencingNumber, Operation, Person};

/// A stream, as everybody should see it.
#[derive(Debug, Clone)]
pub struct Stream {
    pub id: Uuid,
    pub state: StreamState,
    pub generation: i32,
    pub log: Vec<Entry>,
    pub places: BTreeMap<Person, Viewer>,
    /// As the last tick counted.
    pub counted: usize,
    pub peak: usize,
    pub tokens: Vec<Token>,
    pub liveness: Liveness,
    pub state_events: usize,
    pub count_events: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The client's id of the message, by its number in the case.
    pub message_id: Option<usize>,
    /// None: a system message.
    pub sender: Option<Person>,
    /// The text, or what a system message says.
    pub content: String,
}

#[derive(Debug, Clone)]
pub struct Viewer {
    pub is_active: bool,
    pub join_no: i32,
    pub lease: Lease,
}

#[derive(Debug, Clone)]
pub struct Token {
    pub of: Person,
    pub issued_at: i64,
    pub expires_at: i64,
    /// When the token ends that its user may still hold: an older one's, if the answer was lost.
    pub held_until: i64,
    pub is_active: bool,
}

impl Stream {
    /// A stream that has just been started.
    pub fn started(id: Uuid) -> Self {
        let mut stream = Self {
            id,
            state: StreamState::Initializing,
            generation: 1,
            log: Vec::new(),
            places: BTreeMap::new(),
            counted: 0,
            peak: 0,
            tokens: Vec::new(),
            liveness: Liveness::default(),
            state_events: 0,
            count_events: 0,
        };
        stream.log_system("initializing");
        stream
    }

    pub fn take_over(&mut self) {
        self.generation += 1;
        self.log_system("host_changed");
        if !self.host_returns_from_a_loss() {
            self.state_events += 1;
        }
    }

    /// Leases that are not over, whether or not a sweep has come to the others.
    pub fn viewer_count(&self) -> usize {
        let now = self.liveness.now;
        let holds = |place: &&Viewer| place.is_active && place.lease.ends_at() > now;
        self.places.values().filter(holds).count()
    }

    /// The number that a client sends who holds this.
    pub fn generation(&self, held: FencingNumber) -> Option<i32> {
        match held {
            FencingNumber::Nothing => None,
            FencingNumber::Current => Some(self.generation),
            FencingNumber::Stale => Some(self.generation - 1),
        }
    }

    pub fn join_no(&self, person: Person, held: FencingNumber) -> Option<i32> {
        let newest = self.places.get(&person).map_or(1, |place| place.join_no);
        match held {
            FencingNumber::Nothing => None,
            FencingNumber::Current => Some(newest),
            FencingNumber::Stale => Some(newest - 1),
        }
    }

    /// Does what a call other than a start should do, and says how it should be answered.
    pub fn apply(&mut self, call: &Call) -> Outcome {
        let person = call.person;
        let answer = match &call.operation {
            Operation::Start => return Outcome::Unspecified,
            Operation::Move { to, generation } => self.move_to(call, *to, *generation),
            Operation::Join => self.join(person),
            Operation::Leave { join_no } => Ok(json!(self.leave(person, *join_no))),
            Operation::Send { content, id } => self.send(person, content, *id),
            Operation::SellerToken => self.seller_token(person),
            Operation::BuyerToken if self.state == StreamState::Ended => {
                return Outcome::Unspecified;
            }
            Operation::BuyerToken => self.buyer_token(person),
            Operation::Sync { after } => Ok(self.sync(call, *after)),
            Operation::Heartbeat { number, foreground } => {
                self.heartbeat(person, *number, *foreground)
            }
            Operation::PassTime { .. } | Operation::Sweep | Operation::Tick => {
                return Outcome::Unspecified;
            }
        };
        answer.into()
    }

    fn move_to(
        &mut self,
        call: &Call,
        to: StreamState,
        held: FencingNumber,
    ) -> Result<Value, ErrorCode> {
        if call.person != Person::Seller && !call.by_service {
            return Err(ErrorCode::NotStreamOwner);
        }
        if matches!(held, FencingNumber::Stale) {
            return Err(ErrorCode::StaleHost);
        }
        match transition(self.state, to) {
            Ok(Transition::Unchanged) => {}
            Ok(Transition::Changed) => self.change(to, None),
            Err(_) if self.state == StreamState::Ended => return Err(ErrorCode::StreamEnded),
            Err(_) => return Err(ErrorCode::IllegalTransition),
        }
        Ok(json!({
            "state": self.state.as_str(), "generation": self.generation,
            "viewer_count": self.counted, "peak_viewer_count": self.peak,
        }))
    }

    pub fn change(&mut self, to: StreamState, reason: Option<&'static str>) {
        self.liveness.moved(self.state, to, reason);
        self.state = to;
        self.state_events += 1;
        self.log_system(to.as_str());
        if to == StreamState::Ended {
            self.peak = self.peak.max(self.viewer_count());
            self.count_events += usize::from(self.counted > 0);
            self.counted = 0;
            for place in self.places.values_mut() {
                place.is_active = false;
            }
            for token in &mut self.tokens {
                token.is_active = false;
            }
        }
    }

    fn join(&mut self, person: Person) -> Result<Value, ErrorCode> {
        if person == Person::Seller {
            return Err(ErrorCode::InvalidArgument);
        }
        if self.state == StreamState::Ended {
            return Err(ErrorCode::StreamEnded);
        }
        let lease = Lease::from(self.liveness.now);
        let place = self
            .places
            .entry(person)
            .and_modify(|place| place.join_no += 1)
            .or_insert(Viewer {
                is_active: true,
                join_no: 1,
                lease,
            });
        place.is_active = true;
        place.lease = lease;
        let join_no = place.join_no;
        Ok(json!({
            "user_id": person.id(), "join_no": join_no, "agora_uid": self.uid(person),
        }))
    }

    fn leave(&mut self, person: Person, held: FencingNumber) -> &'static str {
        match self.places.get_mut(&person) {
            Some(place) if place.is_active => {
                if matches!(held, FencingNumber::Stale) {
                    return "superseded";
                }
                place.is_active = false;
                "removed"
            }
            _ => "not_joined",
        }
    }

    fn send(&mut self, sender: Person, text: &str, id: Option<usize>) -> Result<Value, ErrorCode> {
        let content = Content::parse(text)?;
        let earlier = self
            .log
            .iter()
            .position(|entry| id.is_some() && entry.message_id == id);
        if self.state == StreamState::Ended && earlier.is_none() {
            return Err(ErrorCode::StreamEnded);
        }
        if self.state != StreamState::Ended && !self.may_chat(sender) {
            return Err(ErrorCode::NotViewer);
        }
        let place = earlier.unwrap_or_else(|| {
            self.log.push(Entry {
                message_id: id,
                sender: Some(sender),
                content: content.as_str().to_owned(),
            });
            self.log.len() - 1
        });
        let entry = &self.log[place];
        if entry.sender != Some(sender) {
            return Err(ErrorCode::MessageIdConflict);
        }
        let now = self.liveness.now;
        // Whoever writes is there.
        if let Some(place) = self.places.get_mut(&sender).filter(|place| place.is_active) {
            place.lease.seen(now, None);
        }
        Ok(json!({
            "seq": place + 1, "content": entry.content, "user_id": sender.id(),
            "username": sender.username(), "message_type": "user_message",
        }))
    }

    /// Whether somebody may write here now.
    pub fn may_chat(&self, person: Person) -> bool {
        person == Person::Seller
            || self
                .places
                .get(&person)
                .is_some_and(|place| place.is_active)
    }

    fn seller_token(&mut self, person: Person) -> Result<Value, ErrorCode> {
        if person != Person::Seller {
            return Err(ErrorCode::NotStreamOwner);
        }
        if self.state == StreamState::Ended {
            return Err(ErrorCode::StreamEnded);
        }
        Ok(self.mint(person))
    }

    fn buyer_token(&mut self, person: Person) -> Result<Value, ErrorCode> {
        if !self
            .places
            .get(&person)
            .is_some_and(|place| place.is_active)
        {
            return Err(ErrorCode::NotViewer);
        }
        Ok(self.mint(person))
    }

    fn mint(&mut self, of: Person) -> Value {
        let expires_at = self.liveness.token_ends_at();
        self.note_token(of, expires_at, expires_at)
    }

    pub fn note_token(&mut self, of: Person, expires_at: i64, held_until: i64) -> Value {
        self.tokens.push(Token {
            of,
            issued_at: self.liveness.now,
            expires_at,
            held_until,
            is_active: true,
        });
        let uid = match of {
            Person::Seller => self.generation.unsigned_abs(),
            _ => self.uid(of),
        };
        json!({"uid": uid, "channel_id": self.id})
    }

    fn sync(&self, call: &Call, after: Option<i64>) -> Value {
        let head = self.log.len() as i64;
        let resumes = after.is_some_and(|after| after <= head);
        let above = if resumes {
            after.unwrap_or(0)
        } else {
            (head - 50).max(0)
        };
        let is_viewer = self
            .places
            .get(&call.person)
            .is_some_and(|place| place.is_active);
        let role = match call.person {
            _ if call.by_service => "service",
            Person::Seller => "seller",
            _ if is_viewer => "viewer",
            _ => "guest",
        };
        json!({
            "state": self.state.as_str(), "role": role, "generation": self.generation,
            "host_uid": self.generation, "viewer_count": self.counted, "head_seq": head,
            "oldest_seq": 1, "recovered": resumes || after.is_none(), "has_more": false,
            "messages": (above + 1..=head).collect::<Vec<_>>(),
        })
    }

    pub fn uid(&self, person: Person) -> u32 {
        viewer_uid(self.id.as_bytes(), person.id().as_bytes(), 0)
    }

    fn log_system(&mut self, content: &str) {
        self.log.push(Entry {
            message_id: None,
            sender: None,
            content: content.to_owned(),
        });
    }
}
