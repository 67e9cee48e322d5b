//! The plans of Supabase: how many messages a second Realtime takes, how many a month are included, and the price above.

use anyhow::{Context, Result};

/// Where the limits are published, read in November 2026.
pub const LIMITS_SOURCE: &str = "https://supabase.com/docs/guides/realtime/limits";

/// Where quotas and prices are published, read in November 2026. Messages are sold in packages; the last one counts whole.
pub const PRICES_SOURCE: &str =
    "https://supabase.com/docs/guides/platform/manage-your-usage/realtime-messages";

/// Where it is published that a spend cap covers messages, so that none above the included ones are sold, read in November 2026.
pub const SPEND_CAP_SOURCE: &str = "https://supabase.com/docs/guides/platform/spend-cap";

pub const READ_IN: &str = "November 2026";

const PACKAGE: u64 = 1_000_000;
const CENTS_PER_PACKAGE: u64 = 250;

/// What a plan allows and costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealtimePlan {
    pub name: String,
    /// Messages a second; 0: no limit.
    pub limit_per_s: u32,
    /// Connections at the same time; none: not known.
    pub connections: Option<u32>,
    /// Messages a month that are included.
    pub included: u64,
    /// Whether more than the included ones can be bought: not under a spend cap ([`SPEND_CAP_SOURCE`]).
    pub sells_more: bool,
}

/// Names of the plans there are, for messages.
pub const PLANS: &str = "free, pro, pro-no-cap, team, or a number of messages a second";

impl RealtimePlan {
    /// A plan by its name. A number is the limit of a project that has agreed on another one, or of a server of one's own, at
    /// the prices of Pro without a spend cap.
    pub fn parse(name: &str) -> Result<Self> {
        let (limit_per_s, connections, included, sells_more) = match name {
            "free" => (100, Some(200), 2 * PACKAGE, false),
            "pro" => (500, Some(500), 5 * PACKAGE, false),
            "pro-no-cap" | "team" => (2_500, Some(10_000), 5 * PACKAGE, true),
            number => {
                let number = number.replace([',', '_'], "");
                let limit = number.parse();
                let limit = limit.with_context(|| format!("{name} is no plan: {PLANS}"))?;
                (limit, None, 5 * PACKAGE, true)
            }
        };
        Ok(Self {
            name: name.to_owned(),
            limit_per_s,
            connections,
            included,
            sells_more,
        })
    }

    /// The price of a month's messages above the included ones, in cents; none where they cannot be bought.
    pub fn price_cents(&self, messages: u64) -> Option<u64> {
        let packages = messages.saturating_sub(self.included).div_ceil(PACKAGE);
        (packages == 0 || self.sells_more).then_some(packages * CENTS_PER_PACKAGE)
    }
}
