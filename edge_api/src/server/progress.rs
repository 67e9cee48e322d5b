//! How far the request of one connection is.
//!
//! hyper says nothing of it, so the parts that it calls (the service, both bodies, the socket) note it here. All of them
//! run in the connection's task; the flags order nothing but themselves.

use std::sync::atomic::{AtomicBool, Ordering};

/// The progress of the request that is under way, or of none.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Bytes were read since the last answer ended: perhaps a part of the next head.
    has_read: AtomicBool,
    /// From the end of a head until the answer's last byte is with hyper.
    is_open: AtomicBool,
    /// A part of the request's body has not arrived.
    is_unread: AtomicBool,
    /// hyper holds bytes of an answer.
    is_unflushed: AtomicBool,
}

impl Progress {
    /// Whether a request has arrived as a whole and its answer has not left as a whole.
    pub(super) fn is_begun(&self) -> bool {
        let is_answered = !get(&self.is_open) && !get(&self.is_unflushed);
        !is_answered && !get(&self.is_unread)
    }

    /// Whether nothing of the last request is left and nothing of the next one has come.
    pub(super) fn is_idle(&self) -> bool {
        let flags = [
            &self.has_read,
            &self.is_open,
            &self.is_unread,
            &self.is_unflushed,
        ];
        !flags.into_iter().any(get)
    }

    /// Whether a part of the request's body has not arrived.
    pub(super) fn is_unread(&self) -> bool {
        get(&self.is_unread)
    }

    /// Whether a part of a head was read, and not all of it: true before the first byte that follows such a part is read.
    pub(super) fn has_half_head(&self) -> bool {
        get(&self.has_read) && !get(&self.is_open)
    }

    pub(super) fn read(&self) {
        set(&self.has_read, true);
    }

    pub(super) fn begin(&self, has_body: bool) {
        set(&self.is_open, true);
        set(&self.is_unread, has_body);
    }

    pub(super) fn body_ended(&self) {
        set(&self.is_unread, false);
    }

    /// hyper holds the whole answer, or will never have one.
    pub(super) fn end(&self) {
        set(&self.is_unflushed, true);
        set(&self.has_read, false);
        set(&self.is_open, false);
    }

    pub(super) fn flushed(&self) {
        set(&self.is_unflushed, false);
    }
}

fn get(flag: &AtomicBool) -> bool {
    flag.load(Ordering::Relaxed)
}

fn set(flag: &AtomicBool, value: bool) {
    flag.store(value, Ordering::Relaxed);
}
