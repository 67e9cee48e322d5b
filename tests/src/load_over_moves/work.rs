//! The kinds of calls of the load, each on one of its two streams.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::demo;

/// What somebody calls again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    Send,
    SendThroughEdge,
    SendElsewhere,
    Heartbeat,
    HostHeartbeat,
    Join,
    Sync,
    Read,
    React,
    Token,
    Restrict,
    Move,
    Update,
    Bid,
    Batch,
    Tick,
    Loop,
}

impl Work {
    pub const ALL: [Self; 17] = [
        Self::Send,
        Self::SendThroughEdge,
        Self::SendElsewhere,
        Self::Heartbeat,
        Self::HostHeartbeat,
        Self::Join,
        Self::Sync,
        Self::Read,
        Self::React,
        Self::Token,
        Self::Restrict,
        Self::Move,
        Self::Update,
        Self::Bid,
        Self::Batch,
        Self::Tick,
        Self::Loop,
    ];

    pub fn user(self) -> Option<Uuid> {
        match self {
            Self::Send | Self::Token | Self::Read => Some(demo::ADA),
            Self::SendThroughEdge | Self::Heartbeat | Self::Sync | Self::React => Some(demo::BEN),
            Self::SendElsewhere | Self::Join => Some(demo::CLEO),
            Self::HostHeartbeat | Self::Restrict | Self::Move => Some(demo::SELLER),
            Self::Update | Self::Bid | Self::Batch | Self::Tick | Self::Loop => None,
        }
    }

    /// The place of its stream among the two. Only the second is paused, so that the first one's calls always succeed.
    pub fn place(self) -> usize {
        usize::from(matches!(self, Self::SendElsewhere | Self::Move))
    }

    /// The operation and its arguments; nothing for what has a way of its own. Some alternate with the calls that succeeded.
    pub fn request(self, stream: Uuid, done: u64) -> Option<(&'static str, Value)> {
        let of_it = json!({"session_id": stream});
        let is_odd = done % 2 == 1;
        Some(match self {
            Self::Heartbeat | Self::HostHeartbeat => ("heartbeat", of_it),
            Self::Join => ("join_stream", of_it),
            Self::Sync => ("sync", json!({"session_id": stream, "after_seq": 1})),
            Self::Read => {
                let marked = json!({"session_id": stream, "user_id": null, "seq": done + 1});
                ("mark_read_up_to", marked)
            }
            Self::React => (
                "send_reaction",
                json!({"session_id": stream, "kind": "love"}),
            ),
            Self::Token => ("generate_buyer_token", json!({"channel_id": stream})),
            Self::Restrict if is_odd => (
                "lift_restriction",
                json!({"session_id": stream, "user_id": demo::CLEO, "kind": "mute"}),
            ),
            Self::Restrict => (
                "mute_user",
                json!({"session_id": stream, "user_id": demo::CLEO}),
            ),
            Self::Move if is_odd => ("resume_stream", of_it),
            Self::Move => ("pause_stream", of_it),
            Self::Update => (
                "post_auction_update",
                json!({"session_id": stream, "update": {"amount": 5}}),
            ),
            Self::Batch => {
                let items = [demo::ADA, demo::BEN]
                    .map(|user| json!({"session_id": stream, "user_id": user}));
                ("heartbeats", json!({"items": items}))
            }
            Self::Tick => ("tick", json!({})),
            Self::Send | Self::SendElsewhere | Self::SendThroughEdge | Self::Bid | Self::Loop => {
                return None;
            }
        })
    }
}
