//! Accepting the items of a batch for one session, and writing them.
//!
//! One statement writes them all, so they are consecutive in the log and go out in one frame.

use std::collections::HashMap;

use pgrx::datum::Uuid;
use stream_core::error::ErrorCode;

use crate::chat::send_batch::item::{Answer, Draft, refused};
use crate::chat::send_batch::senders::Senders;
use crate::chat::sender::Sender;
use crate::chat::viewer_row;
use crate::log::message::{Message, message_columns};
use crate::log::relay::{Sending, relay};
use crate::postgres::caller::Admitted;
use crate::postgres::commit::wait_for_the_disk;
use crate::postgres::error::{Failure, Result};
use crate::postgres::spi::{self, statements};

statements! {
    /// The times continue the log's, one microsecond after the other.
    INSERT_MESSAGES: Write [UUIDOID, INT8OID, TEXTOID] -> Message,
        concat!(
            "with head as (
                 update stream.chat_heads
                 set last_seq = last_seq + $2,
                     last_at = greatest(clock_timestamp(), last_at + interval '1 microsecond')
                         + ($2 - 1) * interval '1 microsecond'
                 where session_id = $1
                 returning last_seq - $2 as above, last_at - $2 * interval '1 microsecond' as before
             ), m as (
                 insert into stream.chat_messages
                     (id, session_id, seq, user_id, username, content, created_at, updated_at)
                 select coalesce(i.id, gen_random_uuid()), $1, h.above + i.n, i.user_id, i.username,
                     i.content, h.before + i.n * interval '1 microsecond',
                     h.before + i.n * interval '1 microsecond'
                 from head as h
                 cross join jsonb_to_recordset($3::jsonb)
                     as i (n bigint, id uuid, user_id uuid, username text, content text)
                 returning *
             )
             select ", message_columns!(), " from m order by m.seq"
        );

}

/// A row for INSERT_MESSAGES.
#[derive(serde::Serialize)]
struct NewMessage {
    /// Its position among the accepted items, from 1.
    n: usize,
    id: Option<uuid::Uuid>,
    user_id: uuid::Uuid,
    username: Option<String>,
    content: String,
}

#[derive(Default)]
pub struct Accepted {
    rows: Vec<NewMessage>,
    /// For each answer, the index of its item in the batch and the index of its row.
    answers: Vec<(usize, usize)>,
    by_id: HashMap<uuid::Uuid, usize>,
}

impl Accepted {
    /// Accepts a draft, or returns the refusal. An id that occurred in the batch before is a retry.
    pub fn judge(
        &mut self,
        admitted: Admitted,
        draft: &Draft,
        senders: &mut Senders<'_>,
    ) -> Result<Option<Answer>> {
        let user = uuid::Uuid::from_bytes(*draft.user.as_bytes());
        let id = draft.id.map(|id| uuid::Uuid::from_bytes(*id.as_bytes()));
        if let Some(row) = id.and_then(|id| self.by_id.get(&id).copied()) {
            if self.rows[row].user_id != user {
                return Ok(Some(Answer::Refused(ErrorCode::MessageIdConflict, None)));
            }
            self.answers.push((draft.index, row));
            return Ok(None);
        }
        let sender = senders.of(admitted, draft)?;
        if let Err(failure) = sender.accept(draft.caller, draft.session, draft.content.as_str()) {
            return refused(failure).map(Some);
        }
        let row = self.rows.len();
        self.answers.push((draft.index, row));
        if let Some(id) = id {
            self.by_id.insert(id, row);
        }
        self.rows.push(NewMessage {
            n: row + 1,
            id,
            user_id: user,
            username: sender.username.clone(),
            content: draft.content.as_str().to_owned(),
        });
        Ok(None)
    }

    /// Writes the accepted items, whose rows are all locked. Returns the answers with the indexes of their items.
    pub fn write(
        self,
        admitted: Admitted,
        session: Uuid,
        senders: &[Sender],
        sending: Sending,
    ) -> Result<Vec<(usize, Answer)>> {
        if self.rows.is_empty() {
            return Ok(Vec::new());
        }
        // Entries that are sent later are acknowledged with this commit, too.
        wait_for_the_disk();
        let count = i64::try_from(self.rows.len()).map_err(|_| Failure::Row("too many rows"))?;
        let rows =
            serde_json::to_string(&self.rows).map_err(|_| Failure::Row("rows are no JSON"))?;
        let arguments = [session.into(), count.into(), rows.into()];
        let messages = spi::all(&INSERT_MESSAGES, &arguments)?;
        self.charge(session, senders)?;
        if let Some(first) = messages.first() {
            relay(admitted, session, sending, first.seq)?;
        }
        self.answers
            .iter()
            .map(|(index, row)| {
                let message = messages
                    .get(*row)
                    .ok_or(Failure::Row("a message was not stored"))?;
                Ok((*index, Answer::Stored(Box::new(message.clone()))))
            })
            .collect()
    }

    fn charge(&self, session: Uuid, senders: &[Sender]) -> Result<()> {
        let (mut users, mut tats) = (Vec::new(), Vec::new());
        for sender in senders {
            let user = uuid::Uuid::from_bytes(*sender.user.as_bytes());
            if !self.rows.iter().any(|row| row.user_id == user) {
                continue;
            }
            if sender.is_seller {
                sender.charge_host(session)?;
            } else {
                users.push(sender.user);
                tats.push(sender.tat()?);
            }
        }
        if users.is_empty() {
            return Ok(());
        }
        viewer_row::set_tats(session, users, tats)
    }
}
