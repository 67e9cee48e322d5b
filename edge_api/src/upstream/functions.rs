//! The SQL functions that the service calls, with their arguments.
//!
//! The whole contract with the schema `stream`: name, arguments in the order of their declaration,
//! and whether the function is STABLE (`reading`) or VOLATILE (`writing`).

pub mod moderation;

use serde_json::Value;
use stream_core::lifecycle::StreamState;

use super::Call;
use crate::ids::{AuctionId, MessageId, SessionId, SubscriptionId, UserId};
use crate::timestamp::Timestamp;

pub fn start_stream(
    auction_id: AuctionId,
    seller_id: Option<UserId>,
    reconnect_window_s: Option<i32>,
) -> Call {
    Call::writing("start_stream")
        .with("auction_id", auction_id)
        .with("seller_id", seller_id)
        .with("reconnect_window_s", reconnect_window_s)
}

pub fn get_session(session_id: SessionId) -> Call {
    Call::reading("get_session").with("session_id", session_id)
}

pub fn get_stream_state(session_id: SessionId) -> Call {
    Call::reading("get_stream_state").with("session_id", session_id)
}

pub fn update_stream_state(
    session_id: SessionId,
    state: StreamState,
    reason: Option<String>,
    generation: Option<i32>,
) -> Call {
    Call::writing("update_stream_state")
        .with("session_id", session_id)
        .with("state", state.as_str().to_owned())
        .with("reason", reason)
        .with("generation", generation)
}

pub fn pause_stream(id: SessionId, generation: Option<i32>, reason: Option<String>) -> Call {
    move_stream("pause_stream", id, generation, reason)
}

pub fn resume_stream(id: SessionId, generation: Option<i32>, reason: Option<String>) -> Call {
    move_stream("resume_stream", id, generation, reason)
}

pub fn end_stream(id: SessionId, generation: Option<i32>, reason: Option<String>) -> Call {
    move_stream("end_stream", id, generation, reason)
}

fn move_stream(
    function: &'static str,
    session_id: SessionId,
    generation: Option<i32>,
    reason: Option<String>,
) -> Call {
    Call::writing(function)
        .with("session_id", session_id)
        .with("generation", generation)
        .with("reason", reason)
}

pub fn generate_seller_token(
    seller_id: Option<UserId>,
    channel_id: String,
    generation: Option<i32>,
) -> Call {
    Call::writing("generate_seller_token")
        .with("seller_id", seller_id)
        .with("channel_id", channel_id)
        .with("generation", generation)
}

pub fn generate_buyer_token(buyer_id: Option<UserId>, channel_id: String) -> Call {
    Call::writing("generate_buyer_token")
        .with("buyer_id", buyer_id)
        .with("channel_id", channel_id)
}

pub fn refresh_token(user_id: Option<UserId>, channel_id: String, generation: Option<i32>) -> Call {
    Call::writing("refresh_token")
        .with("user_id", user_id)
        .with("channel_id", channel_id)
        .with("generation", generation)
}

pub fn inspect_token(token: String, channel_id: Option<String>, account: Option<String>) -> Call {
    Call::reading("inspect_token")
        .with("token", token)
        .with("channel_id", channel_id)
        .with("account", account)
}

pub fn add_viewer(session_id: SessionId, buyer_id: Option<UserId>) -> Call {
    Call::writing("add_viewer")
        .with("session_id", session_id)
        .with("buyer_id", buyer_id)
}

pub fn join_stream(session_id: SessionId) -> Call {
    Call::writing("join_stream").with("session_id", session_id)
}

pub fn remove_viewer(session_id: SessionId, buyer_id: UserId, join_no: Option<i32>) -> Call {
    Call::writing("remove_viewer")
        .with("session_id", session_id)
        .with("buyer_id", buyer_id)
        .with("join_no", join_no)
}

pub fn get_viewer_count(session_id: SessionId) -> Call {
    Call::reading("get_viewer_count").with("session_id", session_id)
}

pub fn get_viewers(session_id: SessionId, after: Option<UserId>, page_size: i32) -> Call {
    Call::reading("get_viewers")
        .set()
        .with("session_id", session_id)
        .with("after", after)
        .with("page_size", page_size)
}

