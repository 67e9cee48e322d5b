//! Reading the state of a stream, for whoever may view it.

use pgrx::datum::Uuid;
use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::postgres::caller;
use crate::postgres::column::columns;
use crate::postgres::error::{Result, or_raise, required};
use crate::postgres::spi::{self, statements};

statements! {
    READ_STATE: Read [UUIDOID, UUIDOID] -> ViewableState,
        "select s.state, stream_private.can_view($2, s.id, s.seller_id) as can_view
         from stream.stream_sessions as s where s.id = $1";
}

columns! {
    struct ViewableState {
        state: String,
        can_view: bool,
    }
}

#[pg_extern(stable)]
fn get_stream_state(session_id: Option<Uuid>) -> String {
    or_raise(viewable_state(session_id))
}

/// Raises unless the caller may view the session.
#[pg_extern(stable)]
fn authorize_view(session_id: Option<Uuid>) {
    or_raise(viewable_state(session_id).map(|_| ()))
}

fn viewable_state(session_id: Option<Uuid>) -> Result<String> {
    let caller = caller::enter()?;
    let id = required(session_id, "session_id")?;
    match spi::first(&READ_STATE, &[id.into(), caller.user_id().into()])? {
        None => Err(ErrorCode::SessionNotFound.into()),
        Some(found) if !found.can_view => Err(ErrorCode::CannotView.into()),
        Some(found) => Ok(found.state),
    }
}
