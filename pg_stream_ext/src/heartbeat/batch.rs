//! Heartbeats of many devices in one call.
//!
//! Each is processed as a single one and gets the same result, token included. They wait for nobody: a viewer's never
//! does, and a host's that would have to is refused with `lock_timeout`.

use pgrx::AnyElement;
use pgrx::datum::{TimestampWithTimeZone, Uuid};
use pgrx::prelude::*;
use stream_core::error::ErrorCode;

use crate::batch::{self, ClaimsInForce, ItemClaims};
use crate::heartbeat::request::HeartbeatRequest;
use crate::heartbeat::single::{HostWait, Processed, process_for};
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
        Err(_) => items
            .chunks(1)
            .flat_map(|one| {
                transaction::isolated(|| process_in_order(service, one)).unwrap_or_else(|fault| {
                    batch::log_fault("heartbeats", fault);
                    vec![Err(fault.code)]
                })
            })
            .collect(),
    }
}

/// Goes through the sessions by ascending id, and through the items of each in their order.
fn process_in_order(service: Caller, items: &[Option<Item>]) -> Result<Vec<Answer>> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|index| items[*index].as_ref().and_then(|item| item.session_id));
    let mut answers: Vec<Option<Answer>> = items.iter().map(|_| None).collect();
    let mut claims = ClaimsInForce::begin();
    for index in order {
        let processed = match &items[index] {
            Some(item) => process(service, item, &mut claims),
            None => Err(ErrorCode::InvalidArgument.into()),
        };
        answers[index] = Some(match processed {
            Ok(processed) => Ok(processed),
            Err(Failure::Refused { code, .. }) if code != ErrorCode::Internal => Err(code),
            Err(failure) => return Err(failure),
        });
    }
    claims.end();
    answers
        .into_iter()
        .map(|answer| answer.ok_or(Failure::Row("an item was not answered")))
        .collect()
}

fn process(service: Caller, item: &Item, claims: &mut ClaimsInForce) -> Result<Processed> {
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
    process_for(
        caller,
        item.session_id.map(postgres_uuid),
        item.user_id.map(postgres_uuid),
        &request,
        HostWait::None,
    )
}

/// Reads a time as a cast does.
fn timestamptz(text: &str) -> Result<TimestampWithTimeZone> {
    text.parse().map_err(|_| ErrorCode::InvalidArgument.into())
}
