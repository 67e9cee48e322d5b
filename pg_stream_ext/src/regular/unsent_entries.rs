//! The rule `tails`: sends the unsent entries of the sessions in the relay queue.

use std::collections::BTreeSet;

use pgrx::datum::Uuid;

use crate::clock;
use crate::log::flush::LockedRelay;
use crate::log::relay_queue::{SessionKey, State, session_key};
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
        let due: Vec<SessionKey> = state.unsent.difference(&skipping).copied().collect();
        // Sessions that are locked or fail stay in `unsent`.
        for session in due.into_iter().map(Uuid::from_bytes) {
            if unit.is_over() {
                break;
            }
            let is_sent = match LockedRelay::lock_if_free(admitted, session)? {
                Locked::Held(relay) => unit.stream(session, || relay.flush(admitted))?,
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
