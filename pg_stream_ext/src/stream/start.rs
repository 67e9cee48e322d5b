//! Starting a stream, or continuing it on another device.

use pgrx::datum::Uuid;
use pgrx::prelude::*;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_core::limits::RECONNECT_WINDOW_S;

use crate::log::system_message;
use crate::postgres::application_rows;
use crate::postgres::caller::{self, Admitted};
use crate::postgres::column::columns;
use crate::postgres::error::{Failure, Result, or_raise, required};
use crate::postgres::spi::{self, statements};
use crate::stream::gate;
use crate::stream::host_return::{HostRow, HostState, host_columns};
use crate::stream::lifecycle::{self, StateExtras, check_at};
use crate::stream::start_rate::StartRate;

/// A live session can end between finding and locking it; more than two such attempts are unlikely.
const START_ATTEMPTS: usize = 3;

/// The limit of `stream_sessions_generation_check`: the host's Agora uid is the generation, and uids
/// from 1,000,000 on are viewers'.
const MAX_GENERATION: i32 = 999_999;

statements! {
    OWNS_AUCTION: Write [UUIDOID, UUIDOID] -> bool,
        "select coalesce(stream.hook_owns_auction($1, $2), false)";

    INSERT_SESSION: Write [UUIDOID, UUIDOID, UUIDOID, INT4OID]
        "with created as (
             insert into stream.stream_sessions
                 (id, seller_id, auction_id, channel_id, reconnect_window_s)
             select $1, $2, $3, $1::text, coalesce($4, c.reconnect_window_s)
             from stream.config as c
             on conflict (auction_id) where state <> 'ended' do nothing
             returning id
         ), head as (
             insert into stream.chat_heads (session_id) select c.id from created as c
         ), relay as (
             insert into stream.chat_relay (session_id) select c.id from created as c
         )
         select c.id from created as c";

    FIND_LIVE_SESSION: Write [UUIDOID] -> Uuid,
        "select s.id from stream.stream_sessions as s
         where s.auction_id = $1 and s.state <> 'ended'";

    LOCK_LIVE_SESSION: Write [UUIDOID] -> LiveSession,
        concat!(
            "select ", host_columns!(), ", s.id, s.seller_id from stream.stream_sessions as s
             where s.auction_id = $1 and s.state <> 'ended' for no key update"
        );

    /// Counts as a heartbeat of a host who sends heartbeats; others still cannot be lost.
    TAKE_OVER: Write [UUIDOID, INT4OID, INT8OID]
        "update stream.stream_sessions
         set generation = $2, state_seq = $3,
             host_seen_at = case when host_seen_at is not null then now() end
         where id = $1";

    COMPLETE: Write [UUIDOID, INT8OID]
        concat!(
            "update stream.stream_sessions as s set state_seq = $2, check_at = ", check_at!(), "
             from stream.config as c where s.id = $1"
        );
}

#[pg_extern]
fn start_stream(
    auction_id: Option<Uuid>,
    seller_id: Option<Uuid>,
    reconnect_window_s: Option<i32>,
) -> Uuid {
    or_raise(start(auction_id, seller_id, reconnect_window_s))
}

fn start(
    auction_id: Option<Uuid>,
    seller_id: Option<Uuid>,
    reconnect_window_s: Option<i32>,
) -> Result<Uuid> {
    let caller = caller::enter_to_write()?;
    let seller = caller.act_for(seller_id)?;
    let auction = required(auction_id, "auction_id")?;
    if reconnect_window_s.is_some_and(|seconds| !RECONNECT_WINDOW_S.contains(&seconds)) {
        return Err(Failure::with_hint(
            ErrorCode::InvalidArgument,
            "reconnect_window_s is 0 to 1800",
        ));
    }
    // Checked before anything is locked, so that nobody can lock the auctions of others.
    check_owner(seller, auction)?;
    let rate = StartRate::check(caller, seller)?;
    let id = create_or_take_over(caller.admitted(), seller, auction, reconnect_window_s)?;
    rate.map_or(Ok(()), StartRate::charge)?;
    Ok(id)
}

