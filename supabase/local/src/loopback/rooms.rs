//! The members of every channel, and who hears of whom: hosts of everybody, the audience of hosts alone.

use std::collections::HashMap;

use tokio::sync::mpsc;

use crate::loopback::admission::Place;
use crate::loopback::message::{End, Event, Peer, Refusal, Role};

/// Channels at the same time; a channel is gone with its last member.
const MAX_ROOMS: usize = 128;
/// Members of a channel: a host's browser sends to each of them by itself.
const MAX_MEMBERS: usize = 64;
/// Messages that a member may fall behind by before its socket is closed.
const MAX_WAITING: usize = 256;

#[derive(Default)]
pub struct Rooms {
    rooms: HashMap<String, HashMap<u32, Member>>,
    sockets_ever: u64,
}

struct Member {
    /// That of its socket; tells a member from one of the same uid before it.
    number: u64,
    role: Role,
    messages: mpsc::Sender<String>,
    end: mpsc::Sender<End>,
}

/// What a member is sent.
pub struct Mailbox {
    pub messages: mpsc::Receiver<String>,
    pub end: mpsc::Receiver<End>,
}

impl Rooms {
    /// The number of a new socket.
    pub fn next_number(&mut self) -> u64 {
        self.sockets_ever += 1;
        self.sockets_ever
    }

    /// Lets the member of a socket in; one of the same uid is ended, and to the others it leaves and comes again. Returns
    /// the mailbox, and those whom the member hears of.
    pub fn join(&mut self, place: &Place, number: u64) -> Result<(Mailbox, Vec<Peer>), Refusal> {
        // Tokens are checked at the same time. A socket whose turn comes late, which its client may have closed already,
        // must not end the one that came after it.
        if self.number_of(place).is_some_and(|known| known > number) {
            return Err(Refusal::TakenOver);
        }
        if !self.rooms.contains_key(&place.channel) && self.rooms.len() >= MAX_ROOMS {
            return Err(Refusal::Full);
        }
        if let Some(older) = self.remove(&place.channel, place.uid, |_| true) {
            older.end(End::TakenOver);
        }
        let room = self.rooms.entry(place.channel.clone()).or_default();
        if room.len() >= MAX_MEMBERS {
            return Err(Refusal::Full);
        }
        let (messages, incoming) = mpsc::channel(MAX_WAITING);
        let (end, ended) = mpsc::channel(1);
        let peer = Peer {
            uid: place.uid,
            role: place.role,
        };
        tell(room, peer.role, &Event::PeerJoined(peer.clone()));
        let peers = room
            .iter()
            .filter(|(_, other)| hears(peer.role, other.role))
            .map(|(&uid, other)| Peer {
                uid,
                role: other.role,
            })
            .collect();
        let member = Member {
            number,
            role: place.role,
            messages,
            end,
        };
        room.insert(place.uid, member);
        let mailbox = Mailbox {
            messages: incoming,
            end: ended,
        };
        Ok((mailbox, peers))
    }

    /// Takes a member away, unless another has its uid by now.
    pub fn leave(&mut self, place: &Place, number: u64) {
        self.remove(&place.channel, place.uid, |member| member.number == number);
    }

    /// Hands a message on; to nobody where there is no such member, or the two do not hear of each other.
    pub fn signal(&self, from: &Place, to: u32, event: &Event<'_>) {
        let member = self.rooms.get(&from.channel).and_then(|room| room.get(&to));
        if let Some(member) = member
            && to != from.uid
            && hears(member.role, from.role)
        {
            member.send(event.to_text());
        }
    }

    fn number_of(&self, place: &Place) -> Option<u64> {
        let member = self.rooms.get(&place.channel)?.get(&place.uid)?;
        Some(member.number)
    }

    fn remove(
        &mut self,
        channel: &str,
        uid: u32,
        is_meant: impl FnOnce(&Member) -> bool,
    ) -> Option<Member> {
        let room = self.rooms.get_mut(channel)?;
        if !is_meant(room.get(&uid)?) {
            return None;
        }
        let member = room.remove(&uid)?;
        tell(room, member.role, &Event::PeerLeft { uid });
        if room.is_empty() {
            self.rooms.remove(channel);
        }
        Some(member)
    }
}

impl Member {
    fn send(&self, text: String) {
        if self.messages.try_send(text).is_err() {
            self.end(End::TooSlow);
        }
    }

    /// The first reason counts.
    fn end(&self, reason: End) {
        let _ = self.end.try_send(reason);
    }
}

fn hears(listener: Role, other: Role) -> bool {
    listener == Role::Host || other == Role::Host
}

