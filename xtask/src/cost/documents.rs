//! The documents that the command writes: the table in docs/realtime.md and the plot beside it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::figures::{grouped, rate, window};
use super::load::Load;
use super::plot;
use super::realtime_plan::{LIMITS_SOURCE, PRICES_SOURCE, READ_IN, RealtimePlan};
use super::report::{headroom, price};
use super::traffic::Traffic;

const PAGE: &str = "docs/realtime.md";
const PLOT: &str = "docs/realtime/messages.svg";

/// What stands around the table in the page.
const BEGIN: &str = "<!-- The table is written by `cargo x cost --write`. -->\n";
const END: &str = "<!-- End of the table. -->\n";

const VIEWERS: [u32; 5] = [10, 100, 500, 1_000, 10_000];
const MESSAGES: [u32; 2] = [1_000, 5_000];
const PLAN: &str = "team";

/// A file and what it should say.
pub struct Document {
    pub path: &'static str,
    pub text: String,
}

/// The documents of a checkout, with what is generated as it should be.
pub fn documents(root: &Path) -> Result<[Document; 2]> {
    let page =
        fs::read_to_string(root.join(PAGE)).with_context(|| format!("cannot read {PAGE}"))?;
    let (before, rest) = page
        .split_once(BEGIN)
        .with_context(|| format!("no table in {PAGE}"))?;
    let (_, after) = rest
        .split_once(END)
        .with_context(|| format!("no end in {PAGE}"))?;
    let table = table()?;
    Ok([
        Document {
            path: PAGE,
            text: format!("{before}{BEGIN}\n{table}\n{END}{after}"),
        },
        Document {
            path: PLOT,
            text: plot::svg()?,
        },
    ])
}

fn table() -> Result<String> {
    let plan = RealtimePlan::parse(PLAN)?;
    let mut text = "| viewers | messages/s in the chat | each by itself: messages/s | headroom | price a month | \
                    coalesced: window | messages/s | headroom | price a month |\n|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for viewers in VIEWERS {
        for messages in MESSAGES {
            let load = Load::new(viewers, messages);
            let alone = Traffic::without_coalescing(&load);
            let coalesced = Traffic::coalesced(&load, plan.limit_per_s);
            let window = coalesced.windows.map_or(0, |windows| windows.window_ms);
            writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                grouped(viewers.into()),
                rate(messages.into()),
                rate(alone.counted),
                headroom(&alone, &plan),
                price(&alone, &load, &plan),
                self::window(window),
                rate(coalesced.counted),
                headroom(&coalesced, &plan),
                price(&coalesced, &load, &plan),
            )
            .context("a table")?;
        }
    }
    Ok(format!(
        "{text}\nLimit of Team ({} messages a second) as published in {LIMITS_SOURCE}, price ($2.50 for each million above {} \
         million a month, begun ones whole) as in {PRICES_SOURCE}, {READ_IN}.\n",
        grouped(plan.limit_per_s.into()),
        plan.included / 1_000_000,
    ))
}
