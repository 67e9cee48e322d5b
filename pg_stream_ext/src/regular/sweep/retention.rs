//! The rule `retention`: deletes ended streams after their retention, dependent rows in batches, the stream last.
//!
//! It does not wait for locks: a batch of messages locks viewers' rows of a stream before it learns that the stream
//! has ended, and goes on to streams that this sweep may hold. The stream's row is deleted in a unit of its own, so
//! that a table of the application that still refers to it keeps that row and nothing else.

use pgrx::datum::{Interval, Uuid};
use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::postgres::caller;
use crate::postgres::column::columns;
use crate::postgres::error::{Result, or_raise, required};
use crate::postgres::spi::{self, statements};
use crate::realtime::broadcast;
use crate::realtime::stored_frames;
use crate::regular::unit::{Rule, Unit};

statements! {
    /// The bound is computed in a subquery, so that it limits the scan of the index.
    EXPIRED_SESSION: Write [UUIDARRAYOID] -> Expired,
        "select s.id, now() - s.ended_at - c.retention_days * interval '1 day' as age
         from stream.stream_sessions as s
         cross join stream.config as c
         where s.state = 'ended'
             and s.ended_at < (
                 select now() - k.retention_days * interval '1 day' from stream.config as k)
             and s.id <> all ($1)
         order by s.ended_at limit 1
         for update of s skip locked";

    /// Sets the end of the retention to now, so that rows that depend on it may be deleted before it.
    EXPIRE: Write [UUIDOID]
        "update stream.stream_sessions as s set ended_at = 'epoch'
         where s.id = $1 and s.state = 'ended' and s.ended_at <> 'epoch'";

    LOCK_ENDED_SESSION: Write [UUIDOID]
        "select true from stream.stream_sessions as s
         where s.id = $1 and s.state = 'ended' for update";
}

columns! {
    struct Expired {
        id: Uuid,
        age: Interval,
    }
}

/// Statements for the tables that depend on a stream, in the order in which they are emptied; rows are deleted in the
/// order of column `order`, or in any order.
macro_rules! dependent_tables {
    ($($delete:ident: $table:literal $(by $order:literal)?;)+) => {
        statements! {
            $(
                /// Deletes at most `$2` rows of session `$1` that are not locked, by ctid: by key, Postgres may search
                /// a user in the index of all rows of this user.
                $delete: Write [UUIDOID, INT4OID]
                    concat!(
                        "delete from stream.", $table, " as d where d.ctid = any (array(
                             select o.ctid from stream.", $table, " as o where o.session_id = $1",
                        $(" order by o.", $order,)?
                        " limit $2 for update skip locked))"
                    );
            )+

            /// Does nothing while dependent rows are left, which the deletion would take at once, locked or not.
            DELETE_SESSION: Write [UUIDOID]
                concat!(
                    "delete from stream.stream_sessions as s where s.id = $1",
                    $(" and not exists (select from stream.", $table, " as o where o.session_id = $1)",)+
                );
        }

        /// Deletes at most `at_most` rows that depend on a stream; returns how many.
        fn delete_dependents(session: Uuid, at_most: i32) -> Result<i32> {
            let mut left = at_most;
            $(
                if left > 0 {
                    let deleted = spi::execute(&$delete, &[session.into(), left.into()])?;
                    left -= i32::try_from(deleted).unwrap_or(left);
                }
            )+
            Ok(at_most - left)
        }
    };
}

dependent_tables! {
    // Oldest first, so that the rest of the log has no gap for readers.
    DELETE_MESSAGES: "chat_messages" by "seq";
    DELETE_READS: "chat_reads";
    DELETE_SUBSCRIPTIONS: "chat_subscriptions";
    DELETE_TOKENS: "agora_tokens";
    DELETE_RESTRICTIONS: "chat_restrictions";
    DELETE_RATES: "restriction_rates";
    DELETE_TERMS: "blocked_terms";
    DELETE_REPORTS: "message_reports";
    DELETE_REPORT_RATES: "report_rates";
    DELETE_REPORTED: "reported_messages";
    DELETE_AUTHORS: "authors_deleted";
    DELETE_DECISIONS: "moderation_log";
    DELETE_CURSORS: "webhook_cursors";
    DELETE_REACTIONS: "reaction_counts";
    DELETE_REACTION_TOTALS: "reaction_totals";
    DELETE_LATE_EVENTS: "late_events";
    DELETE_VIEWERS: "stream_viewers";
}

/// Reports the deleted rows, including the session's own; tables with one row a session are deleted with it.
pub struct Retention;

impl Rule for Retention {
    fn name(&self) -> &'static str {
        "retention"
    }

    fn unit(&self, unit: &mut Unit) -> Result<()> {
        if broadcast::is_held()? {
            return Ok(());
        }
        let expired = spi::first(&EXPIRED_SESSION, &[unit.skipping().into()])?;
        let Some(Expired { id: session, age }) = expired else {
            return Ok(());
        };
        let at_most = unit.rows_left();
        let deleted = unit.part_of_stream(session, || {
            if !stored_frames::expire(session, at_most)? {
                return Ok(None);
            }
            delete_dependents(session, at_most).map(Some)
        })?;
        let Some(mut deleted) = deleted else {
            unit.pass_over(session);
            return Ok(());
        };
        if deleted == 0 {
            let gone = unit.stream(session, || spi::execute(&DELETE_SESSION, &[session.into()]))?;
            deleted = i32::try_from(gone).unwrap_or(1);
        }
        unit.spend(deleted);
        unit.count(self.name(), deleted, Some(age));
        Ok(())
    }
}

/// Deletes at most `at_most` rows of an ended stream of a seller who is being erased, in the transaction of the
/// service. Returns how many; 0 when the rest is locked.
#[pg_extern]
fn delete_ended_stream(session_id: Option<Uuid>, at_most: Option<i32>) -> i32 {
    or_raise(delete_ended(session_id, at_most))
}

fn delete_ended(session_id: Option<Uuid>, at_most: Option<i32>) -> Result<i32> {
    if !caller::enter_to_write()?.is_service() {
        return Err(ErrorCode::Forbidden.into());
    }
    let session = required(session_id, "session_id")?;
    let at_most = required(at_most, "at_most")?;
    let key = [session.into()];
    if spi::execute(&LOCK_ENDED_SESSION, &key)? == 0 {
        return Err(ErrorCode::StreamLive.into());
    }
    spi::execute(&EXPIRE, &key)?;
    if !stored_frames::expire(session, at_most)? {
        return Ok(0);
    }
    let deleted = delete_dependents(session, at_most)?;
    if deleted > 0 {
        return Ok(deleted);
    }
    let gone = spi::execute(&DELETE_SESSION, &key)?;
    Ok(i32::try_from(gone).unwrap_or(1))
}