fn tell(room: &HashMap<u32, Member>, about: Role, event: &Event<'_>) {
    let text = event.to_text();
    for member in room.values().filter(|member| hears(member.role, about)) {
        member.send(text.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(uid: u32, role: Role) -> Place {
        Place {
            channel: "room".to_owned(),
            uid,
            role,
        }
    }

    /// On a new socket.
    fn join(rooms: &mut Rooms, place: &Place) -> Result<(Mailbox, Vec<Peer>), Refusal> {
        let number = rooms.next_number();
        rooms.join(place, number)
    }

    fn waiting(mailbox: &mut Mailbox) -> Vec<String> {
        std::iter::from_fn(|| mailbox.messages.try_recv().ok()).collect()
    }

    fn signal(rooms: &Rooms, from: &Place, to: u32) {
        let data = serde_json::value::RawValue::from_string("1".to_owned()).unwrap();
        let event = Event::Signal {
            from: from.uid,
            data: &data,
        };
        rooms.signal(from, to, &event);
    }

    #[test]
    fn hosts_hear_of_everybody_and_the_audience_of_hosts_alone() {
        let mut rooms = Rooms::default();
        let (mut first, peers) = join(&mut rooms, &place(1, Role::Audience)).unwrap();
        assert_eq!(peers, []);
        let (mut second, peers) = join(&mut rooms, &place(2, Role::Audience)).unwrap();
        assert_eq!(peers, []);
        let (mut host, mut peers) = join(&mut rooms, &place(3, Role::Host)).unwrap();
        peers.sort_by_key(|peer| peer.uid);
        assert_eq!(peers.len(), 2);
        let came = r#"{"peer_joined":{"uid":3,"role":"host"}}"#;
        assert_eq!(waiting(&mut first), [came]);
        assert_eq!(waiting(&mut second), [came]);

        signal(&rooms, &place(1, Role::Audience), 2);
        signal(&rooms, &place(1, Role::Audience), 3);
        signal(&rooms, &place(1, Role::Audience), 4);
        assert_eq!(waiting(&mut second), [] as [&str; 0]);
        assert_eq!(waiting(&mut host), [r#"{"signal":{"from":1,"data":1}}"#]);

        rooms.leave(&place(3, Role::Host), 3);
        rooms.leave(&place(2, Role::Audience), 2);
        assert_eq!(waiting(&mut first), [r#"{"peer_left":{"uid":3}}"#]);
        rooms.leave(&place(1, Role::Audience), 1);
        assert!(rooms.rooms.is_empty());
    }

    #[test]
    fn the_same_uid_from_elsewhere_takes_over_and_the_older_one_no_longer_leaves() {
        let mut rooms = Rooms::default();
        let (mut viewer, _) = join(&mut rooms, &place(1, Role::Audience)).unwrap();
        let (mut older, _) = join(&mut rooms, &place(2, Role::Host)).unwrap();
        let (mut newer, _) = join(&mut rooms, &place(2, Role::Host)).unwrap();
        assert_eq!(older.end.try_recv(), Ok(End::TakenOver));
        rooms.leave(&place(2, Role::Host), 2);
        assert!(newer.end.try_recv().is_err());
        let came = r#"{"peer_joined":{"uid":2,"role":"host"}}"#;
        let left = r#"{"peer_left":{"uid":2}}"#;
        assert_eq!(waiting(&mut viewer), [came, left, came]);
        signal(&rooms, &place(1, Role::Audience), 2);
        assert_eq!(waiting(&mut newer).len(), 1);
    }

    #[test]
    fn a_socket_whose_token_took_long_does_not_end_a_later_one() {
        let mut rooms = Rooms::default();
        let late = rooms.next_number();
        let (mut newer, _) = join(&mut rooms, &place(1, Role::Host)).unwrap();
        let refused = rooms.join(&place(1, Role::Host), late);
        assert_eq!(refused.err(), Some(Refusal::TakenOver));
        assert!(newer.end.try_recv().is_err());
    }

    #[test]
    fn rooms_and_members_are_bounded_and_a_slow_member_is_ended() {
        let mut rooms = Rooms::default();
        let mut mailboxes = Vec::new();
        for uid in 1..=MAX_MEMBERS {
            let uid = u32::try_from(uid).unwrap();
            mailboxes.push(join(&mut rooms, &place(uid, Role::Host)).unwrap().0);
        }
        assert_eq!(
            join(&mut rooms, &place(1000, Role::Host)).err(),
            Some(Refusal::Full)
        );
        assert!(
            join(&mut rooms, &place(1, Role::Host)).is_ok(),
            "a takeover needs no room"
        );

        for _ in 0..=MAX_WAITING {
            signal(&rooms, &place(3, Role::Host), 2);
        }
        assert_eq!(mailboxes[1].end.try_recv(), Ok(End::TooSlow));

        for number in 1..MAX_ROOMS {
            let place = Place {
                channel: number.to_string(),
                ..place(1, Role::Host)
            };
            mailboxes.push(join(&mut rooms, &place).unwrap().0);
        }
        let place = Place {
            channel: "one more".to_owned(),
            ..place(1, Role::Host)
        };
        assert_eq!(join(&mut rooms, &place).err(), Some(Refusal::Full));
    }
}
