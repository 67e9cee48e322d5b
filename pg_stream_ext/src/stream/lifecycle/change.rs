//! State changes on request of the seller or the service.
//!
//! Each is logged and broadcast to every viewer, so a seller has a rate. Ending has none: it must always be
//! possible.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::{self, StreamState, Transition};

use crate::limits;
use crate::postgres::caller::{self, Caller};
use crate::postgres::column::columns;
use crate::postgres::error::{Failure, Result, or_raise, required};
use crate::postgres::spi::{self, statements};
use crate::rate::Rate;
use crate::stream::gate;
use crate::stream::lifecycle::{StateExtras, announce};
use crate::stream::state;

statements! {
    LOCK_SESSION: Write [UUIDOID] -> LockedSession,
        "select s.state, s.seller_id, s.generation, s.state_moves_tat,
             (select c.state_moves_per_minute from stream.config as c) as moves_per_minute
         from stream.stream_sessions as s
         where s.id = $1 for no key update";
}

columns! {
    /// A session whose row is locked.
    struct LockedSession {
        state: StreamState,
        seller_id: Uuid,
        generation: i32,
        state_moves_tat: Option<TimestampWithTimeZone>,
        moves_per_minute: i32,
    }
}

impl LockedSession {
    fn lock(id: Uuid) -> Result<Option<Self>> {
        spi::first(&LOCK_SESSION, &[id.into()])
    }
}

#[pg_extern]
fn change_state(
    session_id: Option<Uuid>,
    state: Option<&str>,
    reason: Option<&str>,
    generation: Option<i32>,
) {
    or_raise(change(session_id, state, reason, generation))
}

fn change(
    session_id: Option<Uuid>,
    state: Option<&str>,
    reason: Option<&str>,
    generation: Option<i32>,
) -> Result<()> {
    let caller = caller::enter_to_write()?;
    let id = required(session_id, "session_id")?;
    let to = state::parse(required(state, "state")?)?;
    limits::reason(reason)?;
    gate::close(caller.admitted(), id)?;
    let session = LockedSession::lock(id)?.ok_or(ErrorCode::SessionNotFound)?;
    require_seller(caller, session.seller_id)?;
    if generation.is_some_and(|generation| generation != session.generation) {
        return Err(ErrorCode::StaleHost.into());
    }
    let from = session.state;
    match lifecycle::transition(from, to) {
        Ok(Transition::Unchanged) => Ok(()),
        Ok(Transition::Changed) => {
            let moves_tat = match caller {
                Caller::User { .. } if is_limited(from, to) => {
                    Some(Rate::per_minute(session.moves_per_minute).take(session.state_moves_tat)?)
                }
                _ => None,
            };
            announce(caller.admitted(), id, from, to, reason, session.generation)?.write(
                StateExtras {
                    moves_tat,
                    ..StateExtras::default()
                },
            )
        }
        Err(_) if from == StreamState::Ended => Err(ErrorCode::StreamEnded.into()),
        Err(refused) => Err(Failure::with_hint(
            ErrorCode::IllegalTransition,
            format!(
                "a stream does not go from {} to {}",
                refused.from.as_str(),
                refused.to.as_str()
            ),
        )),
    }
}

/// Whether a seller's transition counts against the rate. Leaving `initializing` does not: every way back to it counts.
fn is_limited(from: StreamState, to: StreamState) -> bool {
    from != StreamState::Initializing && to != StreamState::Ended
}

fn require_seller(caller: Caller, seller: Uuid) -> Result<()> {
    match caller {
        Caller::Service(_) => Ok(()),
        Caller::User { id, .. } if id == seller => Ok(()),
        Caller::User { .. } => Err(ErrorCode::NotStreamOwner.into()),
    }
}
