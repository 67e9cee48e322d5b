//! Sending messages of many users to many streams in one call.
//!
//! Sessions are handled one after the other by ascending id, each in the order of a single send:
//! viewer rows, head row, relay row. An item that is refused or fails costs only itself; a session whose rows
//! are locked by others costs only its own items. An item that comes with a user's verified claims is judged as
//! that user's own call.

mod accepted;
mod item;
mod locks;
mod senders;

use std::collections::{BTreeMap, HashMap};

use pgrx::AnyElement;
use pgrx::datum::Uuid;
use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::batch;
use crate::chat::sender::Rules;
use crate::chat::settings::ChatSettings;
use crate::log::entry::closed_log_error;
use crate::log::message::Message;
use crate::postgres::application_rows;
use crate::postgres::caller::{self, Admitted};
use crate::postgres::catalogue::KnownRelation;
use crate::postgres::composite::{self, Attribute, Composite};
use crate::postgres::error::{Failure, Result, or_raise};
use crate::postgres::transaction::{self, Isolated};
use accepted::Accepted;
use item::{Answer, Draft, Item, refused};
use locks::{Ready, SessionLocks, Waits};
use senders::Senders;

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

fn send_all(items: Option<&str>) -> Result<Vec<Answer>> {
    let caller = caller::enter_to_write()?;
    batch::admit(caller)?;
    let items: Vec<Option<Item>> = batch::read(items)?;
    let mut answers: Vec<Option<Answer>> = items.iter().map(|_| None).collect();
    let mut sessions: BTreeMap<[u8; 16], Vec<Draft>> = BTreeMap::new();
    let mut are_free: HashMap<[u8; 16], bool> = HashMap::new();
    for (index, item) in items.into_iter().enumerate() {
        match Draft::read(index, item, caller) {
            // Before anything is locked, and without waiting: a user who is being deleted costs the
            // others nothing.
            Ok(draft) if !is_free(caller.admitted(), &mut are_free, draft.user)? => {
                answers[index] = Some(Answer::Refused(ErrorCode::LockTimeout, None));
            }
            Ok(draft) => sessions
                .entry(*draft.session.as_bytes())
                .or_default()
                .push(draft),
            Err(failure) => answers[index] = Some(refused(failure)?),
        }
    }
    let sessions: Vec<Vec<Draft>> = sessions.into_values().collect();
    for (index, answer) in send_isolated(caller.admitted(), &sessions) {
        answers[index] = Some(answer);
    }
    answers
        .into_iter()
        .map(|answer| answer.ok_or(Failure::Row("an item was not answered")))
        .collect()
}

/// Sends everything in one subtransaction. After a fault every session gets one of its own, and where that fails too every
/// item, so that it costs the item alone: a hook or a trigger of the application that raises, for instance. One for each
/// session at once would spend a transaction id on each.
fn send_isolated(admitted: Admitted, sessions: &[Vec<Draft>]) -> Vec<(usize, Answer)> {
    let mut waits = Waits::new();
    let together = transaction::isolated(|| {
        let mut answers = Vec::new();
        for drafts in sessions {
            answers.extend(send_to(admitted, drafts, &mut waits)?);
        }
        Ok(answers)
    });
    if let Ok(answers) = together {
        return answers;
    }
    // What the first attempt has waited for was given back.
    let mut waits = Waits::new();
    let mut answers = Vec::new();
    for drafts in sessions {
        match transaction::isolated(|| send_to(admitted, drafts, &mut waits)) {
            Ok(answered) => answers.extend(answered),
            Err(_) => answers.extend(send_one_by_one(admitted, drafts, &mut waits)),
        }
    }
    answers
}

/// Sends each item in a subtransaction of its own. The rows of all are locked before the first: the head stays locked
/// behind it, and viewers' rows come before the head.
fn send_one_by_one(
    admitted: Admitted,
    drafts: &[Draft],
    waits: &mut Waits,
) -> Vec<(usize, Answer)> {
    // These locks are kept, because this subtransaction is not rolled back.
    let refused = transaction::isolated(|| match drafts.first() {
        Some(Draft { session, .. }) => match waits.lock(admitted, *session, &users(drafts))? {
            SessionLocks::Taken => {
                let stored = stored_before(admitted, *session, drafts)?;
                Ok(Some(refuse_new(drafts, &stored, ErrorCode::LockTimeout)))
            }
            SessionLocks::Ready(_) | SessionLocks::Closed => Ok(None),
        },
        None => Ok(None),
    });
    match refused {
        Ok(Some(answers)) => answers,
        Ok(None) => drafts
            .chunks(1)
            .flat_map(|one| {
                transaction::isolated(|| send_to(admitted, one, waits))
                    .unwrap_or_else(|fault| failed(one, &fault))
            })
            .collect(),
        Err(fault) => failed(drafts, &fault),
    }
}

/// The senders, in the order in which their rows are locked.
fn users(drafts: &[Draft]) -> Vec<Uuid> {
    let mut users: Vec<Uuid> = drafts.iter().map(|draft| draft.user).collect();
    users.sort_by_key(|user| *user.as_bytes());
    users.dedup();
    users
}

/// Refuses what is new: a retry returns its stored message in any case.
fn refuse_new(
    drafts: &[Draft],
    stored: &HashMap<[u8; 16], Message>,
    code: ErrorCode,
) -> Vec<(usize, Answer)> {
    let answer = |draft| stored_answer(draft, stored).unwrap_or(Answer::Refused(code, None));
    drafts
        .iter()
        .map(|draft| (draft.index, answer(draft)))
        .collect()
}

fn failed(drafts: &[Draft], fault: &Isolated) -> Vec<(usize, Answer)> {
    batch::log_fault("send_messages", fault);
    let answer = Answer::Refused(fault.code, fault.retry_after_ms);
    drafts
        .iter()
        .map(|draft| (draft.index, answer.clone()))
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

/// Sends messages of one session, in the order of the batch.
fn send_to(
    admitted: Admitted,
    drafts: &[Draft],
    waits: &mut Waits,
) -> Result<Vec<(usize, Answer)>> {
    let Some(session) = drafts.first().map(|draft| draft.session) else {
        return Ok(Vec::new());
    };
    let locked = waits.lock(admitted, session, &users(drafts))?;
    let stored = stored_before(admitted, session, drafts)?;
    let Ready {
        viewer_rows,
        host_tat,
        sending,
    } = match locked {
        SessionLocks::Ready(ready) => ready,
        SessionLocks::Closed => {
            return Ok(refuse_new(drafts, &stored, closed_log_error(session)?));
        }
        SessionLocks::Taken => return Ok(refuse_new(drafts, &stored, ErrorCode::LockTimeout)),
    };
    let settings = ChatSettings::read(admitted)?;
    let rules = Rules::read(admitted, session, host_tat, &settings)?;
    let mut senders = Senders::new(&rules, &viewer_rows, session);
    let mut accepted = Accepted::default();
    let mut answers = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let answer = match stored_answer(draft, &stored) {
            None => accepted.judge(admitted, draft, &mut senders)?,
            stored => stored,
        };
        answers.extend(answer.map(|answer| (draft.index, answer)));
    }
    let senders = senders.end();
    answers.extend(accepted.write(admitted, session, &senders, sending)?);
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
