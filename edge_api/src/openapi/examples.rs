//! Answers of a real database, as `cargo x fixtures` recorded them, for the examples of the document.

use serde_json::Value;

/// Name and answer of each recorded operation.
macro_rules! recorded {
    ($($operation:ident)*) => {
        &[$((
            stringify!($operation),
            include_str!(concat!("../../tests/http/fixtures/", stringify!($operation), ".json")),
        )),*]
    };
}

#[rustfmt::skip] // Names, as in the directory.
static RECORDED: &[(&str, &str)] = recorded! {
    add_viewer apply_webhook ban_user block_term delete_message delete_user_messages end_stream export_user
    forget_user generate_buyer_token generate_seller_token get_live_stream get_message_history get_moderation_log
    get_session get_stream_state get_stream_summary get_viewer_count get_viewers heartbeat heartbeats inspect_token
    join_stream lift_restriction list_blocked_terms list_live_streams list_reports list_restrictions
    mark_messages_as_read mark_read_up_to mute_user pause_stream pin_message post_auction_update refresh_token
    remove_viewer report_message resolve_report resume_stream send_message send_messages send_reaction set_chat_mode set_slow_mode
    start_stream subscribe_to_chat sync sync_messages unblock_term unpin_message unread_count unsubscribe_from_chat
    update_stream_state
};

/// The recorded answer of an operation.
pub fn of(operation: &str) -> Option<Value> {
    let (_, answer) = RECORDED.iter().find(|(name, _)| *name == operation)?;
    serde_json::from_str(answer).ok()
}
