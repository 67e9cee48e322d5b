//! Moderation does what a small model says, whoever asks for what and in whatever order.
//!
//! Every case is a random sequence of calls on a stream of its own, by people of every rank. Each
//! answer is compared with the model's, and at the end the tables are, too.

mod model;
mod operation;
mod product;

use anyhow::Result;
use stream_tests::stateful::check_model;

use self::product::ModeratedChat;

/// Feature: streaming-realtime-fixes, Property 13: For any chat message or bulk message operation,
/// the Chat_Service should persist messages to database immediately, resolve conflicts using
/// timestamp-based ordering, batch operations efficiently, and return paginated history with
/// proper sorting
#[test]
fn every_sequence_of_decisions_is_answered_and_stored_as_the_model_says() -> Result<()> {
    check_model::<ModeratedChat>()
}
