//! The quota governor: how long the broadcasts of each stream wait, so that Realtime's limit of messages holds.
//!
//! Realtime counts one message for each broadcast and one for each channel that receives it, whatever its size, and
//! judges the average over 60 s: <https://supabase.com/docs/guides/realtime/limits>. Once a second [`plan`] is given
//! what was spent in the last 60 s and what each live stream demands, and returns the windows in which frames and
//! viewer counts are collected. Two conditions hold:
//!
//! * **Share.** What the streams demand, each at most once a window, fits the share of the limit.
//! * **Limit.** Whatever the streams send until the next plan, the average over 60 s stays below the limit.
//!
//! Windows grow with the square root of a stream's channels, so a giant stream waits longer than small ones and takes
//! less time from them than if all waited alike. Auction updates have shorter windows than the chat of their stream where the
//! share decides. State changes and restrictions never wait: they are counted as spent.

mod conditions;
mod level;
mod session;
mod windows;

#[cfg(test)]
mod ahead;
#[cfg(test)]
mod bids;
#[cfg(test)]
mod day;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod rates;
#[cfg(test)]
mod steps;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;

use crate::governor::conditions::{
    Lanes, frames_per_1000_s, limit_level, share_level, viewer_events_per_1000_s, viewers_level,
};
use crate::governor::level::Level;
pub use crate::governor::session::*;
use crate::governor::windows::{
    announce_polling, auction_window, round_up, steady, viewers_window,
};

/// Decides the windows of all live sessions. A higher limit never makes a window longer.
#[must_use]
pub fn plan(budget: &Budget, sessions: &[Session]) -> Plan {
    let expected = |windows: &[Windows]| expected_per_s(budget, sessions, windows);
    if budget.limit_per_s == 0 {
        let windows = vec![UNLIMITED; sessions.len()];
        return Plan {
            expected_per_s: expected(&windows),
            windows,
            reason: Reason::Unlimited,
            over: false,
            crowded: false,
        };
    }
    let lanes = Lanes::of(budget);
    let (share, limit) = (share_level(&lanes, sessions), limit_level(&lanes, sessions));
    let level = share.max(limit.level);
    let auctions = share.of_auctions().max(limit.level);
    let viewers = viewers_level(&lanes, sessions);
    let mut windows: Vec<Windows> = sessions
        .iter()
        .map(|session| {
            let wanted = round_up(level.window_ms(session.cost()));
            let window_ms = steady(session.window_ms, wanted, MIN_WINDOW_MS);
            let auction_ms = round_up(auctions.window_ms(session.cost()));
            let auction_ms = steady(session.auction_window_ms, auction_ms, MIN_WINDOW_MS);
            Windows {
                window_ms,
                open_ms: if limit.at_once {
                    window_ms
                } else {
                    window_ms.min(session.open_ms)
                },
                poll_ms: None,
                auction_window_ms: auction_window(auction_ms, window_ms),
                viewers_window_ms: viewers_window(viewers, session),
            }
        })
        .collect();
    announce_polling(sessions, &mut windows);
    let costs: u64 = sessions
        .iter()
        .map(|session| u64::from(session.cost()))
        .sum();
    Plan {
        reason: match () {
            () if level == Level::ZERO => Reason::Room,
            () if share >= limit.level => Reason::Share,
            () => Reason::Limit,
        },
        expected_per_s: expected(&windows),
        windows,
        over: budget.spent.max(budget.urgent) > AVERAGE_S * u64::from(budget.limit_per_s),
        crowded: costs > AVERAGE_S * lanes.share_per_1000_s / 1000,
    }
}

fn expected_per_s(budget: &Budget, sessions: &[Session], windows: &[Windows]) -> u64 {
    let of = |(session, windows): (&Session, &Windows)| {
        frames_per_1000_s(session, windows.window_ms, windows.auction_window_ms)
            + viewer_events_per_1000_s(session, windows.viewers_window_ms)
    };
    let planned: u64 = sessions.iter().zip(windows).map(of).sum();
    planned / 1000 + budget.urgent / AVERAGE_S
}

/// Averages a rate over about four seconds: the new value after `elapsed_ms` with `count` more, in 1000 s.
#[must_use]
pub fn averaged_rate(per_1000_s: u32, count: u64, elapsed_ms: u32) -> u32 {
    const OVER_MS: i128 = 4_000;
    let elapsed_ms = i128::from(elapsed_ms.max(1));
    let present = i128::from(count) * 1_000_000 / elapsed_ms;
    let difference = present - i128::from(per_1000_s);
    let step = (difference * elapsed_ms.min(OVER_MS)).div_euclid(OVER_MS);
    let changed = i128::from(per_1000_s) + step;
    u32::try_from(changed).unwrap_or(u32::MAX)
}
