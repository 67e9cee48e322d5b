//! Each route calls its function with the arguments of the request and answers in camelCase.

use axum::body::Body;
use axum::http::Request;
use edge_api::ids::{AuctionId, MessageId, SessionId, UserId};
use edge_api::upstream::Call;
use edge_api::upstream::functions::{self, Page};
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;

use crate::database::RecordingDatabase;
use crate::requests::{Answer, SESSION, USER, ask, send, service};

const AUCTION: &str = "00000000-0000-4000-8000-0000000000a1";
pub const MESSAGE: &str = "00000000-0000-4000-8000-0000000000c1";

const SYNC_ROW: &str = r#"{"session_id":"00000000-0000-4000-8000-0000000000b1","state":"active",
    "role":"viewer","generation":1,"host_uid":1,"viewer_count":2,"epoch":"e1","head_seq":9,
    "oldest_seq":1,"recovered":true,"has_more":false,"server_time":"2026-11-22T15:48:00+00:00",
    "read":[[1,6],[8,8]],"unread_count":2,"cooldown_ms":1500,"chat_mode":"viewers",
    "slow_mode_ms":5000,"pinned_seq":1,
    "pinned":{"id":"00000000-0000-4000-8000-0000000000c1","seq":1,"user_id":null,"username":null,
        "content":"","message_type":"user_message","created_at":"2026-11-22T15:48:00+00:00",
        "metadata":{},"deleted_at":"2026-11-22T15:49:00+00:00"},
    "restrictions":[{"kind":"mute","until":null,"reason":"spam"}],
    "messages":[{"id":"00000000-0000-4000-8000-0000000000c1","seq":8,"user_id":null,
        "username":null,"content":"stream paused","message_type":"system_message",
        "created_at":"2026-11-22T15:48:00+00:00","metadata":{"kind":"state_changed"}},
        {"seq":9,"hidden":true}]}"#;

const LEASE_ROW: &str = r#"{"session_id":"00000000-0000-4000-8000-0000000000b1",
    "user_id":"00000000-0000-4000-8000-000000000002","agora_uid":1000001,"join_no":2,
    "joined_at":"2026-11-22T15:48:00+00:00"}"#;

pub const SESSION_ROW: &str = r#"{"id":"00000000-0000-4000-8000-0000000000b1",
    "seller_id":"00000000-0000-4000-8000-000000000002",
    "auction_id":"00000000-0000-4000-8000-0000000000a1",
    "channel_id":"s_b1","state":"initializing","state_reason":null,"generation":1,"host_uid":1,
    "viewer_count":0,"peak_viewer_count":3,"created_at":"2026-11-22T15:48:00.123456+00:00",
    "started_at":null,"ended_at":null,"state_changed_at":"2026-11-22T15:48:00.123456+00:00",
    "reconnect_deadline":"2026-11-22T15:49:00.123456+00:00",
    "chat_mode":"viewers","slow_mode_ms":3000,"pinned_seq":5000000000,
    "metadata":{"snake_case":1, "big":123456789012345678901234567890, "b":2, "a":1.50}}"#;

pub const MESSAGE_ROW: &str = r#"{"id":"00000000-0000-4000-8000-0000000000c1",
    "session_id":"00000000-0000-4000-8000-0000000000b1","seq":7,
    "user_id":"00000000-0000-4000-8000-000000000002","username":"ada","content":"hi",
    "message_type":"user_message","created_at":"2026-11-22T15:48:00+00:00",
    "updated_at":"2026-11-22T15:48:00+00:00","metadata":{},"deleted_at":null}"#;

pub const TOKEN_ROW: &str = r#"{"token":"007eJx","channel_id":"s_b1","uid":1000001,
    "expires_at":"2026-11-22T16:48:00+00:00",
    "privileges":{"can_publish":false,"can_subscribe":true,"can_admin":false}}"#;

pub fn session() -> SessionId {
    SessionId::parse(SESSION).expect("a uuid")
}

pub fn user() -> UserId {
    UserId::parse(USER).expect("a uuid")
}

