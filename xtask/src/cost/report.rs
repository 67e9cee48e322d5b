//! The table of one load on one plan: messages a second, headroom, and the price of a month.

use std::fmt::Write as _;

use super::figures::{dollars, grouped, rate, window};
use super::load::Load;
use super::realtime_plan::{LIMITS_SOURCE, PRICES_SOURCE, READ_IN, RealtimePlan, SPEND_CAP_SOURCE};
use super::traffic::Traffic;

/// What `cargo x cost` prints.
pub fn report(load: &Load, plan: &RealtimePlan) -> String {
    let columns = [
        Traffic::without_coalescing(load),
        Traffic::coalesced(load, plan.limit_per_s),
    ];
    let mut text = heading(load, plan);
    text += "\n| | each by itself | coalesced |\n|---|---|---|\n";
    let mut row = |name: &str, cell: &dyn Fn(&Traffic) -> String| {
        let [alone, coalesced] = columns.each_ref().map(cell);
        writeln!(text, "| {name} | {alone} | {coalesced} |").expect("a String takes everything");
    };
    row("window of frames", &|traffic| {
        traffic
            .windows
            .map_or_else(|| "none".to_owned(), |windows| window(windows.window_ms))
    });
    row("window of bids", &|traffic| {
        traffic
            .windows
            .filter(|windows| load.bids > 0 && windows.auction_window_ms > 0)
            .map_or_else(
                || "none".to_owned(),
                |windows| window(windows.auction_window_ms),
            )
    });
    row("frames a second and stream", &|traffic| {
        rate(traffic.frames)
    });
    row(
        "counts of viewers and reactions a second and stream",
        &|traffic| rate(traffic.viewer_events),
    );
    row("messages a second", &|traffic| rate(traffic.counted));
    row("of the limit", &|traffic| of_limit(traffic, plan));
    row("headroom, messages a second", &|traffic| {
        headroom(traffic, plan)
    });
    row("messages a month", &|traffic| {
        grouped(traffic.counted_per_month(load))
    });
    row("price a month", &|traffic| price(traffic, load, plan));
    text + &format!(
        "\nLimits: {LIMITS_SOURCE}\nPrices: {PRICES_SOURCE}\nSpend cap: {SPEND_CAP_SOURCE}\nAll as of {READ_IN}. Beyond the \
         limit Realtime drops broadcasts and closes channels.\n"
    )
}

fn heading(load: &Load, plan: &RealtimePlan) -> String {
    let streams = match load.streams {
        1 => "1 stream".to_owned(),
        streams => format!("{} streams", grouped(streams.into())),
    };
    let limit = match plan.limit_per_s {
        0 => "no limit".to_owned(),
        limit => format!("{} messages a second", grouped(limit.into())),
    };
    let connections = u64::from(load.channels()) * u64::from(load.streams);
    let of_connections = plan.connections.map_or_else(String::new, |most| {
        let is_over = if connections > most.into() {
            ": **too many**"
        } else {
            ""
        };
        format!(" of {}{is_over}", grouped(most.into()))
    });
    format!(
        "{streams} at a time, {} hours a month; in each {} viewers and the seller, {} messages, {} bids, {} viewers who come or go and \
         {} reactions a second.\nPlan {}: {limit}, of which the governor uses {} %; {} messages a month included. {} connections{of_connections}.\n",
        grouped(load.hours.into()),
        grouped(load.viewers.into()),
        rate(load.messages.into()),
        rate(load.bids.into()),
        rate(load.viewer_changes.into()),
        rate(load.reactions.into()),
        plan.name,
        load.share_percent,
        grouped(plan.included),
        grouped(connections),
    )
}

pub fn of_limit(traffic: &Traffic, plan: &RealtimePlan) -> String {
    match plan.limit_per_s {
        0 => "no limit".to_owned(),
        limit => format!("{} %", grouped(traffic.counted / 10 / u64::from(limit))),
    }
}

/// What could be counted more; bold and negative where it is too much.
pub fn headroom(traffic: &Traffic, plan: &RealtimePlan) -> String {
    let limit = u64::from(plan.limit_per_s) * 1000;
    match limit.checked_sub(traffic.counted) {
        _ if limit == 0 => "no limit".to_owned(),
        Some(left) => rate(left),
        None => format!("**-{}**", rate(traffic.counted - limit)),
    }
}

/// The price of a month; of what is beyond the limit too, which is not delivered.
pub fn price(traffic: &Traffic, load: &Load, plan: &RealtimePlan) -> String {
    let cents = plan.price_cents(traffic.counted_per_month(load));
    cents.map_or_else(|| "not sold".to_owned(), dollars)
}
