//! Random calls of the contract, by users who sell, watch, write and moderate.

use proptest::prelude::Rng;
use proptest::test_runner::TestRng;
use serde_json::{Value, json};
use stream_tests::demo;
use uuid::Uuid;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    Seller,
    Ada,
    Ben,
    Cleo,
    Service,
}

impl Caller {
    pub const ALL: [Self; 5] = [
        Self::Seller,
        Self::Ada,
        Self::Ben,
        Self::Cleo,
        Self::Service,
    ];

    pub fn user(self) -> Option<Uuid> {
        match self {
            Self::Seller => Some(demo::SELLER),
            Self::Ada => Some(demo::ADA),
            Self::Ben => Some(demo::BEN),
            Self::Cleo => Some(demo::CLEO),
            Self::Service => None,
        }
    }
}

/// Stands for an operation: a statement of the owner.
pub const OWNER: &str = "";

/// One call; `"$session"` among its arguments is the newest stream of the side.
#[derive(Debug, Clone)]
pub struct Call {
    pub caller: Caller,
    pub operation: &'static str,
    pub arguments: Value,
}

/// What one side knows by its own answers.
#[derive(Default)]
pub struct Known {
    session: Option<String>,
}

impl Known {
    pub fn learn(&mut self, operation: &str, rows: &[Value]) {
        if operation == "start_stream"
            && let Some(id) = rows.first().and_then(|row| row["id"].as_str())
        {
            self.session = Some(id.to_owned());
        }
    }

    /// The arguments with the ids of this side.
    pub fn filled(&self, arguments: &Value) -> Value {
        let session = self
            .session
            .clone()
            .unwrap_or_else(|| Uuid::nil().to_string());
        let text = arguments.to_string().replace("$session", &session);
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }
}

fn pick<T: Copy>(random: &mut TestRng, from: &[T]) -> T {
    from[random.next_u32() as usize % from.len()]
}

/// One of the messages' ids, few enough for repetitions.
fn message(random: &mut TestRng) -> Uuid {
    Uuid::from_u128(0x0000_0000_0000_4000_9000_0000_0000_0000 | u128::from(random.next_u32() % 40))
}

/// Statements of the owner that let time pass, and the regular work that follows from it.
const LATER: &[&str] = &[
    "update stream.stream_viewers set token_issued_at = now() - interval '50 min', token_expires_at = now() + interval '10 min',
         token_held_until = now() + interval '10 min' where session_id = '$session' and token_issued_at is not null",
    "update stream.stream_sessions set host_token_issued_at = now() - interval '50 min',
         host_token_expires_at = now() + interval '10 min', host_token_held_until = now() + interval '10 min'
     where id = '$session' and host_token_issued_at is not null",
    "update stream.stream_sessions set host_heartbeat_at = now() - interval '50 min'
     where id = '$session' and host_heartbeat_at is not null",
    "update stream.stream_sessions set reconnect_deadline = now() - interval '50 min' where id = '$session' and state = 'error'",
    "update stream.stream_sessions set check_at = now() - interval '1 s', host_seen_at = now() - interval '10 min'
     where id = '$session' and state = 'active' and host_seen_at is not null",
    "update stream.stream_viewers set lease_check_at = now() - interval '1 s', last_seen_at = now() - interval '10 min'
     where session_id = '$session' and is_active and user_id = '00000000-0000-4000-8000-000000000002'",
    "select from stream.sweep()",
    "select from stream.sweep()",
    // A trigger of heartbeats and a hook of messages that fail for one user, with a state that PL/pgSQL catches only by its name.
    "create or replace function public.fail() returns trigger language plpgsql
     as $$ begin raise sqlstate 'P0004' using message = 'no'; end $$;
     create or replace trigger fail before update on stream.stream_viewers for each row
     when (new.user_id = '00000000-0000-4000-8000-000000000004' and new.last_seen_at > old.last_seen_at
         and (new.chat_tat, new.reaction_tat) is not distinct from (old.chat_tat, old.reaction_tat))
     execute function public.fail()",
    "drop trigger if exists fail on stream.stream_viewers",
    "create or replace function stream.hook_can_chat(user_id uuid, session_id uuid) returns boolean language plpgsql stable
     set search_path = pg_catalog, pg_temp as $$
     begin
         if $1 = '00000000-0000-4000-8000-000000000004' then raise sqlstate 'P0004' using message = 'no'; end if;
         return true;
     end $$",
    "create or replace function stream.hook_can_chat(user_id uuid, session_id uuid) returns boolean language plpgsql stable
     set search_path = pg_catalog, pg_temp as 'begin return true; end'",
];

/// A notice of Agora, whole or without one of its fields.
fn notice(random: &mut TestRng) -> Value {
    let mut payload = json!({
        "channelName": pick(random, &["$session", "$session", "$session", "test_webhook", "x"]),
        "ts": 1_790_000_000 + random.next_u32() % 100, "uid": pick(random, &[1, 1, 1, 2, 5, 0]),
        "clientSeq": random.next_u32() % 300, "reason": pick(random, &[None, Some(1), Some(2), Some(3), Some(5), Some(12), Some(999)]),
        "platform": pick(random, &[None, Some(6), Some(1)]), "clientType": pick(random, &[None, Some(8), Some(10)]),
    });
    if random.next_u32().is_multiple_of(6) {
        payload[pick(random, &["channelName", "ts", "uid", "clientSeq"])] = json!("x");
    }
    json!({"notice": {
        "noticeId": format!("n{}", random.next_u32() % 60), "productId": pick(random, &[1, 1, 1, 1, 2]),
        "eventType": pick(random, &[101, 102, 103, 104, 105, 106, 107, 108, 111, 112, 999]), "payload": payload,
    }})
}

