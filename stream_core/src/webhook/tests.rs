//! Notices are read within their bounds, and the order of their arrival makes no difference.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::host::{Heartbeats, Loss, Step, Stream, Verdict, judge, step};
use super::*;
use crate::lifecycle::StreamState;
use property_seed::config;

const ID: &str = "2000001428:4330:107";

fn notice(event_type: i64, payload: Value) -> Value {
    json!({
        "noticeId": ID, "productId": 1, "eventType": event_type, "notifyMs": 1_611_566_412_672_i64,
        "sid": "0123456789ABCDEF", "payload": payload,
    })
}

fn user_payload() -> Value {
    json!({
        "channelName": "room-1", "uid": 12, "ts": 1_560_396_834, "clientSeq": 1_625_051_030_746_i64,
        "reason": 1, "duration": 600, "platform": 1, "clientType": 3, "account": "seller",
    })
}

fn parse(notice: &Value) -> Result<Notice, NoticeError> {
    Notice::parse(notice.to_string().as_bytes())
}

fn user_change(notice: &Value) -> UserChange {
    match parse(notice).expect("a notice").event {
        Event::Change {
            change: Change::User(user),
            ..
        } => user,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_known_event_is_what_agora_says_it_is() {
    let left = UserKind::Left(Cause::Deliberate);
    for (event_type, kind) in [
        (103, UserKind::Sends),
        (104, left),
        (105, UserKind::Watches),
        (106, left),
        (107, UserKind::Sends),
        (108, left),
        (111, UserKind::Sends),
        (112, UserKind::Watches),
    ] {
        let change = user_change(&notice(event_type, user_payload()));
        let expected = UserChange {
            uid: 12,
            client_seq: 1_625_051_030_746,
            ts: 1_560_396_834,
            kind,
            reason: Some(1),
            duration_s: Some(600),
            platform: Some(1),
            client_type: Some(3),
        };
        assert_eq!(change, expected, "{event_type}");
    }
    for (event_type, is_created) in [(101, true), (102, false)] {
        let payload = json!({"channelName": "room-1", "ts": 5, "lastUid": 1});
        let expected = Event::Change {
            channel: "room-1".to_owned(),
            change: Change::Channel { is_created, ts: 5 },
        };
        let parsed = parse(&notice(event_type, payload)).expect("a notice");
        assert_eq!(parsed.event, expected);
    }
}

#[test]
fn unknown_events_and_other_products_are_unknown_whatever_they_carry() {
    for event_type in [0, 1, 10, 100, 109, 110, 113, 9999] {
        for payload in [
            json!({}),
            json!(null),
            json!([1]),
            json!({"channelName": 7}),
        ] {
            let parsed = parse(&notice(event_type, payload)).expect("a notice");
            assert_eq!(parsed.event, Event::Unknown, "{event_type}");
        }
    }
    let mut recording = notice(103, json!("anything"));
    recording["productId"] = json!(3);
    assert_eq!(parse(&recording).expect("a notice").event, Event::Unknown);
}

#[test]
fn the_consoles_test_is_recognised_for_every_event() {
    for event_type in [101, 102, 103, 104, 105, 106, 107, 108, 111, 112] {
        for payload in [
            json!({"channelName": "test_webhook", "uid": 12_121_212, "ts": 1, "clientSeq": 1}),
            json!({"channelName": "test_webhook", "uid": "12121212"}),
        ] {
            let parsed = parse(&notice(event_type, payload)).expect("a notice");
            assert_eq!(parsed.event, Event::Test);
        }
    }
}

#[test]
fn a_missing_or_malformed_field_is_named_and_nothing_of_it_repeated() {
    let beyond_bigint = json!(9_223_372_036_854_775_808_u64);
    for (field, bad) in [
        ("channelName", json!("")),
        ("channelName", json!("a".repeat(65))),
        ("channelName", json!("a\u{0}b")),
        ("channelName", json!("caf\u{e9}")),
        ("channelName", json!(7)),
        ("uid", json!(-1)),
        ("uid", json!(4_294_967_296_i64)),
        ("uid", json!("12")),
        ("uid", json!(1.5)),
        ("clientSeq", beyond_bigint),
        ("clientSeq", json!(-1)),
        ("clientSeq", json!(1e300)),
        ("ts", json!(253_402_300_800_i64)),
        ("ts", json!("now")),
        ("reason", json!(2_147_483_648_i64)),
        ("reason", json!("1")),
        ("duration", json!(-1)),
        ("platform", json!({})),
        ("clientType", json!([])),
    ] {
        let mut payload = user_payload();
        payload[field] = bad;
        let refused = parse(&notice(104, payload));
        assert_eq!(refused, Err(NoticeError::Field(field)));
    }
    for field in ["channelName", "uid", "clientSeq", "ts"] {
        let mut payload = user_payload();
        payload.as_object_mut().expect("an object").remove(field);
        let refused = parse(&notice(104, payload));
        assert_eq!(refused, Err(NoticeError::Field(field)));
    }
    for (field, bad) in [
        ("noticeId", json!(null)),
        ("noticeId", json!("")),
        ("noticeId", json!("a".repeat(65))),
        ("noticeId", json!("a\nb")),
        ("productId", json!("1")),
        ("eventType", json!(null)),
        ("eventType", json!(2_147_483_648_i64)),
        ("notifyMs", json!("soon")),
        ("payload", json!([])),
    ] {
        let mut bad_notice = notice(104, user_payload());
        bad_notice[field] = bad;
        assert_eq!(parse(&bad_notice), Err(NoticeError::Field(field)));
    }
}

#[test]
fn what_is_no_object_or_too_long_is_no_notice() {
    for body in [&b""[..], b"[]", b"null", b"{", b"\xff", b"{} {}"] {
        assert_eq!(Notice::parse(body), Err(NoticeError::NotAnObject));
    }
    let deep = "[".repeat(MAX_NOTICE_BYTES);
    assert_eq!(
        Notice::parse(deep.as_bytes()),
        Err(NoticeError::NotAnObject)
    );
    let mut text = notice(104, user_payload()).to_string();
    text.push_str(&" ".repeat(MAX_NOTICE_BYTES - text.len()));
    assert!(Notice::parse(text.as_bytes()).is_ok());
    text.push(' ');
    assert_eq!(Notice::parse(text.as_bytes()), Err(NoticeError::TooLarge));
}

const REASONS: [Option<i32>; 14] = [
    None,
    Some(0),
    Some(1),
    Some(2),
    Some(3),
    Some(4),
    Some(5),
    Some(7),
    Some(9),
    Some(10),
    Some(12),
    Some(99),
    Some(100),
    Some(999),
];

fn user_kinds() -> impl Strategy<Value = UserKind> {
    prop_oneof![
        Just(UserKind::Sends),
        Just(UserKind::Watches),
        proptest::sample::select(&REASONS[..])
            .prop_map(|reason| UserKind::Left(Cause::from_reason(reason))),
    ]
}

#[test]
fn only_an_intent_or_an_act_counts_more_than_a_fresh_heartbeat() {
    use Heartbeats::{Fresh, Missing};
    let lost = Verdict::Gone(Loss::Lost);
    let token = Verdict::Gone(Loss::Token);
    for (kind, fresh, missing) in [
        (UserKind::Sends, Verdict::Present, Verdict::Present),
        (UserKind::Watches, lost, lost),
        (UserKind::Left(Cause::Deliberate), lost, lost),
        (UserKind::Left(Cause::Kicked), lost, lost),
        (UserKind::Left(Cause::Token), token, token),
        (UserKind::Left(Cause::Reconnecting), Verdict::Waiting, lost),
        (UserKind::Left(Cause::Other), Verdict::Waiting, lost),
    ] {
        assert_eq!(judge(kind, Fresh), fresh, "{kind:?}");
        assert_eq!(judge(kind, Missing), missing, "{kind:?}");
    }
}

#[test]
fn each_state_takes_each_verdict_as_the_table_says() {
    use StreamState::{Active, Ended, Error, Initializing, Paused};
    let stream = |state, loss, before_error, may_return| Stream {
        state,
        loss,
        before_error,
        may_return,
    };
    let lost = Some(Loss::Lost);
    let token = Some(Loss::Token);
    // Present, waiting, gone as lost, gone because of the token.
    let nothing = [Step::Note; 4];
    let restate = |loss| Step::Restate(loss);
    for (stream, expected) in [
        (stream(Initializing, None, None, false), nothing),
        (
            stream(Active, None, None, false),
            [
                Step::See,
                Step::Wait,
                Step::Lose(Loss::Lost),
                Step::Lose(Loss::Token),
            ],
        ),
        (stream(Paused, None, None, false), nothing),
        (stream(Ended, None, None, false), nothing),
        (
            stream(Error, lost, Some(Active), true),
            [Step::Return, Step::Return, Step::Note, restate(Loss::Token)],
        ),
        (
            stream(Error, token, Some(Active), true),
            [Step::Return, Step::Return, restate(Loss::Lost), Step::Note],
        ),
        (stream(Error, lost, Some(Active), false), nothing),
        (stream(Error, token, Some(Active), false), nothing),
        (stream(Error, lost, Some(Initializing), true), nothing),
        (stream(Error, lost, Some(Paused), true), nothing),
        (stream(Error, None, Some(Active), true), nothing),
    ] {
        let verdicts = [
            Verdict::Present,
            Verdict::Waiting,
            Verdict::Gone(Loss::Lost),
            Verdict::Gone(Loss::Token),
        ];
        assert_eq!(
            verdicts.map(|verdict| step(stream, verdict)),
            expected,
            "{stream:?}"
        );
    }
}

fn streams() -> impl Strategy<Value = Stream> {
    use StreamState::{Active, Error, Initializing, Paused};
    let of = |state, loss, before_error| Stream {
        state,
        loss,
        before_error,
        may_return: true,
    };
    proptest::sample::select(vec![
        of(Initializing, None, None),
        of(Active, None, None),
        of(Paused, None, None),
        of(Error, Some(Loss::Lost), Some(Active)),
        of(Error, Some(Loss::Token), Some(Active)),
        of(Error, Some(Loss::Lost), Some(Initializing)),
        of(Error, None, Some(Active)),
    ])
}

/// The stream after the events of its host have arrived in this order; each has its number.
fn play(mut stream: Stream, heartbeats: Heartbeats, arrivals: &[(i64, UserKind)]) -> Stream {
    let mut newest = i64::MIN;
    for (client_seq, kind) in arrivals {
        let change = UserChange {
            uid: 1,
            client_seq: *client_seq,
            ts: 0,
            kind: *kind,
            reason: None,
            duration_s: None,
            platform: None,
            client_type: None,
        };
        if change.ignored().is_some() || *client_seq <= newest {
            continue;
        }
        newest = *client_seq;
        let (state, loss, before_error) = match step(stream, judge(*kind, heartbeats)) {
            Step::Note | Step::See | Step::Wait => continue,
            Step::Return => (StreamState::Active, None, None),
            Step::Lose(loss) | Step::Restate(loss) => {
                (StreamState::Error, Some(loss), Some(StreamState::Active))
            }
        };
        stream = Stream {
            state,
            loss,
            before_error,
            ..stream
        };
    }
    stream
}

proptest! {
    #![proptest_config(config(1024))]

    /// Feature: streaming-realtime-fixes, Property 14: For any stream session lifecycle event
    /// (start, pause, resume, end, timeout), the Stream_Service should initialize/cleanup
    /// resources appropriately, maintain session state correctly, notify participants of changes,
    /// and handle session timeouts automatically
    #[test]
    fn events_of_a_host_in_any_order_and_number_end_in_the_same_state(
        stream in streams(),
        is_fresh in any::<bool>(),
        (in_order, arrivals) in proptest::collection::vec(user_kinds(), 1..8).prop_flat_map(|kinds| {
            let in_order: Vec<_> = (1..).zip(kinds).collect();
            let arrivals = [in_order.clone(), in_order.clone()].concat();
            (Just(in_order), Just(arrivals).prop_shuffle())
        }),
    ) {
        let heartbeats = if is_fresh { Heartbeats::Fresh } else { Heartbeats::Missing };
        prop_assert_eq!(play(stream, heartbeats, &arrivals), play(stream, heartbeats, &in_order));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Notice::parse(&body);
    }

    #[test]
    fn what_was_understood_is_understood_again(
        event_type in prop_oneof![Just(101), Just(102), 103..=108_i64, Just(111), Just(112), Just(7)],
        uid in any::<u32>(),
        client_seq in 0..=i64::MAX,
        ts in 0..=253_402_300_799_i64,
        reason in proptest::option::of(0..=i32::MAX),
        platform in proptest::option::of(0..9_i32),
        channel in "[ -~]{1,64}",
    ) {
        let payload = json!({
            "channelName": channel, "uid": uid, "clientSeq": client_seq, "ts": ts, "reason": reason,
            "platform": platform, "extra": {"deep": [1]},
        });
        let first = parse(&notice(event_type, payload)).expect("in bounds");
        prop_assert_eq!(parse(&first.to_json()), Ok(first));
    }
}
