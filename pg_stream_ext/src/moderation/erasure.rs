//! Erasing a user from the log of one stream: text, name and id of what they wrote, their id in entries about
//! them, and the stored frames that carry any of it. Rows and numbers stay.
//!
//! A call erases a limited number of entries, in the transaction of the caller. While the log is open, one entry says
//! which numbers lost their text; all viewers read it, so it does not name the user.

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use serde_json::json;
use stream_core::error::ErrorCode;

use crate::moderation::decision::{Moderation, Record};
use crate::moderation::deletion::{author_of, hold_head, lock_session};
use crate::postgres::application_rows;
use crate::postgres::caller;
use crate::postgres::column::columns;
use crate::postgres::error::{Result, or_raise, required};
use crate::postgres::spi::{self, statements};
use crate::realtime::stored_frames::{self, CarriedEntry};
use crate::stream::gate;

/// The most entries of a call while the log is open, because the chat waits meanwhile.
const MOST_WHILE_OPEN: i32 = 100;

statements! {
    /// Ends the lease, if there is one; the row's trigger adds the row of `viewer_changes`.
    DELETE_VIEWER: Write [UUIDOID, UUIDOID]
        "delete from stream.stream_viewers as v where v.session_id = $1 and v.user_id = $2";

    /// Messages that a moderator deleted are erased too: they still have the name.
    ERASE: Write [UUIDOID, UUIDOID, INT4OID] -> Erased,
        "with theirs as (
             select m.session_id, m.seq, m.deleted_at is null as had_text from stream.chat_messages as m
             where m.user_id = $2 and m.session_id = $1
             order by m.ctid limit $3
             for no key update
         ), erased as (
             update stream.chat_messages as m
             set user_id = null, username = null, content = '', metadata = '{}',
                 deleted_at = coalesce(m.deleted_at, t.time), updated_at = t.time
             from theirs as d, (select clock_timestamp() as time) as t
             where m.session_id = d.session_id and m.seq = d.seq
             returning m.seq, m.created_at, d.had_text
         )
         select e.seq, e.created_at, e.had_text from erased as e order by e.seq";

    /// Messages of a user whom the application has deleted, so that the rows no longer have their id.
    ERASE_OF_DELETED: Write [UUIDOID, UUIDOID, INT4OID] -> Erased,
        "with theirs as (
             select m.session_id, m.seq, m.deleted_at is null as had_text
             from stream.authors_deleted as a
             cross join unnest(a.seqs) as r (seqs)
             join stream.chat_messages as m
                 on m.session_id = a.session_id and m.seq >= lower(r.seqs) and m.seq < upper(r.seqs)
             where a.user_id = $2 and a.session_id = $1
                 and m.user_id is null and (m.username is not null or m.content <> '')
             order by m.ctid limit $3
             for no key update of m
         ), erased as (
             update stream.chat_messages as m
             set username = null, content = '', metadata = '{}',
                 deleted_at = coalesce(m.deleted_at, t.time), updated_at = t.time
             from theirs as d, (select clock_timestamp() as time) as t
             where m.session_id = d.session_id and m.seq = d.seq
             returning m.seq, m.created_at, d.had_text
         )
         select e.seq, e.created_at, e.had_text from erased as e order by e.seq";

    FORGET_DELETED: Write [UUIDOID, UUIDOID]
        "delete from stream.authors_deleted as a where a.user_id = $2 and a.session_id = $1";

    /// Entries that announced a decision about the user; the nil uuid stands for an erased user.
    ERASE_ABOUT: Write [UUIDOID, UUIDOID, INT4OID] -> Decision,
        "with decisions as (
             select l.id, l.seq, l.created_at from stream.moderation_log as l
             where l.user_id = $2 and l.session_id = $1
             order by l.id limit $3
         ), erased as (
             update stream.moderation_log as l
             set user_id = '00000000-0000-0000-0000-000000000000', reason = null
             from decisions as d where l.id = d.id
         ), named as (
             update stream.chat_messages as m
             set metadata = m.metadata || '{\"user_id\": \"00000000-0000-0000-0000-000000000000\"}',
                 updated_at = clock_timestamp()
             from decisions as d
             where m.session_id = $1 and m.seq = d.seq and m.metadata ->> 'user_id' = $2::text
             returning m.seq, m.created_at
         )
         select coalesce(n.seq, 0) as seq, coalesce(n.created_at, d.created_at) as created_at,
             d.created_at as decided_at
         from decisions as d
         left join named as n on n.seq = d.seq order by n.seq";
}

