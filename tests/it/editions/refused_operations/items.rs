//! Items of batches, each wrong in its own way, or odd and right: the statuses of all of them are compared.

use stream_tests::demo;

/// The texts of other values of a field.
const FIELDS: &[(&str, &[&str])] = &[
    (
        "session_id",
        &[
            "null",
            "5",
            "\"x\"",
            "\"\"",
            "[]",
            "\"$ended\"",
            "\"$new\"",
            "\" $live\"",
            "\"{$live}\"",
            "\"{$live\"",
            "\"urn:uuid:$live\"",
            "\"\\u0000\"",
        ],
    ),
    (
        "user_id",
        &[
            "null",
            "5",
            "\"\"",
            "{}",
            "\"00000000000040008000000000000001\"",
            "\"00000000-0000-4000-8000-000000000003\"",
            "\"00000000-0000-4000-8000-000000000004\"",
            "\"00000000-0000-4000-a000-000000000000\"",
        ],
    ),
    (
        "content",
        &[
            "null",
            "5",
            "\"\"",
            "\" \\n\\t\"",
            "[]",
            "\"\\u0000\"",
            "\"\\u0000\\u0000\"",
            "\"a\\\\u0000\"",
            "\"\\ud800\"",
            "\"\\ud83d\\ude00\"",
            "\"a\\u202eb\"",
            "\"a\\u0007b\"",
            "\"\\u0020x\"",
        ],
    ),
    (
        "id",
        &[
            "null",
            "5",
            "\"\"",
            "\"x\"",
            "\"00000000-0000-4000-9000-000000000001\"",
        ],
    ),
    (
        "claims",
        &[
            "null",
            "5",
            "[]",
            "{}",
            "\"x\"",
            "{\"role\": \"authenticated\"}",
            "{\"sub\": \"$seller\"}",
            "{\"sub\": \"$seller\", \"role\": \"authenticated\"}",
            "{\"sub\": \"$seller\", \"role\": \"service_role\"}",
            "{\"sub\": \"$seller\", \"role\": 5}",
            "{\"sub\": \"$seller\", \"role\": null}",
            "{\"sub\": \"00000000-0000-4000-8000-000000000003\", \"role\": \"authenticated\"}",
            "{\"sub\": \"$seller\", \"role\": \"authenticated\", \"role\": \"authenticated\"}",
            "{\"sub\": \"$seller\", \"sub\": \"$seller\", \"role\": \"authenticated\"}",
            "{\"sub\": \"$seller\", \"role\": \"authenticated\", \"is_anonymous\": true}",
            "{\"sub\": \"$seller\", \"role\": \"authenticated\", \"is_anonymous\": null}",
            "{\"sub\": \"$seller\", \"role\": \"authenticated\", \"is_anonymous\": \"true\"}",
            "{\"sub\": \"\\u0000\", \"role\": \"authenticated\"}",
            "{\"sub\": \"$seller\", \"role\": \"\\u0000\"}",
            "{\"sub\": \"$seller\", \"role\": \"authenticated\", \"x\": \"\\u0000\"}",
            "{\"sub\": \"$seller\", \"role\": \"authenticated\", \"x\": \"\\ud800\"}",
            "{\"sub\": \"$seller\", \"role\": \"authenticated\", \"x\": 1e999}",
        ],
    ),
    ("foreground", &["null", "true", "false", "\"true\"", "1"]),
    (
        "generation",
        &[
            "null",
            "1",
            "2",
            "0",
            "-1",
            "-0",
            "1.0",
            "1e0",
            "\"1\"",
            "2147483647",
            "2147483648",
            "99999999999999999999",
            "true",
        ],
    ),
    (
        "join_no",
        &[
            "null",
            "1",
            "0",
            "-1",
            "-0",
            "1.5",
            "\"1\"",
            "-2147483648",
            "-2147483649",
            "[1]",
        ],
    ),
    (
        "token_expires_at",
        &[
            "null",
            "5",
            "\"\"",
            "\"x\"",
            "\"2030-01-01\"",
            "\"2030-02-30\"",
            "\"2030-01-01T00:00:00Z\"",
            "\"2030-01-01 00:00:00.1234567+02\"",
            "\"infinity\"",
            "\"-infinity\"",
            "\"epoch\"",
            "\"999999-01-01\"",
            "\"2030-01-01\\u0000\"",
            "\"20300101\"",
            "\" 2030-01-01 \"",
        ],
    ),
    (
        "unknown",
        &[
            "null",
            "1e999",
            "\"\\u0000\"",
            "\"\\ud800\"",
            "{\"\\u0000\": 1}",
            "[[[]]]",
        ],
    ),
];

/// Whole items.
const ITEMS: &[&str] = &[
    "null",
    "5",
    "\"x\"",
    "[]",
    "{}",
    "true",
    "[[]]",
    "[\"$live\", \"$seller\", \"hi\", null, null]",
    "[\"$live\", \"$seller\", true, null, null, null, null]",
    "{\"session_id\": \"$live\", \"session_id\": \"$live\", \"user_id\": \"$seller\", \"content\": \"hi\"}",
    "{\"session_id\": \"$live\", \"user_id\": \"$seller\", \"user_id\": \"$seller\", \"content\": \"hi\"}",
    "{\"session_id\": \"$live\", \"user_id\": \"$seller\", \"content\": \"hi\", \"content\": \"hi\"}",
    "{\"session_id\": \"$live\", \"user_id\": \"$seller\", \"content\": \"hi\", \"foreground\": true, \"foreground\": true}",
    "{\"session_id\": \"$live\", \"user_id\": \"$seller\", \"content\": \"hi\", \"generation\": 1, \"generation\": 1}",
    "{\"session_id\": \"$live\", \"user_id\": \"$seller\", \"content\": \"hi\", \"claims\": null, \"claims\": null}",
    "{\"session_id\": \"$live\", \"user_id\": \"$seller\", \"content\": \"hi\", \"x\": 1, \"x\": 2}",
    "{\"session_id\": \"$live\", \"user_id\": \"$seller\", \"content\": \"hi\", \"\\u0063ontent\": \"hi\"}",
    "{\"session\\u005fid\": \"$live\", \"user_id\": \"$seller\", \"content\": \"hi\"}",
];

/// Calls of one item each, whose statuses are told.
pub fn of_one_item() -> Vec<String> {
    let right = [
        ("session_id", "\"$live\""),
        ("user_id", "\"$seller\""),
        ("content", "\"hi\""),
    ];
    let varied = FIELDS.iter().flat_map(|(name, values)| {
        values.iter().map(move |value| {
            let others = right.iter().filter(|(other, _)| other != name);
            let mut fields: Vec<String> = others
                .map(|(other, value)| format!("\"{other}\": {value}"))
                .collect();
            fields.push(format!("\"{name}\": {value}"));
            format!("{{{}}}", fields.join(", "))
        })
    });
    varied
        .chain(ITEMS.iter().map(|item| (*item).to_owned()))
        .map(|item| {
            let item = item.replace("$seller", &demo::SELLER.to_string());
            format!("'[{}]'", item.replace('\'', "''"))
        })
        .collect()
}
