//! Units of the regular work: the work for at most 64 streams in one transaction or subtransaction.
//!
//! A [`Rule`] finds what is due and handles it, stream by stream, inside [`Unit::stream`]; a [`round::Round`]
//! runs its rules in units. A unit that fails is rolled back as a whole, the stream at which it failed is
//! recorded in `stream.troubles` and skipped, and the unit begins again with the others.

pub mod round;
mod sql_triggers;
pub mod troubles;

use std::time::{Duration, Instant};

use pgrx::datum::{Interval, Uuid};

use crate::postgres::caller::Admitted;
use crate::postgres::error::Result;

/// The most streams of one unit.
const MOST_STREAMS: usize = 64;

/// After this time a unit takes on no further stream.
const MOST_TIME: Duration = Duration::from_millis(20);

/// The time is checked after this many streams, so that a machine that stalls now and then does not use a transaction
/// for every stream.
const STREAMS_BETWEEN_LOOKS: usize = 8;

/// After this time a unit is cancelled.
pub const UNIT_TIMEOUT: Duration = Duration::from_secs(2);

/// A part of the regular work.
pub trait Rule {
    /// The name of the rule in `stream.troubles`.
    fn name(&self) -> &'static str;

    /// Handles the due rows of at most [`Unit::limit`] streams and [`Unit::rows_left`] rows, skipping
    /// the streams of [`Unit::skipping`]. Each is handled inside [`Unit::stream`], until
    /// [`Unit::is_over`]; a locked stream is not waited for, but given to [`Unit::pass_over`].
    /// A rule is called again until it handles nothing more. It may fail and be rolled back at any point,
    /// so it keeps no state of its own.
    fn unit(&self, unit: &mut Unit) -> Result<()>;

    /// Called when a failure of a stream is recorded, in the same transaction.
    fn failed(&self, _session: Uuid) -> Result<()> {
        Ok(())
    }
}

/// The rows that a rule has handled, as `sweep` reports them.
pub struct Tally {
    pub rule: &'static str,
    pub rows: i32,
    pub oldest_age: Option<Interval>,
}

/// One unit of one rule.
pub struct Unit {
    admitted: Admitted,
    began_at: Instant,
    limit: usize,
    rows_left: i32,
    skipping: Vec<Uuid>,
    /// The stream that is being handled.
    current: Option<Uuid>,
    handled: Vec<Uuid>,
    /// Whether a stream has been handled, wholly or in part.
    has_begun: bool,
    passed_over: Vec<Uuid>,
    /// The streams whose rows in `stream_sessions` were written.
    written: Vec<Uuid>,
    tallies: Vec<Tally>,
}

impl Unit {
    fn new(
        admitted: Admitted,
        began_at: Instant,
        limit: usize,
        rows_left: i32,
        skipping: Vec<Uuid>,
    ) -> Self {
        Self {
            admitted,
            began_at,
            limit,
            rows_left,
            skipping,
            current: None,
            handled: Vec::new(),
            has_begun: false,
            passed_over: Vec::new(),
            written: Vec::new(),
            tallies: Vec::new(),
        }
    }

    /// The proof that the unit runs as the owner of the tables.
    pub fn admitted(&self) -> Admitted {
        self.admitted
    }

    /// The most streams to handle; at least one.
    pub fn limit(&self) -> i32 {
        i32::try_from(self.limit).unwrap_or(i32::MAX)
    }

    /// The rows that the rule may still handle in this round.
    pub fn rows_left(&self) -> i32 {
        self.rows_left
    }

    /// The streams to skip: those with recorded failures, and those that this round has handled or passed over.
    pub fn skipping(&self) -> Vec<Uuid> {
        let all = self.skipping.iter().chain(&self.handled);
        all.chain(&self.passed_over).copied().collect()
    }

    /// Handles one stream, which is not taken again in this round; an error in `work` counts against it.
    pub fn stream<T>(&mut self, session: Uuid, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let done = self.part_of_stream(session, work)?;
        self.handled.push(session);
        Ok(done)
    }

    /// Handles a part of the due rows of a stream. It may be taken again, so it must have fewer afterwards.
    pub fn part_of_stream<T>(
        &mut self,
        session: Uuid,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        self.current = Some(session);
        let done = work()?;
        self.current = None;
        self.has_begun = true;
        Ok(done)
    }

    /// Leaves a stream to the next round, because a row of it is locked.
    pub fn pass_over(&mut self, session: Uuid) {
        self.passed_over.push(session);
    }

    /// Notes that a stream's row in `stream_sessions` was written, which a transaction may do once.
    pub fn wrote_session(&mut self, session: Uuid) {
        self.written.push(session);
    }

    /// The streams to skip by a rule that writes their row in `stream_sessions`.
    pub fn skipping_written(&self) -> Vec<Uuid> {
        let mut all = self.skipping();
        all.extend(&self.written);
        all
    }

    /// Whether no further stream is to be handled.
    pub fn is_over(&self) -> bool {
        let handled = self.handled.len();
        handled >= self.limit
            || self.rows_left <= 0
            || handled > 0
                && handled.is_multiple_of(STREAMS_BETWEEN_LOOKS)
                && self.began_at.elapsed() >= MOST_TIME
    }

    /// Counts rows against what the rule may handle.
    pub fn spend(&mut self, rows: i32) {
        self.rows_left -= rows;
    }

    /// Counts rows for the result of `sweep`.
    pub fn count(&mut self, rule: &'static str, rows: i32, oldest_age: Option<Interval>) {
        add(
            &mut self.tallies,
            Tally {
                rule,
                rows,
                oldest_age,
            },
        );
    }
}

/// Adds up tallies of the same rule.
fn add(tallies: &mut Vec<Tally>, tally: Tally) {
    let Some(known) = tallies.iter_mut().find(|known| known.rule == tally.rule) else {
        tallies.push(tally);
        return;
    };
    known.rows += tally.rows;
    let is_older = match (&known.oldest_age, &tally.oldest_age) {
        (Some(known), Some(age)) => age.as_micros() > known.as_micros(),
        (None, Some(_)) => true,
        (_, None) => false,
    };
    if is_older {
        known.oldest_age = tally.oldest_age;
    }
}
