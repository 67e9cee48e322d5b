//! Heartbeats of many devices in one call.
//!
//! Each is processed as a single one and gets the same result, token included. They wait for nobody: a viewer's never
//! does, and a host's that would have to is refused with `lock_timeout`. So is one of several about the same user and session
//! that says more than the last one of them, for which the row was written.

use pgrx::AnyElement;
use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::batch::{self, ClaimsInForce, ItemClaims};
use crate::heartbeat::reply::HostWait;
use crate::heartbeat::request::HeartbeatRequest;
use crate::heartbeat::single::{Processed, process_for};
use crate::heartbeat::written::Written;
use crate::log::flush_without_ticker;
use crate::postgres::caller::{self, Caller};
use crate::postgres::catalogue::KnownRelation;
use crate::postgres::commit::skip_waiting_for_the_disk;
use crate::postgres::composite::{self, Attribute, Composite};
use crate::postgres::error::{Failure, Result, or_raise};
use crate::postgres::transaction;

static BATCHED_HEARTBEAT: KnownRelation = KnownRelation::new(c"batched_heartbeat");

/// Heartbeats of many devices; `items` is the text of a JSON array. One row for each item, in order: `ok` and the result, or
/// the code of the refusal. Returns the type of `row_type`, `stream.batched_heartbeat`.
#[pg_extern]
fn heartbeats(
    items: Option<&str>,
    row_type: Option<AnyElement>,
) -> SetOfIterator<'static, pgrx::composite_type!('static, "anyelement")> {
    let _ = row_type;
    let answers = (1..).zip(or_raise(process_all(items)));
    SetOfIterator::new(answers.map(|(item, reply)| or_raise(row(item, reply))))
}

/// One heartbeat of a batch.
#[derive(serde::Deserialize)]
struct Item {
    session_id: Option<uuid::Uuid>,
    user_id: Option<uuid::Uuid>,
    foreground: Option<bool>,
    generation: Option<i32>,
    join_no: Option<i32>,
    token_expires_at: Option<String>,
    #[serde(default)]
    claims: ItemClaims,
}

/// The result, or the code of the refusal.
type Answer = std::result::Result<Processed, ErrorCode>;

/// As `stream.batched_heartbeat`.
fn row(item: i32, answer: Answer) -> Result<Composite> {
    let (status, result) = match answer {
        Ok(processed) => ("ok", Some(processed.into_composite()?)),
        Err(code) => (code.as_str(), None),
    };
    composite::form(
        &BATCHED_HEARTBEAT,
        [item.into(), status.into(), Attribute::composite(result)],
    )
}

fn process_all(items: Option<&str>) -> Result<Vec<Answer>> {
    let caller = caller::enter_to_write()?;
    batch::admit(caller)?;
    let items: Vec<Option<Item>> = batch::read(items)?;
    skip_waiting_for_the_disk();
    let answers = process_isolated(caller, &items);
    let sessions = answers.iter().flatten().map(|processed| processed.session);
    flush_without_ticker::flush_all(caller.admitted(), sessions)?;
    Ok(answers)
}

/// Processes everything in one subtransaction, and after a fault every item in one of its own, so that it costs that item
/// alone. One for each item at once would spend a transaction id on each.
fn process_isolated(service: Caller, items: &[Option<Item>]) -> Vec<Answer> {
    match transaction::isolated(|| process_in_order(service, items)) {
        Ok(answers) => answers,
        Err(_) => process_one_by_one(service, items),
    }
}

fn process_one_by_one(service: Caller, items: &[Option<Item>]) -> Vec<Answer> {
    let mut answers: Vec<Answer> = items.iter().map(|_| Err(ErrorCode::Internal)).collect();
    let mut written = Written::default();
    for index in order(items) {
        let process = || {
            let mut claims = ClaimsInForce::begin();
            let answer = answer(service, items[index].as_ref(), &mut claims, &mut written)?;
            claims.end();
            Ok(answer)
        };
        answers[index] = transaction::isolated(process).unwrap_or_else(|fault| {
            batch::log_fault("heartbeats", &fault);
            Err(fault.code)
        });
    }
    answers
}

/// The sessions by ascending id, and the items of each from the last to the first.
fn order(items: &[Option<Item>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..items.len()).rev().collect();
    order.sort_by_key(|index| items[*index].as_ref().and_then(|item| item.session_id));
    order
}

fn process_in_order(service: Caller, items: &[Option<Item>]) -> Result<Vec<Answer>> {
    let mut answers: Vec<Option<Answer>> = items.iter().map(|_| None).collect();
    let mut claims = ClaimsInForce::begin();
    let mut written = Written::default();
    for index in order(items) {
        let item = items[index].as_ref();
        answers[index] = Some(answer(service, item, &mut claims, &mut written)?);
    }
    claims.end();
    answers
        .into_iter()
        .map(|answer| answer.ok_or(Failure::Row("an item was not answered")))
        .collect()
}

/// The answer to an item; a fault is none.
fn answer(
    service: Caller,
    item: Option<&Item>,
    claims: &mut ClaimsInForce,
    written: &mut Written,
) -> Result<Answer> {
    let processed = match item {
        Some(item) => process(service, item, claims, written),
        None => Err(ErrorCode::InvalidArgument.into()),
    };
    match processed {
        Ok(processed) => Ok(Ok(processed)),
        Err(Failure::Refused { code, .. }) if code != ErrorCode::Internal => Ok(Err(code)),
        Err(failure) => Err(failure),
    }
}

fn process(
    service: Caller,
    item: &Item,
    claims: &mut ClaimsInForce,
    written: &mut Written,
) -> Result<Processed> {
    let postgres_uuid = |id: uuid::Uuid| Uuid::from_bytes(*id.as_bytes());
    let caller = service.of_item(item.claims.as_json())?;
    claims.set(&item.claims)?;
    let token_expires_at = item.token_expires_at.as_deref().map(timestamptz);
    let request = HeartbeatRequest {
        foreground: item.foreground,
        generation: item.generation,
        join_no: item.join_no,
        token_expires_at: token_expires_at.transpose()?,
    };
    let user = caller.resolve_user(item.user_id.map(postgres_uuid))?;
    let pair = item.session_id.map(|session| (session, *user.as_bytes()));
    let processed = process_for(
        caller,
        item.session_id.map(postgres_uuid),
        Some(user),
        &request,
        HostWait::None,
        pair.and_then(|pair| written.later(pair)),
    );
    if let Some(pair) = pair {
        written.note(pair, &request, &processed);
    }
    processed
}

/// Reads a time as a cast does.
fn timestamptz(text: &str) -> Result<TimestampWithTimeZone> {
    // Postgres would read the text up to a zero character.
    let whole = Some(text).filter(|text| !text.contains('\0'));
    whole
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| ErrorCode::InvalidArgument.into())
}
