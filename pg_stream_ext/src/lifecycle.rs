//! How does a stream start, change state and end?
//!
//! Every change takes the next number of the session's log in the same transaction. Lock order:
//! stream_sessions, stream_viewers, chat_heads, chat_relay.

use pgrx::datum::Uuid;
use pgrx::prelude::*;
use pgrx::spi::SpiHeapTupleData;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::{self, Move, StreamState};

use crate::caller::{self, Caller};
use crate::chat;
use crate::error::{Failure, Result, answer, required};
use crate::spi::{self, column, statements};

/// The table's own limit, `stream_sessions_state_reason_check`.
const MAX_REASON_CHARS: usize = 200;

/// A live session can only end between the insert and the look at it; twice in a row is enough.
const START_ATTEMPTS: usize = 3;

statements! {
    OWNS_AUCTION: Read [UUIDOID, UUIDOID]
        "select coalesce(stream.hook_owns_auction($1, $2), false)";

    INSERT_SESSION: Write [UUIDOID, UUIDOID, UUIDOID]
        "with created as (
             insert into stream.stream_sessions (id, seller_id, auction_id, channel_id)
             values ($1, $2, $3, $1::text)
             on conflict (auction_id) where state <> 'ended' do nothing
             returning id
         ), head as (
             insert into stream.chat_heads (session_id) select c.id from created as c
         ), relay as (
             insert into stream.chat_relay (session_id) select c.id from created as c
         )
         select c.id from created as c";

    LOCK_LIVE_SESSION: Write [UUIDOID]
        "select s.id, s.seller_id, s.state, s.generation + 1 from stream.stream_sessions as s
         where s.auction_id = $1 and s.state <> 'ended' for no key update";

    LOCK_SESSION: Write [UUIDOID]
        "select s.state, s.seller_id, s.generation from stream.stream_sessions as s
         where s.id = $1 for no key update";

    TAKE_OVER: Write [UUIDOID, INT4OID, INT8OID]
        "update stream.stream_sessions set generation = $2, state_seq = $3 where id = $1";

    SET_STATE: Write [UUIDOID, TEXTOID, TEXTOID, INT8OID, TIMESTAMPTZOID]
        "update stream.stream_sessions
         set state = $2, state_reason = $3, state_seq = $4, state_changed_at = $5,
             started_at = case when $2 = 'active' then coalesce(started_at, $5) else started_at end,
             ended_at = case when $2 = 'ended' then $5 end,
             viewer_count = case when $2 = 'ended' then 0 else viewer_count end
         where id = $1";

    SET_STATE_SEQ: Write [UUIDOID, INT8OID]
        "update stream.stream_sessions set state_seq = $2 where id = $1";

    CLOSE_LEASES: Write [UUIDOID]
        "update stream.stream_viewers set is_active = false, left_at = now()
         where session_id = $1 and is_active";

    RETIRE_TOKENS: Write [UUIDOID]
        "update stream.agora_tokens set is_active = false where session_id = $1 and is_active";

    CLOSE_LOG: Write [UUIDOID]
        "update stream.chat_heads set open = false where session_id = $1";

    READ_STATE: Read [UUIDOID, UUIDOID]
        "select s.state, $2 is null or s.seller_id = $2
             or coalesce(stream.hook_can_view($2, s.id), false)
         from stream.stream_sessions as s where s.id = $1";
}

#[pg_extern]
fn start_stream(auction_id: Option<Uuid>, seller_id: Option<Uuid>) -> Uuid {
    answer(start(auction_id, seller_id))
}

#[pg_extern]
fn change_state(
    session_id: Option<Uuid>,
    state: Option<&str>,
    reason: Option<&str>,
    generation: Option<i32>,
) {
    answer(change(session_id, state, reason, generation))
}

#[pg_extern(stable)]
fn get_stream_state(session_id: Option<Uuid>) -> String {
    answer(viewable_state(session_id))
}

/// Raises unless the caller may view the session.
#[pg_extern(stable)]
fn authorize_view(session_id: Option<Uuid>) {
    answer(viewable_state(session_id).map(|_| ()))
}

fn start(auction_id: Option<Uuid>, seller_id: Option<Uuid>) -> Result<Uuid> {
    let caller = caller::enter_to_write()?;
    let seller = caller.act_for(seller_id)?;
    let auction = required(auction_id, "auction_id")?;
    let owns = spi::first(&OWNS_AUCTION, &[seller.into(), auction.into()], |row| {
        column(row, 1)
    })?;
    if owns != Some(true) {
        return Err(ErrorCode::NotAuctionOwner.into());
    }
    for _ in 0..START_ATTEMPTS {
        let id = Uuid::from_bytes(*uuid::Uuid::now_v7().as_bytes());
        if spi::execute(&INSERT_SESSION, &[id.into(), seller.into(), auction.into()])? == 1 {
            let entry = log_state(id, None, StreamState::Initializing, None, 1)?;
            spi::execute(&SET_STATE_SEQ, &[id.into(), entry.seq.into()])?;
            return Ok(id);
        }
        match spi::first(&LOCK_LIVE_SESSION, &[auction.into()], LiveSession::read)? {
            Some(live) if live.seller == seller => return take_over(&live),
            Some(_) => return Err(ErrorCode::AuctionLive.into()),
            None => {}
        }
    }
    Err(ErrorCode::AuctionLive.into())
}

