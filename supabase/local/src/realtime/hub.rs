//! Subscriptions, and handing a frame to all subscribers without ever waiting for one.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Frames that a socket may fall behind by; one more and it is closed.
pub const MAILBOX_FRAMES: usize = 2048;

/// A topic as stored, without `realtime:`. Private and public channels of a name never mix.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Topic {
    pub name: String,
    pub private: bool,
}

/// The sending side of a socket.
#[derive(Clone)]
pub struct Mailbox {
    pub socket: u64,
    frames: mpsc::Sender<Bytes>,
    overflowed: CancellationToken,
}

/// The receiving side of a socket.
pub struct Inbox {
    pub frames: mpsc::Receiver<Bytes>,
    /// Cancelled when a frame did not fit.
    pub overflowed: CancellationToken,
}

/// The origin of a frame, which decides who does not get it.
#[derive(Debug, Clone, Copy)]
pub enum Origin {
    /// Another socket; `except` is its own number when it does not hear itself.
    Socket { except: Option<u64> },
    /// A row of realtime.messages, kept from those to whom it was replayed.
    Row(Uuid),
}

struct Subscriber {
    mailbox: Mailbox,
    replayed: Arc<HashSet<Uuid>>,
}

pub struct Hub {
    topics: Mutex<HashMap<Topic, Vec<Subscriber>>>,
    streaming: watch::Sender<bool>,
    tenant: AtomicU8,
}

/// What the real server does at the first join after a start: it connects to the database, and until it has, rows reach nobody.
mod tenant {
    pub const UNKNOWN: u8 = 0;
    pub const CONNECTING: u8 = 1;
    pub const CONNECTED: u8 = 2;
}

/// The two ends of a socket's queue.
pub fn mailbox(socket: u64) -> (Mailbox, Inbox) {
    let (sender, receiver) = mpsc::channel(MAILBOX_FRAMES);
    let overflowed = CancellationToken::new();
    let mailbox = Mailbox {
        socket,
        frames: sender,
        overflowed: overflowed.clone(),
    };
    let inbox = Inbox {
        frames: receiver,
        overflowed,
    };
    (mailbox, inbox)
}

impl Hub {
    pub fn new() -> Self {
        Self {
            topics: Mutex::default(),
            streaming: watch::Sender::new(false),
            tenant: AtomicU8::new(tenant::UNKNOWN),
        }
    }

    /// Adds a socket to a topic; a socket that is there already stays there once. It gets no rows that
    /// were replayed to it.
    pub fn subscribe(&self, topic: &Topic, mailbox: &Mailbox, replayed: &Arc<HashSet<Uuid>>) {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        let subscribers = topics.entry(topic.clone()).or_default();
        if !subscribers
            .iter()
            .any(|other| other.mailbox.socket == mailbox.socket)
        {
            subscribers.push(Subscriber {
                mailbox: mailbox.clone(),
                replayed: replayed.clone(),
            });
        }
    }

    pub fn unsubscribe(&self, topic: &Topic, socket: u64) {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(subscribers) = topics.get_mut(topic) {
            subscribers.retain(|subscriber| subscriber.mailbox.socket != socket);
            if subscribers.is_empty() {
                topics.remove(topic);
            }
        }
    }

    /// Puts a frame into the queue of every subscriber for whom it is. A socket whose queue is full is
    /// told to close.
    pub fn publish(&self, topic: &Topic, frame: &Bytes, origin: Origin) {
        let topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(subscribers) = topics.get(topic) else {
            return;
        };
        for Subscriber { mailbox, replayed } in subscribers {
            let is_left_out = match origin {
                Origin::Socket { except } => except == Some(mailbox.socket),
                Origin::Row(id) => replayed.contains(&id),
            };
            if is_left_out {
                continue;
            }
            if let Err(mpsc::error::TrySendError::Full(_)) = mailbox.frames.try_send(frame.clone())
            {
                mailbox.overflowed.cancel();
            }
        }
    }

    /// True when anybody would get a frame.
    pub fn has_subscribers(&self, topic: &Topic) -> bool {
        self.topics
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(topic)
    }

    /// True for the first join after a start, after which the tenant is being connected.
    pub fn begins_tenant(&self) -> bool {
        let (from, to) = (tenant::UNKNOWN, tenant::CONNECTING);
        let order = Ordering::Relaxed;
        self.tenant.compare_exchange(from, to, order, order).is_ok()
    }

    /// The tenant is connected, unless it was forgotten in between.
    pub fn tenant_is_connected(&self) {
        let (from, to) = (tenant::CONNECTING, tenant::CONNECTED);
        let order = Ordering::Relaxed;
        let _ = self.tenant.compare_exchange(from, to, order, order);
    }

    /// As after a restart: the next join is the first.
    pub fn forget_tenant(&self) {
        self.tenant.store(tenant::UNKNOWN, Ordering::Relaxed);
    }

