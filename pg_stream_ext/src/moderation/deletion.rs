//! Deleting messages: clears the text, keeps row and seq, and deletes the stored frames that carry the text.
//!
//! Messages can be deleted after the end of a stream too, because its log is still read; then without an event,
//! because nothing is logged after the end.

use pgrx::datum::Uuid;
use pgrx::prelude::*;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;

use crate::limits;
use crate::moderation::decision::{Moderation, Rank, Record};
use crate::moderation::message::{ModeratedMessage, not_found};
use crate::postgres::caller;
use crate::postgres::error::{Failure, Result, or_raise, required};
use crate::postgres::spi::{self, statements};
use crate::realtime::stored_frames::{self, CarriedEntry};
use crate::stream::gate;

statements! {
    /// Waits for a message that is being written; returns whether the log is open.
    HOLD_HEAD: Write [UUIDOID] -> bool,
        "select h.open from stream.chat_heads as h where h.session_id = $1 for no key update";

    /// The row keeps its number and its author.
    DELETE: Write [UUIDOID, INT8OID] -> CarriedEntry,
        "update stream.chat_messages as m
         set content = '', metadata = '{}', deleted_at = t.time, updated_at = t.time
         from (select clock_timestamp() as time) as t
         where m.session_id = $1 and m.seq = $2
         returning m.seq, m.created_at";

    /// In the order of the rows, as the deletion of the user would take them.
    DELETE_OF_USER: Write [UUIDOID, UUIDOID] -> CarriedEntry,
        "with theirs as (
             select m.session_id, m.seq from stream.chat_messages as m
             where m.user_id = $2 and m.session_id = $1
                 and m.message_type = 'user_message' and m.deleted_at is null
             order by m.ctid
             for no key update
         ), deleted as (
             update stream.chat_messages as m
             set content = '', metadata = '{}', deleted_at = t.time, updated_at = t.time
             from theirs as d, (select clock_timestamp() as time) as t
             where m.session_id = d.session_id and m.seq = d.seq
             returning m.seq, m.created_at
         )
         select d.seq, d.created_at from deleted as d order by d.seq";

    AUTHOR_OF: Write [UUIDOID, INT8OID] -> Option<Uuid>,
        "select m.user_id from stream.chat_messages as m where m.session_id = $1 and m.seq = $2";

    UNPIN: Write [UUIDOID]
        "update stream.stream_sessions set pinned_seq = null where id = $1";

    ID_OF: Write [UUIDOID, INT8OID] -> Uuid,
        "select m.id from stream.chat_messages as m where m.session_id = $1 and m.seq = $2";

    LOCK_SESSION: Write [UUIDOID]
        "select true from stream.stream_sessions as s where s.id = $1 for no key update";
}

#[pg_extern]
fn delete_message(
    session_id: Option<Uuid>,
    message_id: Option<Uuid>,
    reason: Option<&str>,
) -> &'static str {
    or_raise(delete(session_id, message_id, reason))
}

#[pg_extern]
fn delete_user_messages(
    session_id: Option<Uuid>,
    user_id: Option<Uuid>,
    reason: Option<&str>,
) -> i32 {
    or_raise(delete_of_user(session_id, user_id, reason))
}

fn delete(
    session_id: Option<Uuid>,
    message_id: Option<Uuid>,
    reason: Option<&str>,
) -> Result<&'static str> {
    let caller = caller::enter_to_write()?;
    let session = required(session_id, "session_id")?;
    let id = required(message_id, "message_id")?;
    limits::reason(reason)?;
    let moderation = Moderation::begin_as_anybody(caller, session)?;
    // Decided before the head is locked: nobody else pins or deletes meanwhile.
    let is_pinned = match moderation.pinned_seq {
        Some(pinned) => {
            ModeratedMessage::find(session, id)?.is_some_and(|target| target.seq == pinned)
        }
        None => false,
    };
    if is_pinned {
        gate::close(moderation.admitted, session)?;
        lock_session(session)?;
    }
    let is_open = hold_head(session)?;
    let target = ModeratedMessage::find(session, id)?;
    moderation.may_delete(target.as_ref())?;
    let target = target.ok_or_else(not_found)?;
    target.require_user_message()?;
    if target.is_deleted {
        return Ok("already_deleted");
    }
    let deleted = spi::first(&DELETE, &[session.into(), target.seq.into()])?;
    stored_frames::delete(session, deleted.into_iter().collect())?;
    let metadata = json!({
        "kind": "message_deleted", "target_seq": target.seq, "target_id": id.to_string(),
    });
    let record = Record {
        user: target.author,
        target_seq: Some(target.seq),
        reason,
        ..Record::default()
    };
    moderation.announce_if_open(
        is_open,
        "message_deleted",
        "A message was deleted.",
        &metadata,
        record,
    )?;
    if is_pinned {
        moderation.unpin(is_open, target.seq)?;
    }
    moderation.close_reports(vec![target.seq])?;
    Ok("deleted")
}

