//! Which heartbeats reach the database, and what comes back?

use edge_api::auth::Role;
use edge_api::ids::{SessionId, UserId};
use edge_api::timestamp::Timestamp;
use edge_api::upstream::UpstreamError;
use edge_api::upstream::functions::{self, Beat};
use serde_json::{Value, json};
use stream_core::error::ErrorCode;

use crate::database::RecordingDatabase;
use crate::requests::{
    Answer, SESSION, USER, ask, request_with, send, service, service_token, user_token,
};
use crate::routes::TOKEN_ROW;

fn session() -> SessionId {
    SessionId::parse(SESSION).expect("a uuid")
}

fn result(token: &str) -> String {
    format!(
        r#"{{"status":"ok","session_id":"{SESSION}","state":"error","generation":2,"host_uid":2,
        "epoch":"e1","head_seq":5000000000,"viewer_count":3,
        "reconnect_deadline":"2026-11-22T15:49:00+00:00",
        "server_time":"2026-11-22T15:48:00+00:00","next_in_ms":15000,"token":{token}}}"#
    )
}

async fn beat(row: &str, body: Option<Value>, expected: Beat) -> Answer {
    let path = format!("/v1/streams/{SESSION}/heartbeat");
    let body = body.map(|body| body.to_string());
    let (answer, database) = ask(row, "POST", &path, body.as_deref()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
    let expected = functions::heartbeat(session(), expected);
    assert_eq!(database.only_call().1, expected);
    answer
}

#[tokio::test]
async fn a_heartbeat_is_answered_with_the_state_of_the_stream() {
    let expected = json!({
        "status": "ok", "sessionId": SESSION, "state": "error", "generation": 2, "hostUid": 2,
        "epoch": "e1", "headSeq": 5_000_000_000_i64, "viewerCount": 3,
        "reconnectDeadline": "2026-11-22T15:49:00+00:00",
        "serverTime": "2026-11-22T15:48:00+00:00", "nextInMs": 15_000, "token": null,
    });
    for body in [None, Some(json!({}))] {
        let answer = beat(&result("null"), body, Beat::default()).await;
        assert_eq!(answer.json(), expected);
    }
}

#[tokio::test]
async fn a_heartbeat_says_what_the_device_knows() {
    let body = json!({
        "lastSeq": 5_000_000_000_i64, "foreground": false, "generation": 2, "joinNo": 3,
        "userId": USER, "tokenExpiresAt": "2026-11-22T16:48:00+00:00",
    });
    let expected = Beat {
        last_seq: Some(5_000_000_000),
        foreground: Some(false),
        generation: Some(2),
        join_no: Some(3),
        user_id: UserId::parse(USER).ok(),
        token_expires_at: Timestamp::parse("2026-11-22T16:48:00Z").ok(),
    };
    let answer = beat(&result(TOKEN_ROW), Some(body), expected).await;
    assert_eq!(answer.json()["token"]["token"], "007eJx");
    assert_eq!(answer.json()["token"]["privileges"]["canPublish"], false);
}

#[tokio::test]
async fn a_malformed_heartbeat_is_refused_by_the_name_of_its_field() {
    let path = format!("/v1/streams/{SESSION}/heartbeat");
    for (body, detail) in [
        (json!({"lastSeq": "7"}), "lastSeq is malformed"),
        (json!({"foreground": 1}), "foreground is malformed"),
        (json!({"joinNo": 5_000_000_000_i64}), "joinNo is malformed"),
        (json!({"userId": "me"}), "userId is malformed"),
        (
            json!({"tokenExpiresAt": "soon"}),
            "tokenExpiresAt is malformed",
        ),
        (json!({"last_seq": 7}), "last_seq is unknown"),
    ] {
        let (answer, database) = ask("null", "POST", &path, Some(&body.to_string())).await;
        assert_eq!(answer.refusal(), (400, "invalid_argument".to_owned()));
        assert_eq!(answer.json()["detail"], detail);
        assert!(database.asked().is_empty());
    }
}

async fn beat_many(database: &RecordingDatabase, token: &str, body: &str) -> Answer {
    let request = request_with(token, "POST", "/v1/heartbeats", Some(body));
    send(service(database), request).await
}

/// A batch of the service to a database that answers nothing.
async fn batch(items: Vec<Value>) -> (Answer, RecordingDatabase) {
    let database = RecordingDatabase::answering("[]");
    let body = json!({"items": items}).to_string();
    let answer = beat_many(&database, &service_token(), &body).await;
    (answer, database)
}

#[tokio::test]
async fn the_service_beats_for_many_and_gets_an_answer_for_each() {
    let rows = r#"[{"item":1,"status":"ok"}, {"item":2,"status":"superseded"}]"#;
    let database = RecordingDatabase::answering(rows);
    let body = json!({"items": [
        {"sessionId": SESSION, "userId": USER},
        {"sessionId": SESSION, "userId": USER, "foreground": false, "joinNo": 2},
    ]});
    let answer = beat_many(&database, &service_token(), &body.to_string()).await;
    let expected = json!({"items": [
        {"item": 1, "status": "ok"}, {"item": 2, "status": "superseded"},
    ]});
    assert_eq!(answer.json(), expected);

    let (caller, call) = database.only_call();
    assert_eq!(caller.role, Role::ServiceRole);
    let items = json!([
        {"session_id": SESSION, "user_id": USER, "foreground": null, "join_no": null},
        {"session_id": SESSION, "user_id": USER, "foreground": false, "join_no": 2},
    ]);
    assert_eq!(call, functions::heartbeats(items));
}

#[tokio::test]
async fn a_user_may_not_beat_for_many() {
    let refused = UpstreamError::Refused {
        code: ErrorCode::PermissionDenied,
        retry_after_ms: None,
    };
    let database = RecordingDatabase::failing(refused);
    let body = json!({"items": [{"sessionId": SESSION, "userId": USER}]}).to_string();
    let answer = beat_many(&database, &user_token(), &body).await;
    assert_eq!(answer.refusal(), (403, "permission_denied".to_owned()));
    // The database refuses, because it is asked as the user.
    assert_eq!(database.only_call().0.role, Role::Authenticated);
}

#[tokio::test]
async fn a_malformed_item_costs_only_itself() {
    let good = json!({"sessionId": SESSION, "userId": USER});
    let bad = [
        json!({"sessionId": "nonsense", "userId": USER}),
        json!({"sessionId": SESSION, "userId": USER, "joinNo": 5_000_000_000_i64}),
        json!({"sessionId": SESSION, "userId": USER, "foreground": "yes"}),
        json!({"session_id": SESSION, "user_id": USER}),
        json!([SESSION, USER, null, null]),
        json!("heartbeat"),
        Value::Null,
    ];
    for bad in bad {
        let (answer, database) = batch(vec![bad.clone(), good.clone()]).await;
        assert_eq!(answer.status, 200, "{bad}: {}", answer.body);
        let items = json!([
            {"session_id": null, "user_id": null, "foreground": null, "join_no": null},
            {"session_id": SESSION, "user_id": USER, "foreground": null, "join_no": null},
        ]);
        assert_eq!(
            database.only_call().1,
            functions::heartbeats(items),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn a_batch_holds_a_thousand_items_and_no_more() {
    // The longest item there is.
    let item = json!({
        "sessionId": SESSION, "userId": USER, "foreground": false, "joinNo": i32::MIN,
    });
    for (count, status, asked) in [(0, 200, 1), (1000, 200, 1), (1001, 400, 0)] {
        let (answer, database) = batch(vec![item.clone(); count]).await;
        assert_eq!(answer.status, status, "{count}: {}", answer.body);
        assert_eq!(database.asked().len(), asked, "{count}");
        if status == 400 {
            assert_eq!(answer.json()["detail"], "items is longer than 1000");
        }
    }
}

#[tokio::test]
async fn a_body_that_is_no_batch_is_refused() {
    let huge = format!(r#"{{"items":[]{}}}"#, " ".repeat(256 * 1024));
    for (body, refusal) in [
        ("{}", (400, "invalid_argument")),
        (r#"{"items":{}}"#, (400, "invalid_argument")),
        (r#"{"items":null}"#, (400, "invalid_argument")),
        (r#"{"items":[],"more":[]}"#, (400, "invalid_argument")),
        ("[]", (400, "invalid_argument")),
        (huge.as_str(), (413, "payload_too_large")),
    ] {
        let database = RecordingDatabase::answering("[]");
        let answer = beat_many(&database, &service_token(), body).await;
        assert_eq!(answer.refusal(), (refusal.0, refusal.1.to_owned()));
        assert!(database.asked().is_empty());
    }
}
