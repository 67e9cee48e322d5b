//! Random calls of the contract, by users who sell, watch, write and moderate, and by nobody.

use proptest::prelude::Rng;
use proptest::test_runner::TestRng;
use serde_json::{Value, json};
use stream_tests::demo;
use uuid::Uuid;

use super::arguments::{self, pick};
use super::caller::Caller;
use super::later::LATER;

/// Stands for an operation: a statement of the owner.
pub const OWNER: &str = "";

/// How often each is called. What is not here stands in [`NOT_COMPARED`].
pub const OPERATIONS: &[(&str, u32)] = &[
    (OWNER, 10),
    ("add_viewer", 18),
    ("apply_webhook", 10),
    ("ban_user", 4),
    ("block_term", 4),
    ("delete_message", 5),
    ("delete_user_messages", 2),
    ("end_stream", 1),
    ("export_user", 1),
    ("forget_user", 1),
    ("generate_buyer_token", 5),
    ("generate_seller_token", 4),
    ("get_live_stream", 2),
    ("get_message_history", 5),
    ("get_moderation_log", 3),
    ("get_session", 2),
    ("get_stream_state", 2),
    ("get_stream_summary", 2),
    ("get_viewer_count", 3),
    ("get_viewers", 3),
    ("heartbeat", 6),
    ("heartbeats", 8),
    ("inspect_token", 2),
    ("join_stream", 5),
    ("lift_restriction", 5),
    ("list_blocked_terms", 2),
    ("list_live_streams", 2),
    ("list_reports", 2),
    ("list_restrictions", 2),
    ("mark_messages_as_read", 4),
    ("mark_read_up_to", 3),
    ("mute_user", 4),
    ("new_epoch", 1),
    ("pause_stream", 2),
    ("pin_message", 4),
    ("post_auction_update", 6),
    ("refresh_token", 4),
    ("remove_viewer", 5),
    ("report_canary", 1),
    ("report_message", 4),
    ("resolve_report", 3),
    ("resume_stream", 4),
    ("send_message", 30),
    ("send_messages", 6),
    ("send_reaction", 6),
    ("set_chat_mode", 3),
    ("set_slow_mode", 2),
    ("start_stream", 5),
    ("subscribe_to_chat", 3),
    ("sweep", 2),
    ("sync", 6),
    ("sync_messages", 4),
    ("unblock_term", 3),
    ("unpin_message", 2),
    ("unread_count", 4),
    ("unsubscribe_from_chat", 2),
    ("update_stream_state", 8),
    ("user_id", 1),
];

/// Operations of the contract whose results cannot be compared, each with the reason.
pub const NOT_COMPARED: &[(&str, &str)] = &[
    (
        "doctor",
        "names the edition and what stands in for what, and judges the ticker by the clock",
    ),
    (
        "tick",
        "does what the time since the last one makes due; sweep runs the same rules at once",
    ),
];

/// One call. Names that begin with `$` among its arguments stand for what the side has been told before.
#[derive(Debug, Clone)]
pub struct Call {
    pub caller: Caller,
    pub operation: &'static str,
    pub arguments: Value,
}

/// What one side knows by its own answers.
#[derive(Default)]
pub struct Known {
    sessions: Vec<String>,
    token: Option<String>,
    subscription: Option<String>,
    epoch: Option<String>,
}

impl Known {
    pub fn learn(&mut self, operation: &str, rows: &[Value]) {
        let text = |name: &str| Some(rows.first()?[name].as_str()?.to_owned());
        if let ("start_stream", Some(id)) = (operation, text("id"))
            && self.sessions.last() != Some(&id)
        {
            self.sessions.push(id);
        }
        if let ("subscribe_to_chat", Some(id)) = (operation, text("id")) {
            self.subscription = Some(id);
        }
        if let ("sync", Some(epoch)) = (operation, text("epoch")) {
            self.epoch = Some(epoch);
        }
        if let Some(token) = text("token") {
            self.token = Some(token);
        }
    }

    /// A text with what this side knows in the places of names.
    pub fn filled(&self, text: &str) -> String {
        let nobody = Uuid::nil().to_string();
        let session = self.sessions.last().unwrap_or(&nobody);
        let earlier = self.sessions.iter().rev().nth(1).unwrap_or(session);
        let no_token = "007none".to_owned();
        text.replace("$session", session)
            .replace("$earlier", earlier)
            .replace(
                "$subscription",
                self.subscription.as_ref().unwrap_or(&nobody),
            )
            .replace("$epoch", self.epoch.as_ref().unwrap_or(&nobody))
            .replace("$token", self.token.as_ref().unwrap_or(&no_token))
    }
}

impl Call {
    pub fn random(random: &mut TestRng, number: usize) -> Self {
        let operation = match number {
            0 => "start_stream",
            _ => weighted(random),
        };
        let caller = match operation {
            "start_stream" if number == 0 => Caller::Seller,
            // Only the service gets beyond the door of these.
            "apply_webhook"
            | "export_user"
            | "forget_user"
            | "heartbeats"
            | "inspect_token"
            | "new_epoch"
            | "post_auction_update"
            | "report_canary"
            | "send_messages"
            | "sweep"
                if !random.next_u32().is_multiple_of(8) =>
            {
                Caller::Service
            }
            _ if random.next_u32().is_multiple_of(60) => Caller::Anonymous,
            _ => pick(random, &Caller::KNOWN),
        };
        let arguments = match (operation, number) {
            (OWNER, _) => json!(pick(random, LATER)),
            ("start_stream", 0) => json!({"auction_id": demo::AUCTION}),
            _ => arguments::of(operation, caller, random),
        };
        Self {
            caller,
            operation,
            arguments,
        }
    }
}

fn weighted(random: &mut TestRng) -> &'static str {
    let total: u32 = OPERATIONS.iter().map(|(_, weight)| weight).sum();
    let mut place = random.next_u32() % total;
    for (operation, weight) in OPERATIONS {
        if place < *weight {
            return operation;
        }
        place -= weight;
    }
    unreachable!("the place is within the total")
}