/// What a device says with a heartbeat; all of it may be left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Beat {
    pub last_seq: Option<i64>,
    pub foreground: Option<bool>,
    pub generation: Option<i32>,
    pub join_no: Option<i32>,
    pub user_id: Option<UserId>,
    pub token_expires_at: Option<Timestamp>,
}

pub fn heartbeat(session_id: SessionId, beat: Beat) -> Call {
    Call::writing("heartbeat")
        .with("session_id", session_id)
        .with("last_seq", beat.last_seq)
        .with("foreground", beat.foreground)
        .with("generation", beat.generation)
        .with("join_no", beat.join_no)
        .with("user_id", beat.user_id)
        .with("token_expires_at", beat.token_expires_at)
}

/// `items`: an array of `{session_id, user_id, foreground?, join_no?}`.
pub fn heartbeats(items: Value) -> Call {
    Call::writing("heartbeats").set().with("items", items)
}

pub fn send_message(
    session_id: SessionId,
    user_id: Option<UserId>,
    content: String,
    id: Option<MessageId>,
) -> Call {
    Call::writing("send_message")
        .with("session_id", session_id)
        .with("user_id", user_id)
        .with("content", content)
        .with("id", id)
}

/// Which part of a log: a page counted from the end, or the entries before or after a seq.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    pub page_size: i32,
    pub skip: i32,
    pub before_seq: Option<i64>,
    pub after_seq: Option<i64>,
}

pub fn get_message_history(session_id: SessionId, page: Page) -> Call {
    Call::reading("get_message_history")
        .set()
        .with("session_id", session_id)
        .with("page_size", page.page_size)
        .with("skip", page.skip)
        .with("before_seq", page.before_seq)
        .with("after_seq", page.after_seq)
}

pub fn sync(session_id: SessionId, after_seq: Option<i64>, epoch: Option<String>) -> Call {
    Call::reading("sync")
        .with("session_id", session_id)
        .with("after_seq", after_seq)
        .with("epoch", epoch)
}

pub fn apply_webhook(notice: Value) -> Call {
    Call::writing("apply_webhook").with("notice", notice)
}

pub fn sync_messages(session_id: SessionId, last_message_id: MessageId) -> Call {
    Call::reading("sync_messages")
        .set()
        .with("session_id", session_id)
        .with("last_message_id", last_message_id)
}

pub fn mark_messages_as_read(
    session_id: SessionId,
    user_id: Option<UserId>,
    message_ids: Vec<MessageId>,
) -> Call {
    Call::writing("mark_messages_as_read")
        .with("session_id", session_id)
        .with("user_id", user_id)
        .with("message_ids", message_ids)
}

pub fn mark_read_up_to(session_id: SessionId, user_id: Option<UserId>, seq: i64) -> Call {
    Call::writing("mark_read_up_to")
        .with("session_id", session_id)
        .with("user_id", user_id)
        .with("seq", seq)
}

pub fn unread_count(session_id: SessionId, user_id: Option<UserId>) -> Call {
    Call::reading("unread_count")
        .with("session_id", session_id)
        .with("user_id", user_id)
}

pub fn subscribe_to_chat(session_id: SessionId, user_id: Option<UserId>) -> Call {
    Call::writing("subscribe_to_chat")
        .with("session_id", session_id)
        .with("user_id", user_id)
}

pub fn unsubscribe_from_chat(subscription_id: SubscriptionId) -> Call {
    Call::writing("unsubscribe_from_chat").with("subscription_id", subscription_id)
}

/// `update`: an object of the application's own.
pub fn post_auction_update(session_id: SessionId, update: Value) -> Call {
    Call::writing("post_auction_update")
        .with("session_id", session_id)
        .with("update", update)
}