struct LiveSession {
    id: Uuid,
    seller: Uuid,
    state: String,
    next_generation: i32,
}

impl LiveSession {
    fn read(row: &SpiHeapTupleData<'_>) -> Result<Self> {
        Ok(Self {
            id: column(row, 1)?,
            seller: column(row, 2)?,
            state: column(row, 3)?,
            next_generation: column(row, 4)?,
        })
    }
}

/// The same seller from another device: the number that fences the older device off goes up.
fn take_over(live: &LiveSession) -> Result<Uuid> {
    let metadata = serde_json::json!({
        "kind": "host_changed", "state": live.state, "generation": live.next_generation,
    });
    let entry = chat::log_system(live.id, "The host continues on another device.", &metadata)?;
    let arguments = [
        live.id.into(),
        live.next_generation.into(),
        entry.seq.into(),
    ];
    spi::execute(&TAKE_OVER, &arguments)?;
    Ok(live.id)
}

fn change(
    session_id: Option<Uuid>,
    state: Option<&str>,
    reason: Option<&str>,
    generation: Option<i32>,
) -> Result<()> {
    let caller = caller::enter_to_write()?;
    let id = required(session_id, "session_id")?;
    let state = required(state, "state")?;
    let to = StreamState::parse(state).ok_or_else(|| {
        let known: Vec<_> = StreamState::ALL
            .iter()
            .map(|known| known.as_str())
            .collect();
        Failure::with_hint(
            ErrorCode::InvalidArgument,
            format!("state is one of {}", known.join(", ")),
        )
    })?;
    if reason.is_some_and(|reason| reason.chars().count() > MAX_REASON_CHARS) {
        return Err(Failure::with_hint(
            ErrorCode::InvalidArgument,
            format!("reason has at most {MAX_REASON_CHARS} characters"),
        ));
    }
    let session = spi::first(&LOCK_SESSION, &[id.into()], |row| {
        Ok((
            column::<String>(row, 1)?,
            column::<Uuid>(row, 2)?,
            column::<i32>(row, 3)?,
        ))
    })?;
    let (from, seller, current_generation) = session.ok_or(ErrorCode::SessionNotFound)?;
    require_seller(caller, seller)?;
    if generation.is_some_and(|generation| generation != current_generation) {
        return Err(ErrorCode::StaleHost.into());
    }
    let from = StreamState::parse(&from).ok_or(Failure::Row("unknown state in the table"))?;
    match lifecycle::transition(from, to) {
        Ok(Move::Unchanged) => Ok(()),
        Ok(Move::Changed) => apply(id, from, to, reason, current_generation),
        Err(_) if from == StreamState::Ended => Err(ErrorCode::StreamEnded.into()),
        Err(refused) => Err(Failure::with_hint(
            ErrorCode::IllegalTransition,
            format!(
                "a stream does not go from {} to {}",
                refused.from.as_str(),
                refused.to.as_str()
            ),
        )),
    }
}

fn apply(
    id: Uuid,
    from: StreamState,
    to: StreamState,
    reason: Option<&str>,
    generation: i32,
) -> Result<()> {
    let ends = to == StreamState::Ended;
    if ends {
        spi::execute(&CLOSE_LEASES, &[id.into()])?;
    }
    let entry = log_state(id, Some(from), to, reason, generation)?;
    spi::execute(
        &SET_STATE,
        &[
            id.into(),
            to.as_str().into(),
            reason.into(),
            entry.seq.into(),
            entry.created_at.into(),
        ],
    )?;
    if ends {
        spi::execute(&CLOSE_LOG, &[id.into()])?;
        spi::execute(&RETIRE_TOKENS, &[id.into()])?;
    }
    Ok(())
}

fn log_state(
    id: Uuid,
    from: Option<StreamState>,
    to: StreamState,
    reason: Option<&str>,
    generation: i32,
) -> Result<chat::Entry> {
    let sentence = match to {
        StreamState::Initializing => "The stream is starting.",
        StreamState::Active => "The stream is live.",
        StreamState::Paused => "The stream is paused.",
        StreamState::Ended => "The stream has ended.",
        StreamState::Error => "The stream is interrupted.",
    };
    let metadata = serde_json::json!({
        "kind": "state_changed",
        "state": to.as_str(),
        "previous_state": from.map(StreamState::as_str),
        "reason": reason,
        "generation": generation,
    });
    chat::log_system(id, sentence, &metadata)
}

fn require_seller(caller: Caller, seller: Uuid) -> Result<()> {
    match caller {
        Caller::Service => Ok(()),
        Caller::User { id, .. } if id == seller => Ok(()),
        Caller::User { .. } => Err(ErrorCode::NotStreamOwner.into()),
    }
}

fn viewable_state(session_id: Option<Uuid>) -> Result<String> {
    let caller = caller::enter()?;
    let id = required(session_id, "session_id")?;
    let found = spi::first(&READ_STATE, &[id.into(), caller.user_id().into()], |row| {
        Ok((column::<String>(row, 1)?, column::<bool>(row, 2)?))
    })?;
    match found {
        None => Err(ErrorCode::SessionNotFound.into()),
        Some((_, false)) => Err(ErrorCode::CannotView.into()),
        Some((state, true)) => Ok(state),
    }
}
