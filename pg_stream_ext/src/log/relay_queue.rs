//! The queue of sessions with unsent entries: tables `chat_tails` and `chat_tail_reads`.
//!
//! A writer that leaves an entry to the ticker adds a row when the entry is the first unsent one;
//! it holds the relay row, so the entries after it need no row of their own. The ticker reads the rows
//! by snapshots, as PgQ does: those of transactions that began after the snapshot it read last, and
//! of those that were open then, prepared ones too. So it never scans deleted rows again, however
//! long an old snapshot keeps them. A session that was read stays in `unsent` until its entries are sent; one that is
//! locked or fails neither waits for others nor delays them.

use std::cell::Cell;
use std::collections::BTreeSet;

use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;

use crate::clock::{self, MICROSECONDS_PER_S};
use crate::log::due_tails;
use crate::log::epoch::{epoch, epoch_salt};
use crate::postgres::caller::Admitted;
use crate::postgres::catalogue;
use crate::postgres::column::columns;
use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};
use crate::realtime::broadcast;

/// How often the heads and relays of all live sessions are compared, in microseconds: rows of the queue can
/// be lost when somebody empties the table or restores a part of the database.
const LOOK_EVERY_US: i64 = 60 * MICROSECONDS_PER_S;

/// About how many rows TAKE takes at once; the next call takes those beyond.
macro_rules! page {
    () => {
        5000
    };
}

/// How many sessions LOOK compares at once.
macro_rules! stride {
    () => {
        1000
    };
}
const STRIDE: usize = stride!();

statements! {
    NOTE: Write [UUIDOID]
        "insert into stream.chat_tails (session_id) values ($1)";

    STATE: Write [] -> StateRow,
        "select r.id, r.epoch, pg_snapshot_xmax(r.read_upto)::text as xmax,
             (array(select pg_snapshot_xip(r.read_upto)) || r.read_by)::text as xip,
             r.unsent, r.looked_at, r.look_after
         from stream.chat_tail_reads as r
         order by r.id desc limit 1";

    /// Returns no row while another ticker holds it.
    LOCK_STATE: Write [INT8OID]
        "select true from stream.chat_tail_reads as r where r.id = $1 for update skip locked";

    FIRST_STATE: Write []
        "insert into stream.chat_tail_reads default values";

    IS_EMPTY: Write [TEXTOID, TEXTOID] -> bool,
        "select not exists (select from stream.chat_tails as t where t.xid >= $1::xid8)
             and not exists (select from stream.chat_tails as t where t.xid = any ($2::xid8[]))";

    /// No join with what is to be deleted: its plan could read the whole index.
    TAKE: Write [TEXTOID, TEXTOID] -> Taken,
        concat!(
            "with stop as (
                 select t.xid from stream.chat_tails as t where t.xid >= $1::xid8
                 order by t.xid, t.id offset ", page!(), " limit 1
             ), late as (
                 delete from stream.chat_tails as d where d.xid = any ($2::xid8[])
                 returning d.session_id
             ), ahead as (
                 delete from stream.chat_tails as d
                 where d.xid >= $1::xid8
                     and d.xid <= coalesce((select s.xid from stop as s), '18446744073709551615')
                 returning d.session_id
             )
             select not exists (select from stop) as is_all,
                 array(select l.session_id from late as l union select a.session_id from ahead as a) as sessions,
                 pg_current_snapshot()::text as snapshot"
        );

    LOOK: Write [UUIDOID] -> Compared,
        concat!(
            "select s.auction_id, s.id, coalesce(
                 (select h.last_seq from stream.chat_heads as h where h.session_id = s.id)
                 > (select r.flushed_seq from stream.chat_relay as r where r.session_id = s.id), false) as is_unsent
             from stream.stream_sessions as s
             where s.state <> 'ended' and s.auction_id >= $1
             order by s.auction_id limit ", stride!()
        );

    /// With another snapshot, or with that of the row before.
    WRITE_STATE: Write [INT8OID, TEXTOID, TEXTOID, UUIDARRAYOID, TIMESTAMPTZOID, UUIDOID]
        "with last as (
             delete from stream.chat_tail_reads as d where d.id = $1 returning d.read_upto
         )
         insert into stream.chat_tail_reads (read_upto, epoch, unsent, looked_at, look_after)
         select coalesce($2::pg_snapshot, l.read_upto), $3, $4, $5, $6 from last as l";
}

columns! {
    struct StateRow {
        id: i64,
        epoch: Option<String>,
        xmax: Option<String>,
        xip: String,
        unsent: Vec<Uuid>,
        looked_at: TimestampWithTimeZone,
        look_after: Option<Uuid>,
    }

    struct Taken {
        /// Otherwise there is more to take of the same snapshots.
        is_all: bool,
        sessions: Vec<Uuid>,
        snapshot: String,
    }

    struct Compared {
        auction_id: Uuid,
        id: Uuid,
        is_unsent: bool,
    }
}

/// Queues a session when the transaction commits.
pub fn note(session: Uuid) -> Result<()> {
    spi::execute(&NOTE, &[session.into()]).map(|_| ())
}

thread_local! {
    static IS_HELD: Cell<bool> = const { Cell::new(false) };
}

/// Whether the state of the queue was locked when it was last read: by another ticker for a moment, or by a
/// transaction that keeps every ticker from sending.
pub fn is_held() -> bool {
    IS_HELD.get()
}

