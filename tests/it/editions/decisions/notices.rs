//! Notices of Agora are read in SQL as by stream_core.

use anyhow::{Context, Result};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use stream_core::webhook::{Change, Event, Notice, UserKind};
use stream_tests::database::TestDatabase;
use xtask::edition::Edition;

use super::drawn;

/// A number as a sender might write it, most often one that is admitted.
fn number(usual: impl Strategy<Value = i64> + 'static) -> BoxedStrategy<String> {
    let odd = prop_oneof![
        Just("-1"),
        Just("-0"),
        Just("1.0"),
        Just("1e3"),
        Just("null"),
        Just("true"),
        Just("\"1\""),
        Just("2147483647"),
        Just("2147483648"),
        Just("4294967295"),
        Just("4294967296"),
        Just("253402300799"),
        Just("253402300800"),
        Just("9223372036854775807"),
        Just("9223372036854775808"),
        Just("99999999999999999999"),
    ];
    prop_oneof![
        12 => usual.prop_map(|number| number.to_string()),
        1 => odd.prop_map(str::to_owned),
    ]
    .boxed()
}

/// A text as a sender might write it, in JSON.
fn text(usual: &'static [&'static str]) -> BoxedStrategy<String> {
    let odd = prop_oneof![
        Just(r#""""#.to_owned()),
        Just(r#""a\u0000b""#.to_owned()),
        Just(r#""\ud83d""#.to_owned()),
        Just(r#""caf\u00e9""#.to_owned()),
        Just(r#""tilde~ space""#.to_owned()),
        Just(r#""\u007f""#.to_owned()),
        Just("7".to_owned()),
        Just("null".to_owned()),
        (63_usize..=65).prop_map(|length| format!("\"{}\"", "x".repeat(length))),
    ];
    prop_oneof![
        12 => prop::sample::select(usual).prop_map(|text| format!("\"{text}\"")),
        1 => odd,
    ]
    .boxed()
}

/// The text of a notice; seldom is a member missing, or there twice.
fn notices() -> impl Strategy<Value = String> {
    const TYPES: &[i64] = &[101, 102, 103, 104, 105, 106, 107, 108, 109, 111, 112, 999];
    let small = |numbers: &'static [i64]| number(prop::sample::select(numbers));
    let of_payload = (
        text(&["channel", "channel", "test_webhook", "x"]),
        number(0_i64..2_000_000_000),
        number(0_i64..5_000_000),
        number(0_i64..1_000),
        small(&[0, 1, 2, 3, 4, 5, 9, 10, 12, 99, 999]),
        number(0_i64..90_000),
        small(&[1, 6, 6, 7]),
        small(&[3, 8, 10]),
    );
    let of_notice = (
        small(&[1, 1, 1, 2]),
        small(TYPES),
        text(&["n1", "2000_1_1"]),
        number(0_i64..2_000_000_000_000),
    );
    let odd = prop_oneof![8 => Just(None), 1 => prop::sample::select(&["payload", "doubled", "array", "broken"][..]).prop_map(Some)];
    let left_out = prop::collection::vec(0_usize..40, 0..3);
    (of_notice, of_payload, odd, left_out).prop_map(|(notice, payload, odd, left_out)| {
        let mut place = 0;
        let mut members = |members: &[(&str, &str)]| {
            let mut texts = Vec::new();
            for (name, value) in members {
                if !left_out.contains(&place) {
                    texts.push(format!("\"{name}\": {value}"));
                }
                place += 1;
            }
            texts.join(", ")
        };
        let payload = members(&[
            ("channelName", &payload.0),
            ("ts", &payload.1),
            ("uid", &payload.2),
            ("clientSeq", &payload.3),
            ("reason", &payload.4),
            ("duration", &payload.5),
            ("platform", &payload.6),
            ("clientType", &payload.7),
        ]);
        let notice = members(&[
            ("productId", &notice.0),
            ("eventType", &notice.1),
            ("noticeId", &notice.2),
            ("notifyMs", &notice.3),
        ]);
        match odd {
            None => format!("{{{notice}, \"payload\": {{{payload}}}}}"),
            Some("payload") => format!("{{{notice}, \"payload\": [{payload:?}]}}"),
            Some("doubled") => format!(
                "{{{notice}, \"payload\": 5, \"payload\": {{{payload}}}, \"eventType\": 105}}"
            ),
            Some("array") => format!("[{{{notice}}}]"),
            Some(_) => format!("{{{notice}, \"payload\": {{{payload}}}"),
        }
    })
}

fn kind(change: Option<&Change>, event: &Event) -> &'static str {
    match (event, change) {
        (Event::Test, _) => "test",
        (_, Some(Change::Channel { .. })) => "channel",
        (_, Some(Change::User(user))) => kind_of_user(user.kind),
        _ => "unknown",
    }
}

pub fn kind_of_user(kind: UserKind) -> &'static str {
    match kind {
        UserKind::Sends => "sends",
        UserKind::Watches => "watches",
        UserKind::Left(_) => "left",
    }
}

/// The fields of a notice as `stream_ext.webhook_parse` returns them, without those that are null.
fn of_sql(notice: &Notice) -> Value {
    let (channel, change) = match &notice.event {
        Event::Change { channel, change } => (Some(channel), Some(change)),
        Event::Test | Event::Unknown => (None, None),
    };
    let user = match change {
        Some(Change::User(user)) => Some(user),
        _ => None,
    };
    let ts = change.map(|change| match change {
        Change::Channel { ts, .. } => *ts,
        Change::User(user) => user.ts,
    });
    let all = json!({
        "notice_id": notice.id, "product_id": notice.product_id, "event_type": notice.event_type,
        "kind": kind(change, &notice.event), "channel": channel, "ts": ts, "uid": user.map(|user| user.uid),
        "client_seq": user.map(|user| user.client_seq), "reason": user.and_then(|user| user.reason),
        "duration_s": user.and_then(|user| user.duration_s), "platform": user.and_then(|user| user.platform),
        "client_type": user.and_then(|user| user.client_type),
    });
    let given = all.as_object().into_iter().flatten();
    let given = given.filter(|(_, value)| !value.is_null());
    Value::Object(
        given
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect::<Map<_, _>>(),
    )
}

#[tokio::test]
async fn notices_are_read_as_by_stream_core() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Sql).await?;
    let (mut read, mut refused) = (0, 0);
    let large = format!("{{\"noticeId\": \"{}\"}}", "x".repeat(16 * 1024));
    for text in drawn(notices()).into_iter().chain([large]) {
        let answer = database
            .owner
            .query_one(
                "select jsonb_strip_nulls(to_jsonb(p)) from stream_ext.webhook_parse($1) as p",
                &[&text],
            )
            .await;
        match (answer, Notice::parse(text.as_bytes())) {
            (Ok(row), Ok(notice)) => {
                assert_eq!(row.get::<_, Value>(0), of_sql(&notice), "{text}");
                read += 1;
            }
            (Err(error), Err(wanted)) => {
                let error = error.as_db_error().context("is of the database")?;
                assert_eq!(error.hint(), Some(wanted.to_string().as_str()), "{text}");
                refused += 1;
            }
            (answer, wanted) => panic!("{text}: {answer:?} instead of {wanted:?}"),
        }
    }
    assert!(read > 60 && refused > 60, "{read} read, {refused} refused");
    Ok(())
}
