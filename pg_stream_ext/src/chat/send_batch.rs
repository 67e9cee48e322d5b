//! Sending messages of many users to many streams in one call.
//!
//! Sessions are handled one after the other by ascending id, each in the order of a single send:
//! viewer rows, head row, relay row. A refused item costs only itself; a session whose rows
//! are locked by others costs only its own items.

mod accepted;
mod item;
mod locks;

use std::collections::{BTreeMap, HashMap};

use pgrx::AnyElement;
use pgrx::datum::Uuid;
use pgrx::prelude::*;
use stream_core::chat::Content;
use stream_core::error::ErrorCode;

use crate::batch;
use crate::chat::sender::Rules;
use crate::chat::settings::ChatSettings;
use crate::log::entry::closed_log_error;
use crate::log::message::Message;
use crate::postgres::application_rows;
use crate::postgres::caller::{self, Admitted, Caller};
use crate::postgres::catalogue::KnownRelation;
use crate::postgres::composite::{self, Attribute, Composite};
use crate::postgres::error::{Failure, Result, or_raise};
use accepted::Accepted;
use item::{Answer, Draft};
use locks::{Ready, SessionLocks, Waits};

static MESSAGE_RESULT: KnownRelation = KnownRelation::new(c"message_result");

/// Messages of many users and sessions; `items` is the text of a JSON array. One row for each item,
/// in order: `ok` and the message, or the code of the refusal. Returns the type of `row_type`,
/// `stream.message_result`.
#[pg_extern]
fn send_messages(
    items: Option<&str>,
    row_type: Option<AnyElement>,
) -> SetOfIterator<'static, pgrx::composite_type!('static, "anyelement")> {
    let _ = row_type;
    let answers = (1..).zip(or_raise(send_all(items)));
    SetOfIterator::new(answers.map(|(item, reply)| or_raise(result(item, reply))))
}

/// As `stream.message_result`.
fn result(item: i32, answer: Answer) -> Result<Composite> {
    let (status, retry_after_ms, message) = match answer {
        Answer::Stored(message) => ("ok", None, Some(message.into_composite()?)),
        Answer::Refused(code, retry_after_ms) => (code.as_str(), retry_after_ms, None),
    };
    let retry_after_ms = retry_after_ms.and_then(|wait| i64::try_from(wait).ok());
    composite::form(
        &MESSAGE_RESULT,
        [
            item.into(),
            status.into(),
            retry_after_ms.into(),
            Attribute::composite(message),
        ],
    )
}

/// One message of a batch.
#[derive(serde::Deserialize)]
struct Item {
    session_id: Option<uuid::Uuid>,
    user_id: Option<uuid::Uuid>,
    content: Option<String>,
    id: Option<uuid::Uuid>,
}

fn send_all(items: Option<&str>) -> Result<Vec<Answer>> {
    let caller = caller::enter_to_write()?;
    batch::admit(caller)?;
    let items: Vec<Option<Item>> = batch::read(items)?;
    let mut answers: Vec<Option<Answer>> = items.iter().map(|_| None).collect();
    let mut sessions: BTreeMap<[u8; 16], Vec<Draft>> = BTreeMap::new();
    let mut are_free: HashMap<[u8; 16], bool> = HashMap::new();
    for (index, item) in items.into_iter().enumerate() {
        match read(index, item) {
            // Before anything is locked, and without waiting: a user who is being deleted costs the
            // others nothing.
            Ok((_, draft)) if !is_free(caller.admitted(), &mut are_free, draft.user)? => {
                answers[index] = Some(Answer::Refused(ErrorCode::LockTimeout, None));
            }
            Ok((session, draft)) => sessions.entry(session).or_default().push(draft),
            Err(code) => answers[index] = Some(Answer::Refused(code, None)),
        }
    }
    let mut waits = Waits::new();
    for (session, drafts) in sessions {
        let session = Uuid::from_bytes(session);
        for (index, answer) in send_to(caller, session, drafts, &mut waits)? {
            answers[index] = Some(answer);
        }
    }
    answers
        .into_iter()
        .map(|answer| answer.ok_or(Failure::Row("an item was not answered")))
        .collect()
}