/// Whether there are entries to send, or sessions to compare, and a partition to write to. Writes and locks nothing.
pub fn is_due(admitted: Admitted) -> Result<bool> {
    if broadcast::find_write_method(clock::now()?)?.is_none() {
        return Ok(false);
    }
    // The rule will run into it, and fails alone.
    if !can_be_read() {
        return Ok(true);
    }
    let Some(state) = State::read()? else {
        return Ok(true);
    };
    let is_known = state.epoch.as_ref() == Some(&epoch(&epoch_salt(admitted)?));
    let Some((xmax, xip)) = state.read_upto.as_ref().filter(|_| is_known) else {
        return Ok(true);
    };
    if state.is_look_due(clock::now()?) || !due_tails::find(admitted, &state.unsent)?.is_empty() {
        return Ok(true);
    }
    let arguments = [xmax.as_str().into(), xip.as_str().into()];
    Ok(spi::first(&IS_EMPTY, &arguments)? != Some(true))
}

/// Whether the tables of the queue exist and can be read now; takes the locks of a reader, without waiting.
fn can_be_read() -> bool {
    [c"chat_tails", c"chat_tail_reads"].into_iter().all(|name| {
        let table = catalogue::find_relation(c"stream", name);
        table.is_some_and(|table| catalogue::lock_if_free(table, pg_sys::AccessShareLock))
    })
}

/// A session id that can be ordered.
pub type SessionKey = [u8; 16];

pub fn session_key(session: &Uuid) -> SessionKey {
    *session.as_bytes()
}

/// The newest row of `chat_tail_reads`.
pub struct State {
    id: i64,
    epoch: Option<String>,
    /// The end of the snapshot, and the transactions open below it, including the one that read.
    read_upto: Option<(String, String)>,
    pub unsent: BTreeSet<SessionKey>,
    looked_at: TimestampWithTimeZone,
    look_after: Option<Uuid>,
    is_changed: bool,
    now_read_upto: Option<String>,
}

impl State {
    /// Writes the first row, where there is none.
    pub fn create() -> Result<()> {
        spi::execute(&FIRST_STATE, &[]).map(|_| ())
    }

    pub fn read() -> Result<Option<Self>> {
        let row = spi::first(&STATE, &[])?;
        Ok(row.map(|row| Self {
            id: row.id,
            epoch: row.epoch,
            read_upto: row.xmax.map(|xmax| (xmax, row.xip)),
            unsent: row.unsent.iter().map(session_key).collect(),
            looked_at: row.looked_at,
            look_after: row.look_after,
            is_changed: false,
            now_read_upto: None,
        }))
    }

    /// Moves the sessions queued since the last read to `unsent`. It locks no row of a stream, so no stream can make
    /// it fail or wait. Returns false when nothing is unsent, or another ticker is writing the next row.
    pub fn collect(&mut self, admitted: Admitted) -> Result<bool> {
        let epoch = epoch(&epoch_salt(admitted)?);
        let is_known = self.epoch.as_ref() == Some(&epoch);
        let (xmax, xip) = match &self.read_upto {
            Some((xmax, xip)) if is_known => (xmax.as_str(), xip.as_str()),
            // Transaction ids of another cluster mean nothing here.
            _ => ("0", "{}"),
        };
        let arguments = [xmax.into(), xip.into()];
        let now = clock::now()?;
        let looks = !is_known || self.is_look_due(now);
        let is_empty = spi::first(&IS_EMPTY, &arguments)? == Some(true);
        if is_empty && !looks && due_tails::find(admitted, &self.unsent)?.is_empty() {
            return Ok(false);
        }
        let is_locked = spi::execute(&LOCK_STATE, &[self.id.into()])? == 1;
        IS_HELD.set(!is_locked);
        if !is_locked {
            return Ok(false);
        }
        if is_empty && !looks {
            return Ok(true);
        }
        self.is_changed = true;
        if let Some(taken) = spi::first(&TAKE, &arguments)? {
            self.unsent.extend(taken.sessions.iter().map(session_key));
            self.now_read_upto = taken.is_all.then_some(taken.snapshot);
        }
        if !is_known {
            self.look_after = None;
        }
        if looks {
            self.look(now)?;
        }
        self.epoch = (is_known || self.now_read_upto.is_some()).then_some(epoch);
        Ok(true)
    }

    pub fn remove(&mut self, session: Uuid) {
        self.is_changed |= self.unsent.remove(&session_key(&session));
    }

    /// Whether the sessions are to be compared now. A time ahead of the clock is from before the clock was set back.
    fn is_look_due(&self, now: TimestampWithTimeZone) -> bool {
        let passed = now.into_inner().saturating_sub(self.looked_at.into_inner());
        self.look_after.is_some() || !(0..LOOK_EVERY_US).contains(&passed)
    }

    /// Compares the next heads and relays, continuing where the last call ended.
    fn look(&mut self, now: TimestampWithTimeZone) -> Result<()> {
        let after = self.look_after.take().unwrap_or_else(|| {
            self.looked_at = now;
            Uuid::from_bytes([0; 16])
        });
        let compared = spi::all(&LOOK, &[after.into()])?;
        if compared.len() == STRIDE {
            self.look_after = compared.last().map(|last| last.auction_id);
        }
        let unsent = compared.iter().filter(|stream| stream.is_unsent);
        self.unsent
            .extend(unsent.map(|stream| session_key(&stream.id)));
        Ok(())
    }

    pub fn write(self) -> Result<()> {
        if !self.is_changed {
            return Ok(());
        }
        let unsent: Vec<Uuid> = self.unsent.into_iter().map(Uuid::from_bytes).collect();
        let arguments = [
            self.id.into(),
            self.now_read_upto.into(),
            self.epoch.into(),
            unsent.into(),
            self.looked_at.into(),
            self.look_after.into(),
        ];
        spi::execute(&WRITE_STATE, &arguments).map(|_| ())
    }
}