pub fn tick() -> Call {
    Call::writing("tick")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::upstream::{Access, Argument, Rows};

    /// One call of every function above.
    fn calls() -> Vec<Call> {
        let text = "00000000-0000-4000-8000-000000000001";
        let session = SessionId::parse(text).expect("a uuid");
        let user = UserId::parse(text).expect("a uuid");
        let message = MessageId::parse(text).expect("a uuid");
        let page = Page {
            page_size: 1,
            skip: 0,
            before_seq: None,
            after_seq: None,
        };
        vec![
            start_stream(AuctionId::parse(text).expect("a uuid"), None, None),
            get_session(session),
            get_stream_state(session),
            update_stream_state(session, StreamState::Active, None, None),
            pause_stream(session, None, None),
            resume_stream(session, None, None),
            end_stream(session, None, None),
            generate_seller_token(None, String::new(), None),
            generate_buyer_token(None, String::new()),
            refresh_token(None, String::new(), None),
            inspect_token(String::new(), None, None),
            add_viewer(session, None),
            join_stream(session),
            remove_viewer(session, user, None),
            get_viewer_count(session),
            get_viewers(session, None, 1),
            heartbeat(session, Beat::default()),
            heartbeats(Value::Array(Vec::new())),
            send_message(session, None, String::new(), None),
            get_message_history(session, page),
            sync(session, None, None),
            apply_webhook(Value::Null),
            sync_messages(session, MessageId::parse(text).expect("a uuid")),
            mark_messages_as_read(session, None, Vec::new()),
            mark_read_up_to(session, None, 1),
            unread_count(session, None),
            subscribe_to_chat(session, None),
            unsubscribe_from_chat(SubscriptionId::parse(text).expect("a uuid")),
            post_auction_update(session, Value::Null),
            tick(),
            moderation::delete_message(session, message, None),
            moderation::delete_user_messages(session, user, None),
            moderation::mute_user(session, user, None, None),
            moderation::ban_user(session, user, None, None),
            moderation::lift_restriction(session, user, String::new()),
            moderation::list_restrictions(session, None, 1),
            moderation::set_slow_mode(session, 0),
            moderation::set_chat_mode(session, String::new()),
            moderation::pin_message(session, message),
            moderation::unpin_message(session),
            moderation::block_term(session, String::new()),
            moderation::unblock_term(session, String::new()),
            moderation::list_blocked_terms(session),
            moderation::get_moderation_log(session, None, 1),
        ]
    }

    /// The scripts that make the schema, in one text.
    fn scripts() -> String {
        // Not the compiler's: another checkout may share its target directory.
        let package = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package");
        let folder = Path::new(&package).join("../sql");
        let files = fs::read_dir(folder).expect("the SQL sources");
        let paths = files.map(|file| file.expect("a readable folder").path());
        paths
            .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
            .map(|path| fs::read_to_string(path).expect("a script"))
            .collect()
    }

    /// Names and types of `create function stream.<name>( <arguments> ) <the rest of the head> as $$`.
    fn declaration<'a>(scripts: &'a str, function: &str) -> (Vec<(&'a str, &'a str)>, &'a str) {
        let start = format!("create function stream.{function}(");
        let (_, rest) = scripts
            .split_once(&start)
            .unwrap_or_else(|| panic!("{start}"));
        let (head, _) = rest.split_once("as $$").expect("a body");
        let (arguments, rest) = head.split_once("returns").expect("a result");
        let arguments = arguments.trim().trim_end_matches(')').split(',');
        let arguments = arguments.filter_map(|argument| {
            let mut words = argument.split_whitespace();
            Some((words.next()?.trim_matches('"'), words.next()?))
        });
        (arguments.collect(), rest)
    }

    fn type_of(argument: &Argument) -> &'static str {
        match argument {
            Argument::Uuid(_) => "uuid",
            Argument::Uuids(_) => "uuid[]",
            Argument::Text(_) => "text",
            Argument::Integer(_) => "integer",
            Argument::Bigint(_) => "bigint",
            Argument::Boolean(_) => "boolean",
            Argument::Timestamp(_) => "timestamptz",
            Argument::Json(_) => "json",
        }
    }

    #[test]
    fn every_call_matches_the_declaration_of_its_function() {
        let scripts = scripts();
        for call in calls() {
            let (declared, head) = declaration(&scripts, call.function);
            let given = call.arguments.iter();
            let given: Vec<_> = given.map(|(name, value)| (*name, type_of(value))).collect();
            assert_eq!(given, declared, "{}", call.function);

            let is_stable = head.split_whitespace().any(|word| word == "stable");
            let is_reading = call.access == Access::ReadOnly;
            assert_eq!(is_reading, is_stable, "{}", call.function);

            let is_set = head.trim_start().starts_with("setof");
            assert_eq!(call.rows == Rows::Many, is_set, "{}", call.function);
        }
    }
}
