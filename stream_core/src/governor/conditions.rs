//! The two conditions of a plan: the demand fits the share, and the worst case fits the limit.

use crate::governor::level::{Level, MAX_LEVEL, least_level};
use crate::governor::session::{AVERAGE_S, Budget, MIN_VIEWERS_WINDOW_MS, Session, ViewerEvent};
use crate::governor::windows::auction_window;

/// The time for which a plan holds whatever is sent, in milliseconds. Plans are made once a second.
const HORIZON_MS: u32 = 2_000;

/// The part of the limit that is planned with. The rest is for viewers who join between two plans.
const USABLE_PERCENT: u64 = 97;

/// The part of the share that is kept for state changes and restrictions.
const URGENT_PERCENT: u64 = 10;

/// What frames and viewer counts may cost.
pub struct Lanes {
    pub share_per_1000_s: u64,
    /// By the share, in messages in 1000 s.
    frames_per_1000_s: u64,
    viewers_per_1000_s: u64,
    /// By the limit, in messages until the next plan.
    frames_left: u64,
    viewers_left: u64,
}

impl Lanes {
    /// Two thirds are for frames and one for viewer counts, after what is kept for what never waits: at least a tenth of
    /// the share, and as much as was spent on that lately.
    pub fn of(budget: &Budget) -> Self {
        let share_per_1000_s =
            u64::from(budget.limit_per_s) * u64::from(budget.share_percent.min(100)) * 10;
        let urgent_per_1000_s = budget.urgent.saturating_mul(1000) / AVERAGE_S;
        let kept = urgent_per_1000_s.max(share_per_1000_s * URGENT_PERCENT / 100);
        let rest = share_per_1000_s.saturating_sub(kept);
        let usable = AVERAGE_S * u64::from(budget.limit_per_s) * USABLE_PERCENT / 100;
        let urgent_ahead = urgent_per_1000_s.saturating_mul(u64::from(HORIZON_MS)) / 1_000_000;
        let left = usable.saturating_sub(budget.spent.saturating_add(urgent_ahead));
        Self {
            share_per_1000_s,
            frames_per_1000_s: rest * 2 / 3,
            viewers_per_1000_s: rest / 3,
            frames_left: left * 2 / 3,
            viewers_left: left / 3,
        }
    }
}

/// The least level at which the measured demand of frames fits the share.
pub fn share_level(lanes: &Lanes, sessions: &[Session]) -> Level {
    let demand = |level: Level| -> u64 {
        let of = |session: &Session| {
            let window_ms = level.window_ms(session.cost());
            let auction_ms = level.of_auctions().window_ms(session.cost());
            let auction_ms = auction_window(auction_ms, window_ms);
            frames_per_1000_s(session, window_ms, auction_ms)
        };
        sessions.iter().map(of).sum()
    };
    least_level(|level| demand(level) <= lanes.frames_per_1000_s).unwrap_or(MAX_LEVEL)
}

/// What the frames of a stream come to: for the chat at most once a window, for auction updates at most once in theirs, and
/// together no more often than once in the shorter of the two, since each frame carries all that waits.
pub fn frames_per_1000_s(session: &Session, window_ms: u32, auction_window_ms: u32) -> u64 {
    let chat = session.entries_per_1000_s.min(most_in(window_ms));
    let auctions = session.auctions_per_1000_s.min(most_in(auction_window_ms));
    let most = most_in(window_ms.min(auction_window_ms));
    u64::from(session.cost()) * u64::from(chat.saturating_add(auctions).min(most))
}

/// What viewer counts and reactions come to, each at most once a window.
pub fn viewer_events_per_1000_s(session: &Session, window_ms: u32) -> u64 {
    let most = most_in(window_ms.max(MIN_VIEWERS_WINDOW_MS));
    u64::from(session.cost()) * u64::from(session.viewer_events() * most)
}

fn most_in(window_ms: u32) -> u32 {
    1_000_000_u32.div_ceil(window_ms.max(1))
}

/// A level, and whether its windows begin at once, not with the next frame.
pub struct LimitLevel {
    pub level: Level,
    pub at_once: bool,
}

/// The least level at which whatever is sent until the next plan fits the limit: frames of the chat and of auctions, whose
/// windows are no shorter than this level makes them.
pub fn limit_level(lanes: &Lanes, sessions: &[Session]) -> LimitLevel {
    let worst = |level: Level, at_once: bool| -> u64 {
        let of = |session: &Session| {
            let window_ms = level.window_ms(session.cost());
            let open_ms = if at_once {
                window_ms
            } else {
                window_ms.min(session.open_ms)
            };
            u64::from(session.cost()) * broadcasts_ahead(open_ms, session.since_frame_ms, window_ms)
        };
        sessions.iter().map(of).sum()
    };
    let fits = |level| worst(level, false) <= lanes.frames_left;
    if let Some(level) = least_level(fits) {
        let at_once = false;
        return LimitLevel { level, at_once };
    }
    // Not even the longest windows help if they begin with the next frame.
    let least = worst(MAX_LEVEL, false);
    let soon = least_level(|level| worst(level, false) <= least).unwrap_or(MAX_LEVEL);
    let fits = |level| worst(level, true) <= lanes.frames_left;
    let level = least_level(fits).unwrap_or(MAX_LEVEL).max(soon);
    let at_once = true;
    LimitLevel { level, at_once }
}

/// The most broadcasts until the next plan: the first when the open window has passed, then one a window.
fn broadcasts_ahead(open_ms: u32, since_ms: u32, window_ms: u32) -> u64 {
    let first_ms = open_ms.saturating_sub(since_ms);
    match HORIZON_MS.checked_sub(first_ms) {
        Some(left_ms) => 1 + u64::from(left_ms / window_ms.max(1)),
        None => 0,
    }
}

/// The least level at which viewer counts and reactions fit the share and the limit.
pub fn viewers_level(lanes: &Lanes, sessions: &[Session]) -> Level {
    let demand = |level: Level| -> u64 {
        let of =
            |session: &Session| viewer_events_per_1000_s(session, level.window_ms(session.cost()));
        sessions.iter().map(of).sum()
    };
    let worst = |level: Level| -> u64 {
        let of = |session: &Session| {
            let window_ms = level.window_ms(session.cost());
            u64::from(session.cost()) * viewer_events_ahead(session, window_ms)
        };
        sessions.iter().map(of).sum()
    };
    let share = least_level(|level| demand(level) <= lanes.viewers_per_1000_s);
    let limit = least_level(|level| worst(level) <= lanes.viewers_left);
    share.unwrap_or(MAX_LEVEL).max(limit.unwrap_or(MAX_LEVEL))
}

/// The most viewer counts and reactions until the next plan, whether they are expected or not. Where nobody has reacted so far
/// nobody is supposed to begin.
fn viewer_events_ahead(session: &Session, window_ms: u32) -> u64 {
    let window_ms = window_ms.max(MIN_VIEWERS_WINDOW_MS);
    let of = |event: ViewerEvent| broadcasts_ahead(window_ms, event.since_ms, window_ms);
    let reactions = match session.reactions.since_ms {
        u32::MAX => 0,
        _ => of(session.reactions),
    };
    of(session.counts) + reactions
}
