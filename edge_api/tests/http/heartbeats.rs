//! Batches of heartbeats reach the database as they were sent, up to a size.

use edge_api::caller::Role;
use edge_api::contract::Argument;
use edge_api::contract::Contract;
use edge_api::upstream::{UpstreamError, from_sqlstate};
use serde_json::json;
use stream_core::error::ErrorCode;

use crate::database::RecordingDatabase;
use crate::fixtures::fixture;
use crate::requests::{
    Answer, SESSION, USER, request_with, send, service, service_token, user_token,
};

const BATCH_LIMIT_BYTES: usize = 256 * 1024;

async fn beat_many(database: &RecordingDatabase, token: &str, body: &str) -> Answer {
    let request = request_with(token, "POST", "/v1/heartbeats", Some(body));
    send(service(database), request).await
}

/// What the database is asked for.
fn items(database: &RecordingDatabase) -> String {
    match database.only_call().1.argument("items") {
        Some(Argument::Json(items)) => items.as_str().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_batch_is_passed_on_untouched_whatever_its_items_are() {
    let items_sent = format!(
        r#"[ {{"session_id":"{SESSION}", "user_id":"{USER}"}}, {{"user_id":7}}, "beat", null, [1.50] ]"#
    );
    let database = RecordingDatabase::answering(&fixture("heartbeats"));
    let body = format!(r#"{{"items": {items_sent}}}"#);
    let answer = beat_many(&database, &service_token(), &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.body, fixture("heartbeats").trim());
    assert_eq!(items(&database), items_sent);
    assert_eq!(database.only_call().0.role, Role::ServiceRole);
}

#[tokio::test]
async fn a_user_may_not_beat_for_many() {
    let operation = Contract::get().operation("heartbeats");
    let callers = &operation.expect("an operation").callers;
    assert_eq!(callers, &["service_role"]);
    // What the database would answer, without asking it.
    let refused = from_sqlstate("42501", None);
    assert!(matches!(
        refused,
        UpstreamError::Refused {
            code: ErrorCode::PermissionDenied,
            retry_after_ms: None,
        }
    ));
    let database = RecordingDatabase::failing(refused);
    let body = json!({"items": []}).to_string();
    let answer = beat_many(&database, &user_token(), &body).await;
    assert_eq!(answer.refusal(), (403, "permission_denied".to_owned()));
    assert!(database.asked().is_empty());
    let of_database = beat_many(&database, &service_token(), &body).await;
    let without_id = |answer: &Answer| {
        let mut json = answer.json();
        json["request_id"].take();
        json
    };
    assert_eq!(without_id(&answer), without_id(&of_database));
}

#[tokio::test]
async fn a_batch_has_room_for_a_thousand_of_the_longest_items_and_a_limit() {
    let item = json!({
        "session_id": SESSION, "user_id": USER, "foreground": false, "join_no": i32::MIN,
    });
    let body = json!({"items": vec![item; 1000]}).to_string();
    let huge = format!(r#"{{"items":[]{}}}"#, " ".repeat(BATCH_LIMIT_BYTES));
    for (body, status) in [(body, 200), (huge, 413)] {
        let database = RecordingDatabase::answering("[]");
        let answer = beat_many(&database, &service_token(), &body).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert_eq!(database.asked().len(), usize::from(status == 200));
    }
}