/// Items of a batch, most of them well formed.
fn items(random: &mut TestRng) -> Value {
    let count = 1 + random.next_u32() % 5;
    let items = (0..count).map(|_| {
        let user = pick(random, &Caller::ALL).user();
        let mut item = json!({
            "session_id": pick(random, &["$session", "$session", "$session", "x"]), "user_id": user,
            "content": pick(random, &["hi", "spam", "", "caf\u{E9}"]), "id": message(random),
            "foreground": pick(random, &[None, Some(true), Some(false)]),
        });
        match random.next_u32() % 8 {
            0 => item["claims"] = json!({"sub": user, "role": "authenticated"}),
            1 => item["claims"] = json!({"sub": demo::BEN, "role": "authenticated"}),
            2 => item["claims"] = Value::Null,
            3 => item["user_id"] = json!(5),
            _ => {}
        }
        item
    });
    json!({"items": items.collect::<Vec<_>>()})
}

impl Call {
    pub fn random(random: &mut TestRng, number: usize) -> Self {
        let caller = pick(random, &Caller::ALL);
        let user = pick(random, &Caller::ALL).user();
        let about = match caller {
            Caller::Service => user,
            _ => pick(random, &[None, caller.user(), caller.user(), user]),
        };
        let session = "$session";
        if number == 0 {
            return Self::new(
                Caller::Seller,
                "start_stream",
                json!({"auction_id": demo::AUCTION}),
            );
        }
        let state = pick(
            random,
            &[
                "active",
                "active",
                "paused",
                "error",
                "initializing",
                "ended",
                "bogus",
            ],
        );
        let text = pick(
            random,
            &[
                "hello",
                " two  words ",
                "",
                "caf\u{E9} \u{1F600}",
                "spam",
                "line\nbreak",
                "a\u{202E}b",
                "S\u{200B}pam!",
            ],
        );
        let (operation, arguments) = match random.next_u32() % 42 {
            34 | 35 => (OWNER, json!(pick(random, LATER))),
            36 | 37 => ("apply_webhook", notice(random)),
            38 | 39 => ("heartbeats", items(random)),
            40 => ("send_messages", items(random)),
            0 => (
                "start_stream",
                json!({"auction_id": demo::AUCTION, "seller_id": about}),
            ),
            1 | 2 if state != "ended" || random.next_u32().is_multiple_of(8) => (
                "update_stream_state",
                json!({"session_id": session, "state": state, "reason": text}),
            ),
            3..=6 => (
                "add_viewer",
                json!({"session_id": session, "buyer_id": about}),
            ),
            7 => (
                "remove_viewer",
                json!({"session_id": session, "buyer_id": about, "join_no": pick(random, &[None, None, Some(1)])}),
            ),
            8 => ("join_stream", json!({"session_id": session})),
            9..=14 => (
                "send_message",
                json!({"session_id": session, "user_id": about, "content": text, "id": message(random)}),
            ),
            15 => (
                "heartbeat",
                json!({"session_id": session, "user_id": about, "foreground": pick(random, &[None, Some(true), Some(false)])}),
            ),
            16 => (
                "generate_seller_token",
                json!({"seller_id": about, "channel_id": session}),
            ),
            17 => (
                "generate_buyer_token",
                json!({"buyer_id": about, "channel_id": session}),
            ),
            18 => (
                "refresh_token",
                json!({"user_id": about, "channel_id": session}),
            ),
            19 => (
                "get_message_history",
                json!({"session_id": session, "page_size": random.next_u32() % 12}),
            ),
            20 => (
                "sync",
                json!({"session_id": session, "after_seq": random.next_u32() % 20}),
            ),
            21 => (
                "mute_user",
                json!({"session_id": session, "user_id": user, "reason": text}),
            ),
            22 => ("ban_user", json!({"session_id": session, "user_id": user})),
            23 => (
                "lift_restriction",
                json!({"session_id": session, "user_id": user, "kind": pick(random, &["mute", "ban", "x"])}),
            ),
            24 => (
                "delete_message",
                json!({"session_id": session, "message_id": message(random)}),
            ),
            25 => (
                "pin_message",
                json!({"session_id": session, "message_id": message(random)}),
            ),
            26 => (
                "set_chat_mode",
                json!({"session_id": session, "mode": pick(random, &["viewers", "hosts", "nobody", "verified", "x"])}),
            ),
            27 => ("block_term", json!({"session_id": session, "term": text})),
            28 => ("unblock_term", json!({"session_id": session, "term": text})),
            29 => (
                "mark_messages_as_read",
                json!({"session_id": session, "user_id": about, "message_ids": [message(random), message(random)]}),
            ),
            30 => (
                "unread_count",
                json!({"session_id": session, "user_id": about}),
            ),
            31 => ("get_viewer_count", json!({"session_id": session})),
            32 => (
                "report_message",
                json!({"session_id": session, "message_id": message(random), "reason": text}),
            ),
            _ => (
                "send_reaction",
                json!({"session_id": session, "kind": pick(random, &["like", "fire", "x"])}),
            ),
        };
        Self::new(caller, operation, arguments)
    }

    fn new(caller: Caller, operation: &'static str, arguments: Value) -> Self {
        Self {
            caller,
            operation,
            arguments,
        }
    }
}
