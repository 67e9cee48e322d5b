//! The sessions with unsent entries whose long window has passed.
//!
//! Under pressure many sessions wait for the end of a window. A ticker looks at each a few times a second, by its key
//! and without locking it.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use pgrx::datum::Uuid;

use crate::clock::{self, Microseconds};
use crate::log::relay_row;
use crate::postgres::caller::Admitted;
use crate::postgres::error::Result;

/// As the queue orders sessions.
type SessionKey = [u8; 16];

/// A window that was found open is looked at again after this time, in microseconds: it may have been shortened.
const LOOK_AGAIN_US: Microseconds = 200_000;

thread_local! {
    /// When to look again at sessions whose window was open.
    static OPEN_UNTIL: RefCell<HashMap<SessionKey, Microseconds>> = RefCell::default();
}

/// Returns those of the sessions that do not wait for the end of a long window.
pub fn find(admitted: Admitted, unsent: &BTreeSet<SessionKey>) -> Result<Vec<SessionKey>> {
    let now = clock::now()?;
    let now_us = now.into_inner();
    let known = OPEN_UNTIL.take();
    let (mut open, mut due) = (HashMap::new(), Vec::new());
    for session in unsent {
        let known = known.get(session).copied();
        let until = match known.filter(|until| (now_us..=now_us + LOOK_AGAIN_US).contains(until)) {
            Some(until) => Some(until),
            None => relay_row::find(admitted, Uuid::from_bytes(*session))?
                .and_then(|relay| relay.long_window_ends_at(now))
                .map(|ends_at| ends_at.min(now_us + LOOK_AGAIN_US)),
        };
        match until {
            Some(until) => _ = open.insert(*session, until),
            None => due.push(*session),
        }
    }
    OPEN_UNTIL.replace(open);
    Ok(due)
}
