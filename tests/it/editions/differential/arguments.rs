//! Random arguments of each operation, most of them well formed.

use proptest::prelude::Rng;
use proptest::test_runner::TestRng;
use serde_json::{Value, json};
use stream_tests::demo;
use uuid::Uuid;

use super::caller::Caller;

/// The second auction of the demo seller.
const OTHER_AUCTION: Uuid = Uuid::from_u128(0x0000_0000_0000_4000_8000_0000_0000_00a2);

pub fn pick<T: Copy>(random: &mut TestRng, from: &[T]) -> T {
    from[random.next_u32() as usize % from.len()]
}

/// One of the messages' ids, few enough for repetitions.
fn message(random: &mut TestRng) -> Uuid {
    Uuid::from_u128(0x0000_0000_0000_4000_9000_0000_0000_0000 | u128::from(random.next_u32() % 40))
}

/// The id of a request: seldom one, and seldom again.
fn request(random: &mut TestRng) -> Option<Uuid> {
    let number = u128::from(random.next_u32() % 60);
    (number < 12).then(|| Uuid::from_u128(0x0000_0000_0000_4000_a000_0000_0000_0000 | number))
}

fn text(random: &mut TestRng) -> &'static str {
    pick(
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
            "e\u{301}\u{FB01}",
        ],
    )
}

fn flag(random: &mut TestRng) -> Option<bool> {
    pick(random, &[None, Some(true), Some(false)])
}

/// A number of the log, or one beyond it.
fn seq(random: &mut TestRng) -> Option<i64> {
    match random.next_u32() % 12 {
        0 => None,
        1 => Some(-1),
        2 => Some(1_000),
        number => Some(i64::from(number * 3)),
    }
}

fn page_size(random: &mut TestRng) -> Option<u32> {
    pick(
        random,
        &[None, Some(0), Some(1), Some(3), Some(10), Some(1_000)],
    )
}

