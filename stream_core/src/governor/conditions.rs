//! The two conditions of a plan: the demand fits the share, and the worst case fits the limit.

use crate::governor::level::{Level, MAX_LEVEL, least_level};
use crate::governor::session::{AVERAGE_S, Budget, MIN_VIEWERS_WINDOW_MS, Session};

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
    chat_per_1000_s: u64,
    viewers_per_1000_s: u64,
    /// By the limit, in messages until the next plan.
    chat_left: u64,
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
            chat_per_1000_s: rest * 2 / 3,
            viewers_per_1000_s: rest / 3,
            chat_left: left * 2 / 3,
            viewers_left: left / 3,
        }
    }
}

/// The least level at which the measured demand of frames fits the share.
pub fn share_level(lanes: &Lanes, sessions: &[Session]) -> Level {
    let demand = |level: Level| -> u64 {
        let of = |session: &Session| {
            let window_ms = level.window_ms(session.cost());
            demand_per_1000_s(session.cost(), session.entries_per_1000_s, window_ms)
        };
        sessions.iter().map(of).sum()
    };
    least_level(|level| demand(level) <= lanes.chat_per_1000_s).unwrap_or(MAX_LEVEL)
}

/// What broadcasts of this cost come to, at most once a window.
pub fn demand_per_1000_s(cost: u32, per_1000_s: u32, window_ms: u32) -> u64 {
    let at_most = 1_000_000_u32.div_ceil(window_ms.max(1));
    u64::from(cost) * u64::from(per_1000_s.min(at_most))
}

/// A level, and whether its windows begin at once, not with the next frame.
pub struct LimitLevel {
    pub level: Level,
    pub at_once: bool,
}

/// The least level at which whatever is sent until the next plan fits the limit.
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
    let fits = |level| worst(level, false) <= lanes.chat_left;
    if let Some(level) = least_level(fits) {
        let at_once = false;
        return LimitLevel { level, at_once };
    }
    // Not even the longest windows help if they begin with the next frame.
    let least = worst(MAX_LEVEL, false);
    let soon = least_level(|level| worst(level, false) <= least).unwrap_or(MAX_LEVEL);
    let fits = |level| worst(level, true) <= lanes.chat_left;
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

/// The least level at which viewer counts fit the share and the limit.
pub fn viewers_level(lanes: &Lanes, sessions: &[Session]) -> Level {
    let window = |level: Level, session: &Session| {
        level.window_ms(session.cost()).max(MIN_VIEWERS_WINDOW_MS)
    };
    let demand = |level: Level| -> u64 {
        let of = |session: &Session| {
            let cost = session.cost().saturating_mul(session.viewer_events);
            demand_per_1000_s(cost, 1000, window(level, session))
        };
        sessions.iter().map(of).sum()
    };
    let worst = |level: Level| -> u64 {
        let of = |session: &Session| {
            let window_ms = window(level, session);
            let events = u64::from(session.viewer_events.max(1));
            let ahead = broadcasts_ahead(window_ms, session.since_viewers_ms, window_ms);
            u64::from(session.cost()) * events * ahead
        };
        sessions.iter().map(of).sum()
    };
    let share = least_level(|level| demand(level) <= lanes.viewers_per_1000_s);
    let limit = least_level(|level| worst(level) <= lanes.viewers_left);
    share.unwrap_or(MAX_LEVEL).max(limit.unwrap_or(MAX_LEVEL))
}