pub async fn calls(json: &str, route: (&str, &str), body: Option<Value>, expected: Call) -> Answer {
    let body = body.map(|body| body.to_string());
    let (answer, database) = ask(json, route.0, route.1, body.as_deref()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(database.only_call().1, expected);
    answer
}

#[tokio::test]
async fn a_stream_is_started_for_an_auction() {
    let auction = AuctionId::parse(AUCTION).expect("a uuid");
    let route = ("POST", "/v1/streams");
    let answer = calls(
        SESSION_ROW,
        route,
        Some(json!({"auctionId": AUCTION})),
        functions::start_stream(auction, None, None),
    )
    .await;
    let session = answer.json();
    assert_eq!(session["sellerId"], USER);
    assert_eq!(session["peakViewerCount"], 3);
    assert_eq!(session["chatMode"], "viewers");
    assert_eq!(session["slowModeMs"], 3000);
    assert_eq!(session["pinnedSeq"], 5_000_000_000_i64);
    assert_eq!(
        session["stateChangedAt"],
        "2026-11-22T15:48:00.123456+00:00"
    );
    assert_eq!(session["startedAt"], Value::Null);
    assert_eq!(
        session["reconnectDeadline"],
        "2026-11-22T15:49:00.123456+00:00"
    );

    calls(
        SESSION_ROW,
        route,
        Some(json!({"auctionId": AUCTION, "sellerId": USER, "reconnectWindowS": 30})),
        functions::start_stream(auction, Some(user()), Some(30)),
    )
    .await;
}

#[tokio::test]
async fn metadata_passes_byte_for_byte() {
    let path = format!("/v1/streams/{SESSION}");
    let expected = functions::get_session(session());
    let answer = calls(SESSION_ROW, ("GET", &path), None, expected).await;
    let metadata =
        r#""metadata":{"snake_case":1, "big":123456789012345678901234567890, "b":2, "a":1.50}"#;
    assert!(answer.body.contains(metadata), "{}", answer.body);
}

#[tokio::test]
async fn the_state_of_a_stream_is_read_and_changed() {
    let path = format!("/v1/streams/{SESSION}/state");
    let expected = functions::get_stream_state(session());
    let answer = calls(r#""paused""#, ("GET", &path), None, expected).await;
    assert_eq!(answer.json(), json!({"state": "paused"}));

    calls(
        SESSION_ROW,
        ("PATCH", &path),
        Some(json!({"state": "active", "reason": "back", "generation": 2})),
        functions::update_stream_state(
            session(),
            StreamState::Active,
            Some("back".to_owned()),
            Some(2),
        ),
    )
    .await;
}

#[tokio::test]
async fn a_stream_is_paused_resumed_and_ended_with_or_without_a_body() {
    type Function = fn(SessionId, Option<i32>, Option<String>) -> Call;
    let motions: [(&str, Function); 3] = [
        ("pause", functions::pause_stream),
        ("resume", functions::resume_stream),
        ("end", functions::end_stream),
    ];
    for (motion, function) in motions {
        let path = format!("/v1/streams/{SESSION}/{motion}");
        let bare = function(session(), None, None);
        calls(SESSION_ROW, ("POST", &path), None, bare).await;
        calls(
            SESSION_ROW,
            ("POST", &path),
            Some(json!({"generation": 3, "reason": "break"})),
            function(session(), Some(3), Some("break".to_owned())),
        )
        .await;
    }
}

#[tokio::test]
async fn tokens_are_minted_and_never_stored() {
    let answer = calls(
        TOKEN_ROW,
        ("POST", "/v1/tokens/seller"),
        Some(json!({"channelId": "s_b1", "sellerId": USER, "generation": 3})),
        functions::generate_seller_token(Some(user()), "s_b1".to_owned(), Some(3)),
    )
    .await;
    assert_eq!(answer.header("cache-control"), "no-store");

    let answer = calls(
        TOKEN_ROW,
        ("POST", "/v1/tokens/buyer"),
        Some(json!({"channelId": "s_b1"})),
        functions::generate_buyer_token(None, "s_b1".to_owned()),
    )
    .await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let expected = json!({
        "token": "007eJx", "channelId": "s_b1", "uid": 1_000_001,
        "expiresAt": "2026-11-22T16:48:00+00:00",
        "privileges": {"canPublish": false, "canSubscribe": true, "canAdmin": false},
    });
    assert_eq!(answer.json(), expected);

    let answer = calls(
        TOKEN_ROW,
        ("POST", "/v1/tokens/refresh"),
        Some(json!({"channelId": "s_b1", "userId": USER, "generation": 3})),
        functions::refresh_token(Some(user()), "s_b1".to_owned(), Some(3)),
    )
    .await;
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn a_token_is_inspected() {
    let row = r#"{"version":"006","app_id":"a","channel_id":null,"account":null,"role":"subscriber",
        "privileges":[{"service":"rtc","privilege":"join","expires_at":"2026-11-22T16:48:00+00:00"}],
        "issued_at":null,"expires_at":"2026-11-22T16:48:00+00:00","is_expired":false,
        "is_signed":null,"signed_by":null}"#;
    let answer = calls(
        row,
        ("POST", "/v1/tokens/inspect"),
        Some(json!({"token": "006a", "account": "7"})),
        functions::inspect_token("006a".to_owned(), None, Some("7".to_owned())),
    )
    .await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let expected = json!({
        "version": "006", "appId": "a", "channelId": null, "account": null, "role": "subscriber",
        "privileges": [{
            "service": "rtc", "privilege": "join", "expiresAt": "2026-11-22T16:48:00+00:00",
        }],
        "issuedAt": null, "expiresAt": "2026-11-22T16:48:00+00:00", "isExpired": false,
        "isSigned": null, "signedBy": null,
    });
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn viewers_join_leave_and_are_counted() {
    let path = format!("/v1/streams/{SESSION}/viewers");
    let expected = functions::add_viewer(session(), None);
    let answer = calls(LEASE_ROW, ("POST", &path), None, expected).await;
    let expected = json!({
        "sessionId": SESSION, "userId": USER, "agoraUid": 1_000_001, "joinNo": 2,
        "joinedAt": "2026-11-22T15:48:00+00:00",
    });
    assert_eq!(answer.json(), expected);
    let body = Some(json!({"buyerId": USER}));
    calls(
        LEASE_ROW,
        ("POST", &path),
        body,
        functions::add_viewer(session(), Some(user())),
    )
    .await;

    let mine = format!("{path}/{USER}");
    let expected = functions::remove_viewer(session(), user(), None);
    let answer = calls(r#""removed""#, ("DELETE", &mine), None, expected).await;
    assert_eq!(answer.json(), json!({"result": "removed"}));
    let mine = format!("{mine}?joinNo=2");
    let expected = functions::remove_viewer(session(), user(), Some(2));
    calls(r#""superseded""#, ("DELETE", &mine), None, expected).await;

    let count = format!("{path}/count");
    let expected = functions::get_viewer_count(session());
    let answer = calls("5", ("GET", &count), None, expected).await;
    assert_eq!(answer.json(), json!({"viewerCount": 5}));
}

#[tokio::test]
async fn a_viewer_joins_in_one_call_that_no_cache_keeps() {
    let row = format!(
        r#"{{"lease":{LEASE_ROW},"token":{TOKEN_ROW},"retry_after_ms":null,"sync":{SYNC_ROW}}}"#
    );
    let path = format!("/v1/streams/{SESSION}/join");
    for body in [None, Some(json!({}))] {
        let expected = functions::join_stream(session());
        let answer = calls(&row, ("POST", &path), body, expected).await;
        assert_eq!(answer.header("cache-control"), "no-store");
        let joined = answer.json();
        assert_eq!(joined["lease"]["joinNo"], 2);
        assert_eq!(joined["token"]["privileges"]["canSubscribe"], true);
        assert_eq!(joined["sync"]["headSeq"], 9);
        assert_eq!(joined["sync"]["messages"][1]["sessionId"], SESSION);
        assert_eq!(joined["retryAfterMs"], Value::Null);
    }
}

#[tokio::test]
async fn a_join_beyond_the_rate_without_a_token_says_when_there_is_one() {
    let row =
        format!(r#"{{"lease":{LEASE_ROW},"token":null,"retry_after_ms":1500,"sync":{SYNC_ROW}}}"#);
    let path = format!("/v1/streams/{SESSION}/join");
    let answer = calls(
        &row,
        ("POST", &path),
        None,
        functions::join_stream(session()),
    )
    .await;
    let joined = answer.json();
    assert_eq!(joined["token"], Value::Null);
    assert_eq!(joined["retryAfterMs"], 1500);
    assert_eq!(joined["lease"]["joinNo"], 2);
}

#[tokio::test]
async fn the_viewers_are_listed_in_pages() {
    let rows = r#"[{"user_id":"00000000-0000-4000-8000-000000000002","agora_uid":1000001,
        "joined_at":"2026-11-22T15:48:00+00:00","last_seen_at":"2026-11-22T15:49:00+00:00",
        "foreground":true,"watch_ms":5000000000}]"#;
    let path = format!("/v1/streams/{SESSION}/viewers");
    let expected = functions::get_viewers(session(), None, 50);
    let answer = calls(rows, ("GET", &path), None, expected).await;
    let expected = json!({"viewers": [{
        "userId": USER, "agoraUid": 1_000_001, "joinedAt": "2026-11-22T15:48:00+00:00",
        "lastSeenAt": "2026-11-22T15:49:00+00:00", "foreground": true, "watchMs": 5_000_000_000_i64,
    }]});
    assert_eq!(answer.json(), expected);

    let path = format!("{path}?after={USER}&page_size=200");
    let expected = functions::get_viewers(session(), Some(user()), 200);
    let answer = calls("[]", ("GET", &path), None, expected).await;
    assert_eq!(answer.json(), json!({"viewers": []}));
}

#[tokio::test]
async fn a_message_is_sent_and_answered_with_its_place_in_the_log() {
    let answer = calls(
        MESSAGE_ROW,
        ("POST", &format!("/v1/streams/{SESSION}/messages")),
        Some(json!({"content": "hi", "id": MESSAGE})),
        functions::send_message(
            session(),
            None,
            "hi".to_owned(),
            Some(MessageId::parse(MESSAGE).expect("a uuid")),
        ),
    )
    .await;
    let expected = json!({
        "id": MESSAGE, "sessionId": SESSION, "seq": 7, "userId": USER, "username": "ada",
        "content": "hi", "timestamp": "2026-11-22T15:48:00+00:00", "messageType": "user_message",
        "metadata": {}, "deletedAt": null,
    });
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn history_is_paged_from_the_end_or_around_a_seq() {
    let rows = format!("[{MESSAGE_ROW}, \n {MESSAGE_ROW}]");
    let path = format!("/v1/streams/{SESSION}/messages");
    let newest = Page {
        page_size: 50,
        skip: 0,
        before_seq: None,
        after_seq: None,
    };
    let expected = functions::get_message_history(session(), newest);
    let answer = calls(&rows, ("GET", &path), None, expected).await;
    assert_eq!(
        answer.json()["messages"][1]["timestamp"],
        "2026-11-22T15:48:00+00:00"
    );

    let page = Page {
        page_size: 10,
        skip: 20,
        before_seq: Some(90),
        after_seq: Some(5_000_000_000),
    };
    let path = format!("{path}?page_size=10&skip=20&beforeSeq=90&afterSeq=5000000000");
    let expected = functions::get_message_history(session(), page);
    let answer = calls("[]", ("GET", &path), None, expected).await;
    assert_eq!(answer.json(), json!({"messages": []}));
}

#[tokio::test]
async fn sync_answers_state_and_messages_of_one_snapshot() {
    let path = format!("/v1/streams/{SESSION}/sync");
    let expected = functions::sync(session(), None, None);
    let answer = calls(SYNC_ROW, ("GET", &path), None, expected).await.json();
    assert_eq!(answer["headSeq"], 9);
    assert_eq!(answer["hasMore"], false);
    assert_eq!(answer["messages"][0]["sessionId"], SESSION);
    assert_eq!(answer["messages"][0]["userId"], Value::Null);
    assert_eq!(answer["messages"][0]["metadata"]["kind"], "state_changed");
    assert_eq!(answer["messages"][0].get("hidden"), None);
    assert_eq!(answer["messages"][1]["hidden"], true);
    assert_eq!(answer["read"], json!([[1, 6], [8, 8]]));
    assert_eq!(
        (&answer["unreadCount"], &answer["cooldownMs"]),
        (&json!(2), &json!(1500))
    );
    assert_eq!(
        (&answer["chatMode"], &answer["slowModeMs"]),
        (&json!("viewers"), &json!(5000))
    );
    assert_eq!(answer["pinnedSeq"], 1);
    assert_eq!(answer["pinned"]["sessionId"], SESSION);
    assert_eq!(answer["pinned"]["deletedAt"], "2026-11-22T15:49:00+00:00");
    assert_eq!(
        answer["restrictions"],
        json!([{"kind": "mute", "until": null, "reason": "spam"}])
    );

    let path = format!("{path}?afterSeq=7&epoch=e1");
    let expected = functions::sync(session(), Some(7), Some("e1".to_owned()));
    calls(SYNC_ROW, ("GET", &path), None, expected).await;
}

#[tokio::test]
async fn health_is_answered_without_a_token() {
    for path in ["/healthz", "/readyz"] {
        let database = RecordingDatabase::answering("null");
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let answer = send(service(&database), request).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.json(), json!({"status": "ok"}));
    }
}