/// Random arguments of an operation.
pub fn of(operation: &str, caller: Caller, random: &mut TestRng) -> Value {
    let user = pick(random, &Caller::KNOWN).user();
    let about = match caller {
        Caller::Service => user,
        _ => pick(random, &[None, caller.user(), caller.user(), user]),
    };
    let session = pick(
        random,
        &[
            "$session", "$session", "$session", "$session", "$session", "$earlier",
        ],
    );
    let mut arguments = match operation {
        "add_viewer" => json!({"buyer_id": about}),
        "apply_webhook" => return notice(random),
        "ban_user" | "mute_user" => json!({
            "user_id": user, "duration_s": pick(random, &[None, Some(60), Some(0), Some(100_000)]), "reason": text(random),
        }),
        "block_term" | "unblock_term" => {
            let of_session = pick(random, &[Some(session), Some(session), Some(session), None]);
            return json!({"session_id": of_session, "term": text(random), "request_id": request(random)});
        }
        "delete_message" | "report_message" => {
            json!({"message_id": message(random), "reason": text(random)})
        }
        "delete_user_messages" => json!({"user_id": user, "reason": text(random)}),
        "end_stream" | "pause_stream" | "resume_stream" => {
            json!({"reason": text(random), "generation": pick(random, &[None, None, Some(1), Some(2)])})
        }
        "export_user" | "forget_user" => return json!({"user_id": user}),
        "generate_buyer_token" => return json!({"buyer_id": about, "channel_id": session}),
        "generate_seller_token" => {
            let generation = pick(random, &[None, None, Some(1)]);
            return json!({"seller_id": about, "channel_id": session, "generation": generation});
        }
        "refresh_token" => return json!({"user_id": about, "channel_id": session}),
        "get_live_stream" => {
            return json!({"auction_id": pick(random, &[demo::AUCTION, OTHER_AUCTION, Uuid::nil()])});
        }
        "get_message_history" => json!({
            "page_size": random.next_u32() % 12, "skip": pick(random, &[None, None, Some(2)]),
            "before_seq": pick(random, &[None, None, Some(9)]), "after_seq": pick(random, &[None, None, None, Some(3)]),
        }),
        "get_moderation_log" => {
            let of_session = pick(random, &[Some(session), Some(session), None]);
            return json!({"session_id": of_session, "page_size": page_size(random)});
        }
        "get_viewers" | "list_restrictions" => {
            json!({"after": pick(random, &[None, None, Some(demo::BEN)]), "page_size": page_size(random)})
        }
        "heartbeat" => json!({
            "user_id": about, "foreground": flag(random), "generation": pick(random, &[None, None, Some(1), Some(7)]),
            "join_no": pick(random, &[None, None, Some(1), Some(2)]),
        }),
        "heartbeats" | "send_messages" => return items(random),
        "inspect_token" => {
            return json!({
                "token": pick(random, &["$token", "$token", "$token", "007", "007eJ", "x", ""]),
                "channel_id": pick(random, &[None, Some("$session"), Some("x")]),
            });
        }
        "lift_restriction" => {
            json!({"user_id": user, "kind": pick(random, &["mute", "ban", "mute", "ban", "x"])})
        }
        "list_blocked_terms" => return json!({"session_id": pick(random, &[Some(session), None])}),
        "list_live_streams" => return json!({"page_size": page_size(random)}),
        "list_reports" => {
            json!({"after": pick(random, &[None, None, Some(4)]), "page_size": page_size(random)})
        }
        "mark_messages_as_read" => {
            json!({"user_id": about, "message_ids": format!("{{{},{}}}", message(random), message(random))})
        }
        "mark_read_up_to" => json!({"user_id": about, "seq": seq(random)}),
        "new_epoch" | "sweep" | "user_id" => return json!({}),
        "pin_message" | "resolve_report" => json!({"message_id": message(random)}),
        "post_auction_update" => json!({"update": update(random)}),
        "remove_viewer" => {
            json!({"buyer_id": about, "join_no": pick(random, &[None, None, Some(1)])})
        }
        "report_canary" => {
            let (canary_no, lag_ms) = pick(
                random,
                &[
                    (None, None),
                    (Some(1), Some(5)),
                    (Some(1), Some(-5)),
                    (Some(1), None),
                ],
            );
            let state = pick(random, &["delivered", "dropped", "realtime_away", "x"]);
            return json!({"canary_no": canary_no, "lag_ms": lag_ms, "state": state});
        }
        "send_message" => json!({"user_id": about, "content": text(random), "id": message(random)}),
        "send_reaction" => json!({"kind": pick(random, &["like", "fire", "heart", "x"])}),
        "set_chat_mode" => {
            json!({"mode": pick(random, &["viewers", "viewers", "hosts", "nobody", "verified", "x"])})
        }
        "set_slow_mode" => json!({"interval_ms": pick(random, &[0, 0, 0, 600_000, 600_000, -1])}),
        "start_stream" => {
            let auction = pick(random, &[demo::AUCTION, OTHER_AUCTION]);
            let window = pick(random, &[None, None, Some(60), Some(-1)]);
            return json!({"auction_id": auction, "seller_id": about, "reconnect_window_s": window, "request_id": request(random)});
        }
        "subscribe_to_chat" | "unread_count" => json!({"user_id": about}),
        "sync" => {
            json!({"after_seq": seq(random), "epoch": pick(random, &[None, None, Some("$epoch"), Some("x")])})
        }
        "sync_messages" => {
            json!({"last_message_id": pick(random, &[None, Some(())]).map(|()| message(random))})
        }
        "unsubscribe_from_chat" => return json!({"subscription_id": "$subscription"}),
        "update_stream_state" => {
            let state = pick(
                random,
                &[
                    "active",
                    "active",
                    "active",
                    "paused",
                    "error",
                    "initializing",
                    "bogus",
                ],
            );
            let state = if random.next_u32().is_multiple_of(24) {
                "ended"
            } else {
                state
            };
            json!({"state": state, "reason": text(random)})
        }
        _ => json!({}),
    };
    arguments["session_id"] = json!(session);
    if TAKE_REQUESTS.contains(&operation) {
        arguments["request_id"] = json!(request(random));
    }
    arguments
}

/// Operations whose repetitions are known by an id.
const TAKE_REQUESTS: &[&str] = &[
    "ban_user",
    "delete_message",
    "delete_user_messages",
    "end_stream",
    "lift_restriction",
    "mute_user",
    "pause_stream",
    "pin_message",
    "resolve_report",
    "resume_stream",
    "set_chat_mode",
    "set_slow_mode",
    "unpin_message",
    "update_stream_state",
];

/// What an application says of its auction.
fn update(random: &mut TestRng) -> Value {
    match random.next_u32() % 8 {
        0 => json!([1, 2]),
        1 => json!({"text": "x".repeat(30_000)}),
        2 => json!({"content": "sold", "amount": 1e3, "nested": {"a": [null, true, "\u{E9}"]}}),
        3 => json!({"content": text(random)}),
        amount => json!({"amount": amount, "currency": "EUR"}),
    }
}

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
        let user = pick(random, &Caller::KNOWN).user();
        let mut item = json!({
            "session_id": pick(random, &["$session", "$session", "$session", "$earlier", "x"]), "user_id": user,
            "content": pick(random, &["hi", "spam", "", "caf\u{E9}"]), "id": message(random),
            "foreground": flag(random),
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