fn is_free(admitted: Admitted, known: &mut HashMap<[u8; 16], bool>, user: Uuid) -> Result<bool> {
    if let Some(is_free) = known.get(user.as_bytes()) {
        return Ok(*is_free);
    }
    let is_free = application_rows::hold_user_if_free(admitted, user)?;
    known.insert(*user.as_bytes(), is_free);
    Ok(is_free)
}

fn read(index: usize, item: Option<Item>) -> std::result::Result<([u8; 16], Draft), ErrorCode> {
    let item = item.ok_or(ErrorCode::InvalidArgument)?;
    let session = item.session_id.ok_or(ErrorCode::InvalidArgument)?;
    let draft = Draft {
        index,
        user: Uuid::from_bytes(*item.user_id.ok_or(ErrorCode::InvalidArgument)?.as_bytes()),
        content: Content::parse(&item.content.ok_or(ErrorCode::InvalidArgument)?)?,
        id: item.id.map(|id| Uuid::from_bytes(*id.as_bytes())),
    };
    Ok((*session.as_bytes(), draft))
}

/// Sends the messages of one session, in the order of the batch.
fn send_to(
    caller: Caller,
    session: Uuid,
    drafts: Vec<Draft>,
    waits: &mut Waits,
) -> Result<Vec<(usize, Answer)>> {
    let mut users: Vec<Uuid> = drafts.iter().map(|draft| draft.user).collect();
    users.sort_by_key(|user| *user.as_bytes());
    users.dedup();
    let locked = waits.lock(caller.admitted(), session, &users)?;
    let stored = stored_before(caller.admitted(), session, &drafts)?;
    // A retry returns its stored message in any case.
    let refuse_new = |code| {
        let answers = drafts.iter().map(|draft| {
            let answer = stored_answer(draft, &stored);
            (draft.index, answer.unwrap_or(Answer::Refused(code, None)))
        });
        Ok(answers.collect())
    };
    let Ready {
        viewer_rows,
        host_tat,
        sending,
    } = match locked {
        SessionLocks::Ready(ready) => ready,
        SessionLocks::Closed => return refuse_new(closed_log_error(session)?),
        SessionLocks::Taken => return refuse_new(ErrorCode::LockTimeout),
    };
    let mut senders = Vec::with_capacity(users.len());
    let settings = ChatSettings::read(caller.admitted())?;
    let rules = Rules::read(caller.admitted(), session, host_tat, &settings)?;
    for user in users {
        let viewer_row = viewer_rows.iter().find(|row| row.user == user);
        senders.push(rules.sender(caller.admitted(), user, viewer_row)?);
    }
    let mut accepted = Accepted::default();
    let mut answers = Vec::with_capacity(drafts.len());
    for draft in drafts {
        if let Some(answer) = stored_answer(&draft, &stored) {
            answers.push((draft.index, answer));
            continue;
        }
        let index = draft.index;
        if let Some(refusal) = accepted.judge(caller, session, draft, &mut senders)? {
            answers.push((index, refusal));
        }
    }
    answers.extend(accepted.write(caller.admitted(), session, &senders, sending)?);
    Ok(answers)
}

/// Returns the messages that are already stored under one of the ids.
fn stored_before(
    admitted: Admitted,
    session: Uuid,
    drafts: &[Draft],
) -> Result<HashMap<[u8; 16], Message>> {
    let mut stored = HashMap::new();
    for id in drafts.iter().filter_map(|draft| draft.id) {
        if let Some(message) = Message::find(admitted, session, id)? {
            stored.insert(*id.as_bytes(), message);
        }
    }
    Ok(stored)
}

/// The answer to a retry: the message that its user stored before.
fn stored_answer(draft: &Draft, stored: &HashMap<[u8; 16], Message>) -> Option<Answer> {
    let message = stored.get(draft.id?.as_bytes())?;
    Some(if message.user_id == Some(draft.user) {
        Answer::Stored(Box::new(message.clone()))
    } else {
        Answer::Refused(ErrorCode::MessageIdConflict, None)
    })
}
