//! Admitting moderators, for operations written in plpgsql.

use pgrx::datum::Uuid;
use pgrx::prelude::*;

use crate::moderation::decision::Moderation;
use crate::moderation::listing;
use crate::postgres::caller;
use crate::postgres::error::{or_raise, required};

/// Admits a moderator who only reads.
#[pg_extern(stable)]
fn require_moderator(session_id: Option<Uuid>) {
    let session = caller::enter().and_then(|_| required(session_id, "session_id"));
    or_raise(session.and_then(|session| listing::require_reader(Some(session))))
}

/// Admits a moderator and waits until nobody else moderates the stream, which may have ended; returns
/// the moderator, null for the service.
#[pg_extern]
fn begin_moderation(session_id: Option<Uuid>) -> Option<Uuid> {
    or_raise(Moderation::begin(session_id)).actor
}
