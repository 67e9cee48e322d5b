//! The product does what a small model says, whatever is asked of it and in whatever order.
//!
//! Every case is a random sequence of calls on an auction of its own. Each answer is compared with
//! the model's, and at the end the tables and the broadcasts are, too.

mod following;
mod interleaving;
mod liveness;
mod model;
mod operation;
mod product;
mod time;

use anyhow::Result;
use stream_tests::stateful::{check, check_model};

use self::following::Following;
use self::interleaving::Interleaving;
use self::product::Streams;

/// Feature: streaming-realtime-fixes, Property 5: For any stream lifecycle event (start, pause,
/// resume, end, error), the Stream_Service should update Stream_State accurately, notify
/// subscribers, and maintain consistency across network interruptions
///
/// Feature: streaming-realtime-fixes, Property 6: For any chat message sent by any participant,
/// the Chat_Service should broadcast it to all participants immediately, and the Chat_Synchronizer
/// should display all messages in chronological order regardless of network conditions
///
/// Feature: streaming-realtime-fixes, Property 13: For any chat message or bulk message operation,
/// the Chat_Service should persist messages to database immediately, resolve conflicts using
/// timestamp-based ordering, batch operations efficiently, and return paginated history with
/// proper sorting
///
/// Feature: streaming-realtime-fixes, Property 14: For any stream session lifecycle event (start,
/// pause, resume, end, timeout), the Stream_Service should initialize/cleanup resources
/// appropriately, maintain session state correctly, notify participants of changes, and handle
/// session timeouts automatically
#[test]
fn every_sequence_of_calls_is_answered_and_stored_as_the_model_says() -> Result<()> {
    check_model::<Streams>()
}

/// Feature: streaming-realtime-fixes, Property 7: For any user joining an active stream, the
/// Chat_Service should provide recent message history, and after network restoration, should
/// synchronize any missed messages maintaining chronological order
#[test]
fn a_client_that_follows_sync_ends_with_exactly_the_log() -> Result<()> {
    check_model::<Following>()
}

/// Feature: streaming-realtime-fixes, Property 2: For any number of buyers joining a stream
/// simultaneously, the Stream_Service should generate unique tokens without conflicts and handle
/// concurrent requests safely
///
/// The scripts are replayed by their seed; how the server interleaves them is not.
#[test]
fn calls_at_the_same_time_never_deadlock_and_leave_everything_consistent() -> Result<()> {
    check::<Interleaving>()
}
