//! How does a stream go whose time has passed?
//!
//! One at a time: what hangs on it goes in batches, and the stream when nothing is left. Nothing is
//! waited for: a batch of messages looks at the places of a stream before it learns that the stream has
//! ended, and goes on to streams that this sweep may hold.

use pgrx::datum::{Interval, Uuid};

use super::Rule;
use crate::error::Result;
use crate::spi::{self, column, statements};
use crate::stored_frames;

/// Deletes at most `$2` rows of session `$1` that nobody holds. By their place in the table: by key,
/// Postgres may look for a user in the index of all that this user ever did.
macro_rules! delete_batch {
    ($table:literal) => {
        concat!(
            "delete from stream.",
            $table,
            " as d
             where d.ctid = any (array(
                 select o.ctid from stream.",
            $table,
            " as o
                 where o.session_id = $1 limit $2 for update skip locked))"
        )
    };
}

statements! {
    /// The bound is computed before, so that it ends the scan of the index.
    EXPIRED_SESSION: Write []
        "select s.id, now() - s.ended_at - c.retention_days * interval '1 day'
         from stream.stream_sessions as s
         cross join stream.config as c
         where s.state = 'ended'
             and s.ended_at < (
                 select now() - k.retention_days * interval '1 day' from stream.config as k)
         order by s.ended_at limit 1
         for update of s skip locked";

    /// From the oldest on, so that readers find what is left of the log without a gap.
    DELETE_MESSAGES: Write [UUIDOID, INT4OID]
        "delete from stream.chat_messages as m
         where m.session_id = $1 and m.seq in (
             select o.seq from stream.chat_messages as o
             where o.session_id = $1 order by o.seq limit $2
             for update skip locked)";

    DELETE_READS: Write [UUIDOID, INT4OID]
        delete_batch!("chat_reads");

    DELETE_SUBSCRIPTIONS: Write [UUIDOID, INT4OID]
        delete_batch!("chat_subscriptions");

    DELETE_TOKENS: Write [UUIDOID, INT4OID]
        delete_batch!("agora_tokens");

    DELETE_RESTRICTIONS: Write [UUIDOID, INT4OID]
        delete_batch!("chat_restrictions");

    DELETE_RATES: Write [UUIDOID, INT4OID]
        delete_batch!("restriction_rates");

    DELETE_TERMS: Write [UUIDOID, INT4OID]
        delete_batch!("blocked_terms");

    DELETE_DECISIONS: Write [UUIDOID, INT4OID]
        delete_batch!("moderation_log");

    DELETE_CURSORS: Write [UUIDOID, INT4OID]
        delete_batch!("webhook_cursors");

    DELETE_VIEWERS: Write [UUIDOID, INT4OID]
        delete_batch!("stream_viewers");

    /// Not while anything is left, which would go with the session at once, held or not.
    DELETE_SESSION: Write [UUIDOID]
        "delete from stream.stream_sessions as s
         where s.id = $1
             and not exists (select from stream.chat_messages as m where m.session_id = $1)
             and not exists (select from stream.chat_reads as r where r.session_id = $1)
             and not exists (select from stream.chat_subscriptions as b where b.session_id = $1)
             and not exists (select from stream.agora_tokens as t where t.session_id = $1)
             and not exists (select from stream.chat_restrictions as x where x.session_id = $1)
             and not exists (select from stream.restriction_rates as q where q.session_id = $1)
             and not exists (select from stream.blocked_terms as w where w.session_id = $1)
             and not exists (select from stream.moderation_log as d where d.session_id = $1)
             and not exists (select from stream.webhook_cursors as k where k.session_id = $1)
             and not exists (select from stream.stream_viewers as v where v.session_id = $1)";
}

/// Answers the deleted rows, the session's own too; those that can only be one go with it.
pub fn expire(batch: i32) -> Result<Rule> {
    let mut rule = Rule::unused("retention");
    let expired = spi::first(&EXPIRED_SESSION, &[], |row| {
        Ok((column::<Uuid>(row, 1)?, column::<Interval>(row, 2)?))
    })?;
    let Some((id, age)) = expired else {
        return Ok(rule);
    };
    rule.oldest_age = Some(age);
    if !stored_frames::expire(id, batch)? {
        return Ok(rule);
    }
    for statement in [
        &DELETE_MESSAGES,
        &DELETE_READS,
        &DELETE_SUBSCRIPTIONS,
        &DELETE_TOKENS,
        &DELETE_RESTRICTIONS,
        &DELETE_RATES,
        &DELETE_TERMS,
        &DELETE_DECISIONS,
        &DELETE_CURSORS,
        &DELETE_VIEWERS,
    ] {
        let left = batch - rule.rows;
        if left == 0 {
            return Ok(rule);
        }
        let deleted = spi::execute(statement, &[id.into(), left.into()])?;
        rule.rows += i32::try_from(deleted).unwrap_or(left);
    }
    if rule.rows < batch {
        let deleted = spi::execute(&DELETE_SESSION, &[id.into()])?;
        rule.rows += i32::try_from(deleted).unwrap_or(0);
    }
    Ok(rule)
}
