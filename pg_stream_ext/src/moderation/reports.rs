//! Closing the reports about messages that are deleted.
//!
//! Functions in plpgsql write and read reports (`sql/private/report.sql`). The row of a reported message comes
//! last in the order of locks, for reports and for moderation.

use crate::moderation::decision::Moderation;
use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};

statements! {
    CLOSE: Write [UUIDOID, INT8ARRAYOID, UUIDOID]
        "with cleared as (
             -- A reason can quote the text.
             update stream.message_reports as m set reason = null
             where m.session_id = $1 and m.seq = any ($2) and m.reason is not null
         ), reported as (
             select p.seq from stream.reported_messages as p
             where p.session_id = $1 and p.seq = any ($2) and p.resolved_at is null
             order by p.seq for no key update
         )
         update stream.reported_messages as p set resolved_at = clock_timestamp(), resolved_by = $3
         from reported as r where p.session_id = $1 and p.seq = r.seq";
}

impl Moderation {
    /// Resolves the reports about these messages, whose text is gone, and clears the reasons, which can quote it.
    pub(super) fn close_reports(&self, seqs: Vec<i64>) -> Result<()> {
        let arguments = [self.session.into(), seqs.into(), self.actor.into()];
        spi::execute(&CLOSE, &arguments).map(|_| ())
    }
}
