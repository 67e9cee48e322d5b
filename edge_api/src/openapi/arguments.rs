//! Arguments of operations: a sentence about each, and the values that are accepted.
//!
//! The contract names the types. The ranges are those of [`stream_core::limits`], the names those of the composites.

use serde_json::{Value, json};
use stream_core::limits::{
    ALL, InputLimit, MAX_BATCH_ITEMS, RECONNECT_WINDOW_S, RESTRICTION_S, SLOW_MODE_MS,
};

use super::schemas;
use crate::contract::{Argument, ArgumentType, Parameter};

/// An argument as the document describes it.
pub struct Described {
    pub description: &'static str,
    pub schema: Value,
    /// Whether a call without it, or with null, is refused.
    pub is_needed: bool,
    /// The value that it has when it is left out, unless that is null.
    pub default: Option<Value>,
}

#[derive(Clone, Copy)]
enum Accepted {
    /// Every value of its type.
    All,
    Range(i64, i64),
    /// As many characters as the limit of this name says.
    Characters(&'static str),
    /// The values of a composite's member.
    ValuesOf(&'static str, &'static str),
    /// A list of as many elements as a batch may have.
    Elements,
    Form(fn() -> Value),
}

struct Entry {
    /// Of these operations; none: of all the others.
    operations: &'static [&'static str],
    name: &'static str,
    accepted: Accepted,
    /// The function's default is null, and null is refused.
    null_is_refused: bool,
    description: &'static str,
}

/// The greatest number of a log: half of bigint, so that adding never overflows.
const MAX_SEQ: i64 = i64::MAX / 2;

const SPEAKER: &str = "The user; left out: the caller. The service must name one.";

use Accepted::{All, Characters, Elements, Form, Range, ValuesOf};

#[rustfmt::skip] // One argument, one line.
static ENTRIES: &[Entry] = &[
    any("session_id", All, "The stream."),
    any("auction_id", All, "The auction."),
    any("message_id", All, "A message of the stream."),
    any("subscription_id", All, "A subscription to the chat."),
    any("request_id", All, "Made by the client. The same id again with the same arguments returns the first result."),
    any("generation", All, "The generation of the host's device; an older one than the stream's is refused. Left out: any."),
    any("reason", Characters("reason_chars"), "Why, for people."),
    any("page_size", Range(1, limit("page_size").most), "How many at most."),
    any("user_id", All, "The user concerned."),
    of(&["heartbeat", "mark_messages_as_read", "mark_read_up_to", "refresh_token", "send_message", "subscribe_to_chat", "unread_count"], "user_id", All, SPEAKER),
    any("buyer_id", All, SPEAKER),
    any("seller_id", All, SPEAKER),
    of(&["inspect_token"], "channel_id", All, "The channel, to check a token of version 006."),
    any("channel_id", All, "The channel of the stream.").needed(),
    any("account", All, "The account, to check a token of version 006."),
    any("token", All, "An Agora token."),
    any("token_expires_at", All, "When the token ends that the caller holds; left out: the older one that was given."),
    any("after", All, "Those behind this user or stream."),
    of(&["list_reports"], "after", All, "Those behind this number of the log."),
    of(&["sync"], "after_seq", Range(0, MAX_SEQ), "The last number that the caller holds; left out: the newest page."),
    any("after_seq", Range(0, MAX_SEQ), "Messages behind this number. Not together with before_seq."),
    any("before_seq", Range(0, MAX_SEQ), "Messages before this number. Not together with after_seq."),
    any("before_id", All, "Decisions before this one."),
    any("skip", Range(0, i32::MAX as i64), "How many of the newest to leave out."),
    any("epoch", All, "The epoch of the numbers that the caller holds."),
    any("last_message_id", All, "The last message that the caller holds."),
    any("message_ids", Elements, "Messages of the stream; others are ignored.").needed(),
    any("seq", Range(0, i64::MAX), "The last number that was shown.").needed(),
    any("content", Characters("content_chars"), "The text; spaces around it are taken away.").needed(),
    any("id", All, "Made by the client: the same id again is the same message. Left out: a new one."),
    any("join_no", All, "The join that the device made; an older one changes nothing. Left out: the newest."),
    any("foreground", All, "Whether the app is in view; left out: as before."),
    any("duration_s", Range(*RESTRICTION_S.start() as i64, *RESTRICTION_S.end() as i64), "Seconds; left out: until it is lifted."),
    any("interval_ms", Range(*SLOW_MODE_MS.start() as i64, *SLOW_MODE_MS.end() as i64), "Milliseconds between two messages of a viewer; 0: off."),
    any("reconnect_window_s", Range(*RECONNECT_WINDOW_S.start() as i64, *RECONNECT_WINDOW_S.end() as i64), "Seconds that a lost host has to return; left out: as configured."),
    of(&["send_reaction"], "kind", All, "One of config.reaction_kinds."),
    any("kind", ValuesOf("restriction", "kind"), "What to lift."),
    any("mode", ValuesOf("sync_result", "chat_mode"), "Who may write."),
    any("state", ValuesOf("session", "state"), "The state to move to."),
    any("term", Characters("term_chars"), "The words, with a letter or a digit among them.").needed(),
    of(&["heartbeats"], "items", Form(heartbeats), "One for each viewer."),
    of(&["send_messages"], "items", Form(messages), "The messages, in the order in which they are written."),
    any("update", Form(update), "What the update says to programs, at most 8 KiB; the member text is what people read."),
];

