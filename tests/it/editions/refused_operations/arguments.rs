//! Values of arguments, by their names: the first is right for the scene, and each of the others may be wrong in its own way.

use stream_tests::demo;

use super::items::of_one_item;

/// What ids of the scene stand as, which differ between two databases: streams, an auction without one, that of the live
/// stream, a user.
pub const PLACEHOLDERS: [&str; 7] = [
    "$live",
    "$new",
    "$paused",
    "$ended",
    "$auction",
    "$taken",
    "$stranger",
];

/// The id of Ada's message.
pub const MESSAGE: &str = "00000000-0000-4000-9000-000000000001";

/// An id of a request that every caller has used for something else.
pub const REQUEST: &str = "00000000-0000-4000-9000-0000000000ff";

const NOBODY: &str = "00000000-0000-4000-a000-000000000000";

/// Texts of SQL constants without their types; `null` is no text.
pub fn values(operation: &str, name: &str, type_name: &str) -> Vec<String> {
    let texts = |texts: &[&str]| texts.iter().map(|text| quoted(text)).collect::<Vec<_>>();
    let with_null = |mut values: Vec<String>| {
        values.push("null".to_owned());
        values
    };
    let null_first = |texts: &[&str]| {
        let mut values = vec!["null".to_owned()];
        values.extend(texts.iter().map(|text| quoted(text)));
        values
    };
    let users = || {
        [demo::ADA, demo::BEN, demo::CLEO, demo::SELLER]
            .map(|user| user.to_string())
            .to_vec()
    };
    match (name, type_name) {
        ("session_id", _) => with_null(texts(&["$live", "$new", "$paused", "$ended", NOBODY])),
        ("channel_id", _) => with_null(texts(&[
            "$live",
            "$ended",
            NOBODY,
            "x",
            "",
            "caf\u{E9}\u{202E}",
        ])),
        ("auction_id", _) => with_null(texts(&["$auction", "$taken", NOBODY])),
        ("user_id", _) if operation == "forget_user" || operation == "export_user" => {
            with_null(texts(&[NOBODY, &demo::SELLER.to_string()]))
        }
        // Of another user, before the service that must name one.
        ("user_id", _) if is_about_another(operation) => {
            let users = users();
            let mut values: Vec<&str> = users.iter().map(String::as_str).collect();
            values.push(NOBODY);
            with_null(texts(&values))
        }
        ("user_id" | "buyer_id" | "seller_id", _) => {
            let users = users();
            let mut values: Vec<&str> = users.iter().map(String::as_str).collect();
            values.push(NOBODY);
            null_first(&values)
        }
        ("message_id" | "last_message_id", _) => with_null(texts(&[MESSAGE, NOBODY])),
        ("id", _) => null_first(&[MESSAGE, NOBODY]),
        ("message_ids", _) => with_null(texts(&[
            &format!("{{{MESSAGE}}}"),
            "{}",
            "{null}",
            &format!("{{{NOBODY}}}"),
        ])),
        ("subscription_id", _) => with_null(texts(&[NOBODY])),
        ("request_id", _) => null_first(&[REQUEST]),
        ("generation", _) => null_first(&["1", "0", "2", "-1"]),
        ("join_no", _) => null_first(&["1", "0", "99", "-1"]),
        ("state", _) if operation == "report_canary" => {
            with_null(texts(&["delivered", "bogus", ""]))
        }
        ("state", _) => with_null(texts(&[
            "paused",
            "active",
            "error",
            "initializing",
            "ended",
            "bogus",
            "",
        ])),
        ("reason", _) => null_first(&[
            "because",
            "",
            " ",
            &"r".repeat(3000),
            "a\u{7}b",
            "a\u{202E}b",
        ]),
        ("content", _) => with_null(texts(&[
            "hello",
            "",
            " \n ",
            &"m".repeat(5000),
            "a\u{7}b",
            "a\u{202E}b",
        ])),
        ("term", _) => with_null(texts(&["spam", "", " ", "!", &"t".repeat(3000)])),
        ("kind", _) if operation == "send_reaction" => with_null(texts(&["like", "x", ""])),
        ("kind", _) => with_null(texts(&["mute", "ban", "x", ""])),
        ("mode", _) => with_null(texts(&["viewers", "hosts", "verified", "nobody", "x", ""])),
        ("page_size", _) => with_null(texts(&["10", "0", "-1", "100", "101", "2147483647"])),
        ("skip", _) => with_null(texts(&["0", "-1", "2147483647"])),
        ("before_seq" | "after_seq" | "before_id", _) => {
            null_first(&["1", "0", "-1", "9223372036854775807"])
        }
        ("seq" | "canary_no", _) => with_null(texts(&["1", "0", "-1", "9223372036854775807"])),
        ("after", "bigint") => null_first(&["1", "0", "-1"]),
        ("after", _) => null_first(&[NOBODY]),
        ("epoch", _) => null_first(&["x", ""]),
        ("duration_s", _) => null_first(&["60", "0", "-1", "2147483647"]),
        ("interval_ms", _) => with_null(texts(&["1000", "0", "-1", "2147483647"])),
        ("lag_ms", _) => null_first(&["5", "-1"]),
        ("reconnect_window_s", _) => null_first(&["0", "1800", "1801", "-1"]),
        ("foreground", _) => null_first(&["true", "false"]),
        ("token_expires_at", _) => null_first(&["2000-01-01", "infinity", "-infinity"]),
        ("token", _) => with_null(texts(&["007x", "", "006x", &"t".repeat(5000)])),
        ("account", _) => null_first(&["1", "", &"a".repeat(300)]),
        ("items", _) => {
            let mut values = texts(&["[]", "{}", "5", "[null, 5, {\"session_id\": 7}]"]);
            values.push(quoted(&format!("[{}]", vec!["{}"; 1001].join(","))));
            values.extend(of_one_item());
            with_null(values)
        }
        ("update", _) => with_null(texts(&[
            "{\"bid\": 5}",
            "{}",
            "[]",
            "\"text\"",
            "{\"text\": \"\\u0000\"}",
            "{\"text\": \"\\ud800\"}",
            "{\"n\": 1e200000}",
            &format!("{{\"text\": \"{}\"}}", "u".repeat(9000)),
        ])),
        ("notice", _) => with_null(texts(&[
            "{\"noticeId\": \"n\", \"productId\": 1, \"eventType\": 103, \"payload\": {\"channelName\": \"$live\", \"ts\": 1, \"uid\": 1, \"clientSeq\": 1}}",
            "{}",
            "[]",
            "5",
            "{\"noticeId\": 5, \"productId\": 1, \"eventType\": 103, \"payload\": {}}",
            "{\"noticeId\": \"\\u0000\", \"productId\": 1, \"eventType\": 103, \"payload\": {}}",
            "{\"noticeId\": \"\\\\u0000\", \"productId\": 1, \"eventType\": 999}",
            "{\"noticeId\": \"n\", \"productId\": 1, \"eventType\": 999, \"x\": {\"y\": [\"\\u0000\"]}}",
            "{\"noticeId\": \"n\", \"productId\": 1, \"eventType\": 999, \"x\": {\"y\": [\"\\ud800\"]}}",
            "{\"noticeId\": \"n\", \"productId\": 1, \"eventType\": 1e9, \"payload\": 5}",
        ])),
        _ => panic!("no values for argument {name} {type_name} of {operation}"),
    }
}

fn is_about_another(operation: &str) -> bool {
    matches!(
        operation,
        "ban_user" | "mute_user" | "lift_restriction" | "delete_user_messages"
    )
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