columns! {
    struct Erased {
        entry: CarriedEntry,
        had_text: bool,
    }

    struct Decision {
        /// Number 0 where nothing announced it.
        entry: CarriedEntry,
        decided_at: TimestampWithTimeZone,
    }
}

/// Erases entries, for the service alone. Returns how many rows it changed; 0 when nothing of the user is left in the
/// log.
#[pg_extern]
fn erase_from_log(session_id: Option<Uuid>, user_id: Option<Uuid>, at_most: Option<i32>) -> i32 {
    or_raise(erase(session_id, user_id, at_most))
}

fn erase(session_id: Option<Uuid>, user_id: Option<Uuid>, at_most: Option<i32>) -> Result<i32> {
    let caller = caller::enter_to_write()?;
    if !caller.is_service() {
        return Err(ErrorCode::Forbidden.into());
    }
    let session = required(session_id, "session_id")?;
    let user = required(user_id, "user_id")?;
    let at_most = required(at_most, "at_most")?;
    let moderation = Moderation::begin_as_anybody(caller, session)?;
    application_rows::hold_user(moderation.admitted, user)?;
    let pinned_seq = match moderation.pinned_seq {
        Some(pinned) if author_of(session, pinned)? == Some(user) => Some(pinned),
        _ => None,
    };
    if pinned_seq.is_some() {
        gate::close(moderation.admitted, session)?;
        lock_session(session)?;
    }
    let left = spi::execute(&DELETE_VIEWER, &[session.into(), user.into()])?;
    let is_open = hold_head(session)?;
    let at_most = if is_open {
        at_most.min(MOST_WHILE_OPEN)
    } else {
        at_most
    };
    let mut carried = Vec::new();
    let mut without_text = Vec::new();
    let mut room = at_most;
    for statement in [&ERASE, &ERASE_OF_DELETED] {
        let arguments = [session.into(), user.into(), room.into()];
        let erased = spi::all(statement, &arguments)?;
        room -= i32::try_from(erased.len()).unwrap_or(room);
        for Erased { entry, had_text } in erased {
            carried.push(entry);
            if had_text {
                without_text.push(entry.seq);
            }
        }
    }
    if room > 0 {
        spi::execute(&FORGET_DELETED, &[session.into(), user.into()])?;
    }
    let arguments = [session.into(), user.into(), room.into()];
    let decisions = spi::all(&ERASE_ABOUT, &arguments)?;
    let decided = i32::try_from(decisions.len()).unwrap_or(0);
    let announced = decisions.iter().map(|decision| decision.entry);
    carried.extend(announced.filter(|entry| entry.seq > 0));
    let about = decisions.iter().map(|decision| decision.decided_at);
    let about = about.collect();
    carried.sort_by_key(|entry| entry.seq);
    carried.dedup_by_key(|entry| entry.seq);
    if !carried.is_empty() {
        stored_frames::delete(session, carried)?;
    }
    stored_frames::delete_notifications(user, about)?;
    without_text.sort_unstable();
    let unpinned = pinned_seq.filter(|pinned| without_text.contains(pinned));
    if let Some(up_to) = without_text.last().copied() {
        let metadata = json!({"kind": "messages_deleted", "seqs": ranges(&without_text)});
        let record = Record {
            target_seq: Some(up_to),
            ..Record::default()
        };
        let sentence = "Messages were deleted.";
        moderation.announce_if_open(is_open, "messages_deleted", sentence, &metadata, record)?;
    }
    if let Some(pinned) = unpinned {
        moderation.unpin(is_open, pinned)?;
    }
    moderation.close_reports(without_text)?;
    let changed = i32::try_from(left).unwrap_or(0) + (at_most - room) + decided;
    Ok(changed)
}

/// Returns `[first, last]` of each run of consecutive numbers; `seqs` is in order.
fn ranges(seqs: &[i64]) -> Vec<[i64; 2]> {
    let mut ranges: Vec<[i64; 2]> = Vec::new();
    for seq in seqs.iter().copied() {
        match ranges.last_mut() {
            Some(range) if range[1] + 1 == seq => range[1] = seq,
            _ => ranges.push([seq, seq]),
        }
    }
    ranges
}