/// How many descriptions there are.
#[cfg(test)]
pub const COUNT: usize = ENTRIES.len();

/// The place and the sentence of an argument's description.
pub fn find(operation: &str, name: &str) -> Option<(usize, &'static str)> {
    let named = |entry: &Entry| entry.operations.contains(&operation);
    let position = |is_right: &dyn Fn(&Entry) -> bool| {
        ENTRIES
            .iter()
            .position(|entry| entry.name == name && is_right(entry))
    };
    let found = position(&named).or_else(|| position(&|entry| entry.operations.is_empty()))?;
    Some((found, ENTRIES[found].description))
}

/// The description of an operation's argument; of one that nobody described, its type.
pub fn of_parameter(operation: &str, parameter: &Parameter) -> Described {
    let mut schema = schemas::of_argument(parameter.argument_type);
    let entry = find(operation, parameter.name).map(|(position, _)| &ENTRIES[position]);
    let accepted = entry.map_or(All, |entry| entry.accepted);
    match accepted {
        All => {}
        Range(least, most) => {
            schema["minimum"] = least.into();
            schema["maximum"] = most.into();
        }
        Characters(name) => {
            let InputLimit { least, most, .. } = limit(name);
            schema["minLength"] = least.into();
            schema["maxLength"] = most.into();
        }
        ValuesOf(composite, member) => {
            schema = json!({"type": "string", "enum": schemas::values(composite, member)});
        }
        Elements => schema["maxItems"] = MAX_BATCH_ITEMS.into(),
        Form(form) => schema = form(),
    }
    Described {
        description: entry.map_or("", |entry| entry.description),
        schema,
        is_needed: parameter.default.is_none() || entry.is_some_and(|entry| entry.null_is_refused),
        default: parameter.default.as_ref().and_then(as_json),
    }
}

fn as_json(default: &Argument) -> Option<Value> {
    match default {
        Argument::Integer(number) => Some((*number).into()),
        Argument::Bigint(number) => Some((*number).into()),
        Argument::Double(number) => Some((*number).into()),
        Argument::Boolean(truth) => Some((*truth).into()),
        Argument::Text(text) => Some(text.as_str().into()),
        _ => None,
    }
}

fn batch(required: &[&str], properties: Value) -> Value {
    json!({
        "type": "array",
        "maxItems": MAX_BATCH_ITEMS,
        "items": {"type": "object", "required": required, "properties": properties},
    })
}

fn heartbeats() -> Value {
    let uuid = schemas::of_argument(ArgumentType::Uuid);
    batch(
        &["session_id", "user_id"],
        json!({
            "session_id": uuid,
            "user_id": uuid,
            "foreground": optional(ArgumentType::Boolean),
            "generation": optional(ArgumentType::Integer),
            "join_no": optional(ArgumentType::Integer),
            "token_expires_at": optional(ArgumentType::Timestamptz),
            "claims": claims(),
        }),
    )
}

fn messages() -> Value {
    let uuid = schemas::of_argument(ArgumentType::Uuid);
    batch(
        &["session_id", "user_id", "content"],
        json!({
            "session_id": uuid,
            "user_id": uuid,
            "content": {"type": "string"},
            "id": optional(ArgumentType::Uuid),
            "claims": claims(),
        }),
    )
}

fn optional(argument_type: ArgumentType) -> Value {
    let mut schema = schemas::of_argument(argument_type);
    schemas::allow_null(&mut schema);
    schema
}

fn claims() -> Value {
    json!({
        "description": "The verified claims of the user for whom the item is sent; it is then judged as that user's own call.",
        "type": "object",
    })
}

fn update() -> Value {
    // A text that is none, or breaks the rules of chat, is kept for programs, and people read a neutral sentence.
    json!({"type": "object", "properties": {"text": {"description": "What people read, if it is a text of the chat's rules."}}})
}

const fn any(name: &'static str, accepted: Accepted, description: &'static str) -> Entry {
    of(&[], name, accepted, description)
}

const fn of(
    operations: &'static [&'static str],
    name: &'static str,
    accepted: Accepted,
    description: &'static str,
) -> Entry {
    Entry {
        operations,
        name,
        accepted,
        null_is_refused: false,
        description,
    }
}

impl Entry {
    const fn needed(self) -> Self {
        Self {
            null_is_refused: true,
            ..self
        }
    }
}

/// The limit of a name; a name that is none does not compile.
const fn limit(name: &str) -> InputLimit {
    let mut position = 0;
    while position < ALL.len() {
        if same(ALL[position].name.as_bytes(), name.as_bytes()) {
            return ALL[position];
        }
        position += 1;
    }
    panic!("no limit of this name")
}

const fn same(one: &[u8], other: &[u8]) -> bool {
    let mut position = 0;
    while position < one.len() && position < other.len() && one[position] == other[position] {
        position += 1;
    }
    position == one.len() && position == other.len()
}
