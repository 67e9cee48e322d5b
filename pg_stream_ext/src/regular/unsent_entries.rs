//! The rule `tails`: sends the unsent entries of the sessions in the relay queue whose window has passed.

use std::collections::BTreeSet;

use pgrx::datum::Uuid;

use crate::clock;
use crate::log::due_tails;
use crate::log::flush::LockedRelay;
use crate::log::relay_queue::{SessionKey, State, session_key};
use crate::log::relay_row::Urgency;
use crate::postgres::error::Result;
use crate::postgres::keyed::Locked;
use crate::realtime::broadcast;
use crate::regular::unit::{Rule, Unit};

pub struct UnsentEntries;

impl Rule for UnsentEntries {
    fn name(&self) -> &'static str {
        "tails"
    }

    fn unit(&self, unit: &mut Unit) -> Result<()> {
        let admitted = unit.admitted();
        if broadcast::find_write_method(clock::now()?)?.is_none() {
            // Until there is a partition, the queue has at most one row a stream.
            return Ok(());
        }
        let Some(mut state) = State::read()? else {
            return State::create();
        };
        if !state.collect(admitted)? {
            return Ok(());
        }
        let skipping: BTreeSet<SessionKey> = unit.skipping().iter().map(session_key).collect();
        let mut due: Vec<SessionKey> = due_tails::find(admitted, &state.unsent)?;
        due.retain(|session| !skipping.contains(session));
        // Sessions that are locked or fail stay in `unsent`.
        for session in due.into_iter().map(Uuid::from_bytes) {
            if unit.is_over() {
                break;
            }
            let is_sent = match LockedRelay::lock_if_free(admitted, session)? {
                // A frame was written since the window was looked at.
                Locked::Held(relay) if relay.waits()? => false,
                Locked::Held(relay) => {
                    unit.stream(session, || relay.flush(admitted, Urgency::Chat))?
                }
                Locked::Missing => unit.stream(session, || Ok(true))?,
                Locked::Taken => {
                    unit.pass_over(session);
                    false
                }
            };
            if is_sent {
                state.remove(session);
            }
        }
        state.write()
    }
}