fn create_or_take_over(
    admitted: Admitted,
    seller: Uuid,
    auction: Uuid,
    reconnect_window_s: Option<i32>,
) -> Result<Uuid> {
    for _ in 0..START_ATTEMPTS {
        if find_live(auction)?.is_none() {
            // The session refers to the auction, and the foreign key's own check would come after the index entry, for
            // which a transaction waits that has locked its auction and starts the stream itself. So the application's
            // row is locked first.
            application_rows::hold_auction(admitted, auction)?;
            check_owner(seller, auction)?;
            let id = Uuid::from_bytes(*uuid::Uuid::now_v7().as_bytes());
            if create(admitted, id, seller, auction, reconnect_window_s)? {
                return Ok(id);
            }
        }
        if let Some(id) = find_live(auction)? {
            gate::close(admitted, id)?;
        }
        match spi::first(&LOCK_LIVE_SESSION, &[auction.into()])? {
            Some(live) if live.seller_id == seller => return take_over(admitted, live),
            Some(_) => return Err(ErrorCode::AuctionLive.into()),
            None => {}
        }
    }
    Err(ErrorCode::AuctionLive.into())
}

/// Asks the hook with a snapshot of its own, so it counts what was committed during a wait.
fn check_owner(seller: Uuid, auction: Uuid) -> Result<()> {
    let owns = spi::first(&OWNS_AUCTION, &[seller.into(), auction.into()])?;
    if owns == Some(true) {
        Ok(())
    } else {
        Err(ErrorCode::NotAuctionOwner.into())
    }
}

fn find_live(auction: Uuid) -> Result<Option<Uuid>> {
    spi::first(&FIND_LIVE_SESSION, &[auction.into()])
}

/// Inserts the session; returns false when the auction already has a live one.
fn create(
    admitted: Admitted,
    id: Uuid,
    seller: Uuid,
    auction: Uuid,
    reconnect_window_s: Option<i32>,
) -> Result<bool> {
    let arguments = [
        id.into(),
        seller.into(),
        auction.into(),
        reconnect_window_s.into(),
    ];
    if spi::execute(&INSERT_SESSION, &arguments)? == 0 {
        return Ok(false);
    }
    let entry = lifecycle::log_state(admitted, id, None, StreamState::Initializing, None, 1)?;
    spi::execute(&COMPLETE, &[id.into(), entry.seq.into()])?;
    Ok(true)
}

columns! {
    struct LiveSession {
        host: HostRow,
        id: Uuid,
        seller_id: Uuid,
    }
}

/// Lets another device of the same seller take over: the generation, which fences the older device off, goes up. Like a
/// heartbeat, it brings back a lost host who sends heartbeats.
fn take_over(admitted: Admitted, live: LiveSession) -> Result<Uuid> {
    let host = HostState::from(live.host);
    if host.generation >= MAX_GENERATION {
        return Err(ErrorCode::TakeoversExhausted.into());
    }
    let generation = host.generation + 1;
    let metadata = serde_json::json!({
        "kind": "host_changed", "state": host.state.as_str(), "generation": generation,
    });
    let entry = system_message::log_system(
        admitted,
        live.id,
        "The host continues on another device.",
        &metadata,
    )?;
    match host.returns_to {
        Some(before) if host.has_sent_heartbeat => {
            let returned = lifecycle::announce(
                admitted,
                live.id,
                host.state,
                before,
                Some(lifecycle::HOST_RETURNED),
                generation,
            )?;
            returned.write(StateExtras {
                generation: Some(generation),
                ..StateExtras::default()
            })?;
        }
        _ => {
            let arguments = [live.id.into(), generation.into(), entry.seq.into()];
            spi::execute(&TAKE_OVER, &arguments)?;
        }
    }
    Ok(live.id)
}