    /// True when committed rows reach those who have joined.
    pub fn is_ready(&self) -> bool {
        self.is_streaming() && self.tenant.load(Ordering::Relaxed) == tenant::CONNECTED
    }

    pub fn set_streaming(&self, streaming: bool) {
        self.streaming.send_replace(streaming);
    }

    pub fn is_streaming(&self) -> bool {
        *self.streaming.borrow()
    }

    /// Returns as soon as committed rows reach subscribers.
    pub async fn streaming(&self) {
        let mut streaming = self.streaming.subscribe();
        // It fails only when the sender is gone, and the sender is in self.
        let _ = streaming.wait_for(|streaming| *streaming).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TO_ALL: Origin = Origin::Socket { except: None };

    fn topic(private: bool) -> Topic {
        Topic {
            name: "t".to_owned(),
            private,
        }
    }

    fn frame(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn private_and_public_topics_of_a_name_do_not_mix() {
        let hub = Hub::new();
        let (mailbox, mut inbox) = mailbox(1);
        hub.subscribe(&topic(true), &mailbox, &Arc::default());
        hub.publish(&topic(false), &frame("public"), TO_ALL);
        hub.publish(&topic(true), &frame("private"), TO_ALL);
        assert_eq!(inbox.frames.try_recv().unwrap(), frame("private"));
        assert!(inbox.frames.try_recv().is_err());
    }

    #[test]
    fn a_frame_is_not_sent_back_to_the_excepted_socket() {
        let hub = Hub::new();
        let (one, mut first) = mailbox(1);
        let (two, mut second) = mailbox(2);
        hub.subscribe(&topic(true), &one, &Arc::default());
        hub.subscribe(&topic(true), &two, &Arc::default());
        hub.publish(
            &topic(true),
            &frame("x"),
            Origin::Socket { except: Some(1) },
        );
        assert!(first.frames.try_recv().is_err());
        assert!(second.frames.try_recv().is_ok());
    }

    #[test]
    fn rows_reach_nobody_before_the_first_join_has_connected_the_tenant() {
        let hub = Hub::new();
        hub.set_streaming(true);
        assert!(!hub.is_ready());
        assert!(hub.begins_tenant());
        assert!(!hub.begins_tenant() && !hub.is_ready());
        hub.tenant_is_connected();
        assert!(hub.is_ready());
        hub.forget_tenant();
        assert!(!hub.is_ready());
        hub.tenant_is_connected();
        assert!(!hub.is_ready() && hub.begins_tenant());
        hub.set_streaming(false);
        hub.tenant_is_connected();
        assert!(!hub.is_ready());
    }

    #[test]
    fn subscribing_twice_delivers_once_and_leaving_ends_it() {
        let hub = Hub::new();
        let (mailbox, mut inbox) = mailbox(1);
        hub.subscribe(&topic(true), &mailbox, &Arc::default());
        hub.subscribe(&topic(true), &mailbox, &Arc::default());
        hub.publish(&topic(true), &frame("x"), TO_ALL);
        assert!(inbox.frames.try_recv().is_ok());
        assert!(inbox.frames.try_recv().is_err());
        hub.unsubscribe(&topic(true), 1);
        assert!(!hub.has_subscribers(&topic(true)));
    }

    #[test]
    fn a_full_queue_closes_its_socket_and_no_other() {
        let hub = Hub::new();
        let (slow, slow_inbox) = mailbox(1);
        let (quick, mut quick_inbox) = mailbox(2);
        hub.subscribe(&topic(true), &slow, &Arc::default());
        hub.subscribe(&topic(true), &quick, &Arc::default());
        for _ in 0..MAILBOX_FRAMES {
            hub.publish(&topic(true), &frame("x"), TO_ALL);
            assert!(quick_inbox.frames.try_recv().is_ok());
        }
        assert!(!slow_inbox.overflowed.is_cancelled());
        hub.publish(&topic(true), &frame("x"), TO_ALL);
        assert!(slow_inbox.overflowed.is_cancelled());
        assert!(!quick_inbox.overflowed.is_cancelled());
    }

    #[test]
    fn a_row_that_was_replayed_is_kept_from_that_socket_alone() {
        let hub = Hub::new();
        let (one, mut first) = mailbox(1);
        let (two, mut second) = mailbox(2);
        let id = Uuid::new_v4();
        hub.subscribe(&topic(true), &one, &Arc::new(HashSet::from([id])));
        hub.subscribe(&topic(true), &two, &Arc::default());
        hub.publish(&topic(true), &frame("replayed"), Origin::Row(id));
        hub.publish(&topic(true), &frame("new"), Origin::Row(Uuid::new_v4()));
        assert_eq!(first.frames.try_recv().unwrap(), frame("new"));
        assert_eq!(second.frames.try_recv().unwrap(), frame("replayed"));
        assert_eq!(second.frames.try_recv().unwrap(), frame("new"));
    }
}
