//! Everybody who follows a chat ends with exactly the messages that were acknowledged, whatever the senders do
//! at the same time and whatever becomes of their connections.
//!
//! Every case plays a random plan on new streams: several connections send, alone and in batches, use
//! ids again, roll back, commit late and lose their server processes, while a ticker may run and a
//! stream may end. One reader follows the frames, one `sync`, and one frames of which some are lost.

mod plan;
mod product;
mod readers;
mod senders;

use anyhow::Result;
use stream_tests::stateful::check;

use self::product::ConcurrentChat;

/// Feature: streaming-realtime-fixes, Property 6: For any chat message sent by any participant,
/// the Chat_Service should broadcast it to all participants immediately, and the Chat_Synchronizer
/// should display all messages in chronological order regardless of network conditions
///
/// Feature: streaming-realtime-fixes, Property 7: For any user joining an active stream, the
/// Chat_Service should provide recent message history, and after network restoration, should
/// synchronize any missed messages maintaining chronological order
///
/// Feature: streaming-realtime-fixes, Property 13: For any chat message or bulk message operation,
/// the Chat_Service should persist messages to database immediately, resolve conflicts using
/// timestamp-based ordering, batch operations efficiently, and return paginated history with
/// proper sorting
///
/// The plan is replayed by its seed; how the server interleaves its operations is not.
#[test]
fn every_reader_ends_with_exactly_the_acknowledged_messages() -> Result<()> {
    check::<ConcurrentChat>()
}
