//! Decisions of moderators: admitting the moderator, announcing the decision, and recording it.
//!
//! Moderators are the seller, the service, and users whom `hook_can_moderate` admits and who are not banned. Calls
//! that moderate one session run one at a time, under a row that nothing else locks ([`moderator_lock`]): what a call
//! has read before it waits for the head still holds after it.
//!
//! Lock order: that row, the user's row (by foreign key), stream_sessions, stream_viewers,
//! chat_heads, then restrictions, terms and messages, chat_relay.

use std::thread::LocalKey;

use pgrx::datum::{DatumWithOid, TimestampWithTimeZone, Uuid};
use serde_json::Value;
use stream_core::error::ErrorCode;

use crate::clock;
use crate::log::entry::Entry;
use crate::log::system_message;
use crate::moderation::moderator_lock;
use crate::postgres::caller::{self, Admitted, Caller};
use crate::postgres::column::columns;
use crate::postgres::error::{Failure, Result, required};
use crate::postgres::json_text;
use crate::postgres::spi::{self, statements};
use crate::realtime::broadcast;
use crate::stream::gate;

/// The rank of user $2 in session $1, as SQL text.
macro_rules! standing {
    () => {
        "select s.seller_id, s.state = 'ended' as has_ended, s.pinned_seq,
             case when $2 is null or s.seller_id = $2 then 'owner'
                  when coalesce(stream.hook_can_moderate($2, s.id), false) and not exists (
                      select from stream_private.bans as b
                      where b.session_id = s.id and b.user_id = $2
                  ) then 'moderator'
                  else 'nobody' end as rank
         from stream.stream_sessions as s where s.id = $1"
    };
}

statements! {
    STANDING: Write [UUIDOID, UUIDOID] -> StandingRow, standing!();

    /// For functions that only read.
    STANDING_TO_READ: Read [UUIDOID, UUIDOID] -> StandingRow, standing!();

    LOCK_SESSION: Write [UUIDOID] -> bool,
        "select s.state = 'ended' from stream.stream_sessions as s
         where s.id = $1 for no key update";

    RECORD: Write [UUIDOID, INT8OID, TEXTOID, UUIDOID, UUIDOID, INT8OID, TEXTOID, TIMESTAMPTZOID, TEXTOID]
        "insert into stream.moderation_log
             (session_id, seq, action, actor, user_id, target_seq, reason, until, term)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
}

columns! {
    struct StandingRow {
        seller_id: Uuid,
        has_ended: bool,
        pinned_seq: Option<i64>,
        rank: String,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    /// The seller of the stream, or the service.
    Owner,
    Moderator,
    Nobody,
}

/// A caller who moderates one session, while nobody else does.
pub struct Moderation {
    pub admitted: Admitted,
    pub session: Uuid,
    /// Null for the service.
    pub actor: Option<Uuid>,
    pub rank: Rank,
    pub seller: Uuid,
    pub has_ended: bool,
    pub pinned_seq: Option<i64>,
}

/// The row that is kept of one decision.
#[derive(Default)]
pub struct Record<'a> {
    pub seq: Option<i64>,
    pub user: Option<Uuid>,
    pub target_seq: Option<i64>,
    pub reason: Option<&'a str>,
    pub until: Option<TimestampWithTimeZone>,
    pub term: Option<&'a str>,
}

impl Moderation {
    /// Admits moderators; the stream may have ended.
    pub fn begin(session_id: Option<Uuid>) -> Result<Self> {
        let caller = caller::enter_to_write()?;
        let session = required(session_id, "session_id")?;
        // Checked before the lock, so that callers who are refused do not queue.
        Self::look(&STANDING, caller, session)?.require_moderator()?;
        let moderation = Self::begin_as_anybody(caller, session)?;
        moderation.require_moderator()?;
        Ok(moderation)
    }

    /// Admits moderators of a live stream.
    pub fn begin_live(session_id: Option<Uuid>) -> Result<Self> {
        let moderation = Self::begin(session_id)?;
        if moderation.has_ended {
            return Err(ErrorCode::StreamEnded.into());
        }
        Ok(moderation)
    }