fn delete_of_user(
    session_id: Option<Uuid>,
    user_id: Option<Uuid>,
    reason: Option<&str>,
) -> Result<i32> {
    let moderation = Moderation::begin(session_id)?;
    let user = required(user_id, "user_id")?;
    limits::reason(reason)?;
    if user == moderation.seller && moderation.rank != Rank::Owner {
        return Err(Failure::with_hint(
            ErrorCode::NotModerator,
            "nobody deletes the messages of the seller",
        ));
    }
    let session = moderation.session;
    let pinned_seq = match moderation.pinned_seq {
        Some(pinned) if author_of(session, pinned)? == Some(user) => Some(pinned),
        _ => None,
    };
    if pinned_seq.is_some() {
        gate::close(moderation.admitted, session)?;
        lock_session(session)?;
    }
    // Most messages and their frames are deleted before the head is locked, so that the chat does not wait; under the
    // lock only those that came meanwhile.
    let earlier = delete_all(session, user)?;
    let (earlier_count, earlier_seq) = (earlier.len(), earlier.last().map(|last| last.seq));
    let earlier_seqs: Vec<i64> = earlier.iter().map(|entry| entry.seq).collect();
    // In an ended stream nobody waits for the head, and retention locks frames after the relay row.
    let mut left = if moderation.has_ended {
        earlier
    } else {
        stored_frames::delete_committed(session, earlier)?
    };
    let is_open = hold_head(session)?;
    let later = delete_all(session, user)?;
    let (later_count, later_seq) = (later.len(), later.last().map(|last| last.seq));
    let count = i32::try_from(earlier_count + later_count).unwrap_or(i32::MAX);
    let Some(up_to_seq) = earlier_seq.max(later_seq) else {
        return Ok(0);
    };
    let seqs = earlier_seqs
        .into_iter()
        .chain(later.iter().map(|entry| entry.seq));
    let seqs = seqs.collect();
    left.extend(later);
    stored_frames::delete(session, left)?;
    let metadata = json!({
        "kind": "user_messages_deleted", "user_id": user.to_string(), "up_to_seq": up_to_seq,
    });
    let record = Record {
        user: Some(user),
        target_seq: Some(up_to_seq),
        reason,
        ..Record::default()
    };
    moderation.announce_if_open(
        is_open,
        "user_messages_deleted",
        "The messages of a user were deleted.",
        &metadata,
        record,
    )?;
    if let Some(pinned) = pinned_seq {
        moderation.unpin(is_open, pinned)?;
    }
    moderation.close_reports(seqs)?;
    Ok(count)
}

impl Moderation {
    /// Authors may delete their own messages, moderators those of others except the seller's. The refusal does not tell
    /// other users which messages exist.
    fn may_delete(&self, target: Option<&ModeratedMessage>) -> Result<()> {
        let author = target.and_then(|target| target.author);
        if author.is_some() && author == self.actor {
            return Ok(());
        }
        match self.rank {
            Rank::Owner => Ok(()),
            Rank::Moderator if author != Some(self.seller) => Ok(()),
            Rank::Moderator | Rank::Nobody => Err(ErrorCode::NotModerator.into()),
        }
    }

    /// Records the decision, and announces it while the log is open.
    pub(super) fn announce_if_open(
        &self,
        is_open: bool,
        action: &str,
        sentence: &str,
        metadata: &Value,
        record: Record<'_>,
    ) -> Result<()> {
        if is_open {
            self.announce(action, sentence, metadata, record)
                .map(|_| ())
        } else {
            self.record(action, record)
        }
    }

    /// Unpins a message; the session's row is locked.
    pub(super) fn unpin(&self, is_open: bool, seq: i64) -> Result<()> {
        let id = spi::first(&ID_OF, &[self.session.into(), seq.into()])?
            .ok_or(Failure::Row("the pinned message is gone"))?;
        spi::execute(&UNPIN, &[self.session.into()])?;
        let metadata = json!({
            "kind": "message_unpinned", "target_seq": seq, "target_id": id.to_string(),
        });
        let record = Record {
            target_seq: Some(seq),
            ..Record::default()
        };
        self.announce_if_open(
            is_open,
            "message_unpinned",
            "A message is no longer pinned.",
            &metadata,
            record,
        )
    }
}

/// Locks the session's row; the gate is closed already.
pub(super) fn lock_session(session: Uuid) -> Result<()> {
    spi::execute(&LOCK_SESSION, &[session.into()]).map(|_| ())
}

/// Locks the head row, waiting for a message that is being written; returns whether the log is open.
pub(super) fn hold_head(session: Uuid) -> Result<bool> {
    spi::first(&HOLD_HEAD, &[session.into()])?.ok_or(Failure::Row("the session has no head"))
}

/// Deletes all messages of the user, and returns them in the order of `seq`.
fn delete_all(session: Uuid, user: Uuid) -> Result<Vec<CarriedEntry>> {
    spi::all(&DELETE_OF_USER, &[session.into(), user.into()])
}

pub(super) fn author_of(session: Uuid, seq: i64) -> Result<Option<Uuid>> {
    Ok(spi::first(&AUTHOR_OF, &[session.into(), seq.into()])?.flatten())
}
