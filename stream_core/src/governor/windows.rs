//! The windows of a level: their steps, and what pressed streams tell their clients.

use crate::governor::level::Level;
use crate::governor::session::{
    AUCTION_WINDOW_MS, MAX_WINDOW_MS, MIN_VIEWERS_WINDOW_MS, MIN_WINDOW_MS, POLLING_ABOVE_MS,
    Session, Windows,
};

/// What a minute of calls of `sync` by pressed clients may be: one a millisecond for all streams together.
const POLLING_MS_PER_CHANNEL: u32 = 1;

pub fn viewers_window(level: Level, session: &Session) -> u32 {
    let wanted = round_up(level.window_ms(session.cost()));
    if wanted <= MIN_VIEWERS_WINDOW_MS {
        return 0;
    }
    steady(session.viewers_window_ms, wanted, 0)
}

/// The window of auction updates: as short as that of frames without pressure, and otherwise as wanted, but at least 200 ms,
/// and beyond that no longer than the window of frames.
pub fn auction_window(wanted_ms: u32, window_ms: u32) -> u32 {
    if window_ms <= MIN_WINDOW_MS {
        return window_ms;
    }
    wanted_ms.min(window_ms).max(AUCTION_WINDOW_MS)
}

/// Windows are lengthened at once, but shortened only when it is worth a write.
pub fn steady(present_ms: u32, wanted_ms: u32, least_ms: u32) -> u32 {
    let is_worth_it = u64::from(wanted_ms) * 5 <= u64::from(present_ms) * 4;
    if wanted_ms >= present_ms || wanted_ms == least_ms || is_worth_it {
        wanted_ms
    } else {
        present_ms.min(MAX_WINDOW_MS)
    }
}

/// The next of some sixty windows between the shortest and the longest, each an eighth above the one before, so that a
/// level that moves a little changes few windows.
pub fn round_up(window_ms: u32) -> u32 {
    let mut step = MIN_WINDOW_MS;
    while step < window_ms {
        step += step.div_ceil(8);
    }
    step.min(MAX_WINDOW_MS)
}

/// States how often clients of pressed streams may call `sync`: the fewer of them there are the more often, and not more
/// rarely than frames come.
pub fn announce_polling(sessions: &[Session], windows: &mut [Windows]) {
    let is_pressed = |windows: &Windows| windows.window_ms > POLLING_ABOVE_MS;
    let waiting = sessions.iter().zip(&*windows);
    let channels = waiting
        .filter(|(_, windows)| is_pressed(windows))
        .fold(0_u32, |sum, (session, _)| {
            sum.saturating_add(session.channels)
        });
    let wanted_ms = round_up(
        channels
            .saturating_mul(POLLING_MS_PER_CHANNEL)
            .min(MAX_WINDOW_MS),
    );
    for windows in windows.iter_mut().filter(|windows| is_pressed(windows)) {
        windows.poll_ms = Some(wanted_ms.clamp(POLLING_ABOVE_MS, windows.window_ms));
    }
}