    /// Waits until nobody else moderates the session; the caller of this checks the rank.
    pub fn begin_as_anybody(caller: Caller, session: Uuid) -> Result<Self> {
        moderator_lock::take(Some(session))?;
        Self::look(&STANDING, caller, session)
    }

    /// For functions that only read.
    pub fn look_to_read(caller: Caller, session: Uuid) -> Result<Self> {
        Self::look(&STANDING_TO_READ, caller, session)
    }

    fn look(
        standing: &'static LocalKey<spi::Statement<StandingRow>>,
        caller: Caller,
        session: Uuid,
    ) -> Result<Self> {
        let actor = caller.user_id();
        let standing = spi::first(standing, &[session.into(), actor.into()])?
            .ok_or(ErrorCode::SessionNotFound)?;
        Ok(Self {
            admitted: caller.admitted(),
            session,
            actor,
            seller: standing.seller_id,
            has_ended: standing.has_ended,
            pinned_seq: standing.pinned_seq,
            rank: match standing.rank.as_str() {
                "owner" => Rank::Owner,
                "moderator" => Rank::Moderator,
                _ => Rank::Nobody,
            },
        })
    }

    pub fn require_moderator(&self) -> Result<()> {
        match self.rank {
            Rank::Owner | Rank::Moderator => Ok(()),
            Rank::Nobody => Err(ErrorCode::NotModerator.into()),
        }
    }

    /// Locks the session, so that its state does not change and no join or token is decided meanwhile. Needed to change
    /// its row, and to ban. Comes before every other lock.
    pub fn lock_session(&self) -> Result<()> {
        gate::close(self.admitted, self.session)?;
        let has_ended =
            spi::first(&LOCK_SESSION, &[self.session.into()])?.ok_or(ErrorCode::SessionNotFound)?;
        if has_ended {
            return Err(ErrorCode::StreamEnded.into());
        }
        Ok(())
    }

    /// Writes the system message that announces a decision about messages or the rules of the chat, and records the
    /// decision.
    pub fn announce(
        &self,
        action: &str,
        sentence: &str,
        metadata: &Value,
        record: Record<'_>,
    ) -> Result<i64> {
        let entry = system_message::log_paced(self.admitted, self.session, sentence, metadata)?;
        self.record_entry(action, &entry, record)
    }

    /// The same of a restriction, which waits for nothing.
    pub fn announce_restriction(
        &self,
        action: &str,
        sentence: &str,
        metadata: &Value,
        record: Record<'_>,
    ) -> Result<i64> {
        let entry = system_message::log_system(self.admitted, self.session, sentence, metadata)?;
        self.record_entry(action, &entry, record)
    }

    fn record_entry(&self, action: &str, entry: &Entry, record: Record<'_>) -> Result<i64> {
        let seq = Some(entry.seq);
        self.record(action, Record { seq, ..record })?;
        Ok(entry.seq)
    }

    pub fn record(&self, action: &str, record: Record<'_>) -> Result<()> {
        insert_record(Some(self.session), self.actor, action, record)
    }
}

/// Inserts a row of the moderation log; without a session it is about all streams.
pub fn insert_record(
    session: Option<Uuid>,
    actor: Option<Uuid>,
    action: &str,
    record: Record<'_>,
) -> Result<()> {
    let arguments: [DatumWithOid<'_>; 9] = [
        session.into(),
        record.seq.into(),
        action.into(),
        actor.into(),
        record.user.into(),
        record.target_seq.into(),
        record.reason.into(),
        record.until.into(),
        record.term.into(),
    ];
    spi::execute(&RECORD, &arguments).map(|_| ())
}

/// Broadcasts an event to the user's own topic, with the time.
pub fn notify_user(user: Uuid, event: &str, mut payload: Value) -> Result<()> {
    payload["server_time"] = json_text::time(clock::now()?).into();
    let topic = format!("user:{}", json_text::uuid(user));
    broadcast::broadcast(&topic, event, &payload.to_string())
}

pub fn invalid(hint: impl Into<String>) -> Failure {
    Failure::with_hint(ErrorCode::InvalidArgument, hint)
}
