//! Each route of moderation calls its function with the arguments of the request.

use edge_api::ids::MessageId;
use edge_api::upstream::functions::moderation as functions;
use serde_json::{Value, json};

use crate::requests::{SESSION, USER, ask};
use crate::routes::{MESSAGE, SESSION_ROW, calls, session, user};

const RESTRICTION_ROW: &str = r#"{"user_id":"00000000-0000-4000-8000-000000000002","kind":"mute",
    "until":"2026-11-22T15:48:00+00:00","actor":null,"reason":"spam",
    "created_at":"2026-11-22T15:47:00+00:00"}"#;

fn path(rest: &str) -> String {
    format!("/v1/streams/{SESSION}/moderation/{rest}")
}

fn message() -> MessageId {
    MessageId::parse(MESSAGE).expect("a uuid")
}

#[tokio::test]
async fn messages_are_deleted_one_by_one_or_all_of_a_user() {
    let one = format!("/v1/streams/{SESSION}/messages/{MESSAGE}");
    let expected = functions::delete_message(session(), message(), None);
    let answer = calls(r#""deleted""#, ("DELETE", &one), None, expected).await;
    assert_eq!(answer.json(), json!({"result": "deleted"}));
    let one = format!("{one}?reason=very%20rude");
    let expected = functions::delete_message(session(), message(), Some("very rude".to_owned()));
    calls(r#""already_deleted""#, ("DELETE", &one), None, expected).await;

    let all = path(&format!("users/{USER}/messages"));
    let expected = functions::delete_user_messages(session(), user(), None);
    let answer = calls("7", ("DELETE", &all), None, expected).await;
    assert_eq!(answer.json(), json!({"deleted": 7}));
}

#[tokio::test]
async fn users_are_muted_banned_and_let_back() {
    let wanted = json!({"userId": USER, "durationS": 60, "reason": "spam"});
    let reason = Some("spam".to_owned());
    let expected = functions::mute_user(session(), user(), Some(60), reason.clone());
    let route = path("mute");
    let answer = calls(
        RESTRICTION_ROW,
        ("POST", &route),
        Some(wanted.clone()),
        expected,
    )
    .await;
    let restriction = json!({
        "userId": USER, "kind": "mute", "until": "2026-11-22T15:48:00+00:00", "actor": null,
        "reason": "spam", "createdAt": "2026-11-22T15:47:00+00:00",
    });
    assert_eq!(answer.json(), restriction);

    let route = path("ban");
    let expected = functions::ban_user(session(), user(), Some(60), reason);
    calls(RESTRICTION_ROW, ("POST", &route), Some(wanted), expected).await;
    let expected = functions::ban_user(session(), user(), None, None);
    let lasting = Some(json!({"userId": USER}));
    calls(RESTRICTION_ROW, ("POST", &route), lasting, expected).await;

    let route = path("lift");
    let expected = functions::lift_restriction(session(), user(), "ban".to_owned());
    let body = Some(json!({"userId": USER, "kind": "ban"}));
    let answer = calls(r#""lifted""#, ("POST", &route), body, expected).await;
    assert_eq!(answer.json(), json!({"result": "lifted"}));

    let route = path("restrictions");
    let expected = functions::list_restrictions(session(), None, 50);
    let rows = format!("[{RESTRICTION_ROW}]");
    let answer = calls(&rows, ("GET", &route), None, expected).await;
    assert_eq!(answer.json(), json!({"restrictions": [restriction]}));
    let route = format!("{route}?after={USER}&page_size=2");
    let expected = functions::list_restrictions(session(), Some(user()), 2);
    calls("[]", ("GET", &route), None, expected).await;
}

#[tokio::test]
async fn the_rules_and_the_pin_are_set() {
    for (method, rest, body, expected) in [
        (
            "PUT",
            "slow-mode",
            Some(json!({"intervalMs": 3000})),
            functions::set_slow_mode(session(), 3000),
        ),
        (
            "PUT",
            "chat-mode",
            Some(json!({"mode": "hosts"})),
            functions::set_chat_mode(session(), "hosts".to_owned()),
        ),
        (
            "PUT",
            "pin",
            Some(json!({"messageId": MESSAGE})),
            functions::pin_message(session(), message()),
        ),
        ("DELETE", "pin", None, functions::unpin_message(session())),
    ] {
        let route = path(rest);
        let answer = calls(SESSION_ROW, (method, &route), body, expected).await;
        assert_eq!(answer.json()["slowModeMs"], 3000);
    }
}

#[tokio::test]
async fn terms_are_blocked_listed_and_unblocked() {
    let route = path("blocked-terms");
    let expected = functions::block_term(session(), "scam".to_owned());
    let body = Some(json!({"term": "scam"}));
    let answer = calls(r#""blocked""#, ("POST", &route), body, expected).await;
    assert_eq!(answer.json(), json!({"result": "blocked"}));

    let rows = r#"[{"session_id":"00000000-0000-4000-8000-0000000000b1","term":"scam",
        "actor":"00000000-0000-4000-8000-000000000002","created_at":"2026-11-22T15:47:00+00:00"}]"#;
    let expected = functions::list_blocked_terms(session());
    let answer = calls(rows, ("GET", &route), None, expected).await;
    let term = json!({"term": "scam", "actor": USER, "createdAt": "2026-11-22T15:47:00+00:00"});
    assert_eq!(answer.json(), json!({"terms": [term]}));

    let route = format!("{route}?term=pay%20me");
    let expected = functions::unblock_term(session(), "pay me".to_owned());
    let answer = calls(r#""unblocked""#, ("DELETE", &route), None, expected).await;
    assert_eq!(answer.json(), json!({"result": "unblocked"}));
}

#[tokio::test]
async fn decisions_are_read_in_pages() {
    let rows = r#"[{"id":5000000000,"session_id":"00000000-0000-4000-8000-0000000000b1","seq":7,
        "action":"user_muted","actor":null,"user_id":"00000000-0000-4000-8000-000000000002",
        "target_seq":null,"reason":"spam","until":null,"term":null,
        "created_at":"2026-11-22T15:47:00+00:00"}]"#;
    let route = path("log");
    let expected = functions::get_moderation_log(session(), None, 50);
    let answer = calls(rows, ("GET", &route), None, expected).await;
    let entry = json!({
        "id": 5_000_000_000_i64, "seq": 7, "action": "user_muted", "actor": null, "userId": USER,
        "targetSeq": null, "reason": "spam", "until": null, "term": null,
        "createdAt": "2026-11-22T15:47:00+00:00",
    });
    assert_eq!(answer.json(), json!({"entries": [entry]}));
    let route = format!("{route}?beforeId=5000000000&page_size=2");
    let expected = functions::get_moderation_log(session(), Some(5_000_000_000), 2);
    calls("[]", ("GET", &route), None, expected).await;
}

#[tokio::test]
async fn malformed_requests_are_refused_by_the_name_of_the_field() {
    for (method, rest, body, detail) in [
        ("POST", "mute", Some(json!({})), "userId is missing"),
        (
            "POST",
            "ban",
            Some(json!({"userId": "me"})),
            "userId is malformed",
        ),
        (
            "POST",
            "ban",
            Some(json!({"userId": USER, "shadow": true})),
            "shadow is unknown",
        ),
        (
            "POST",
            "lift",
            Some(json!({"userId": USER})),
            "kind is missing",
        ),
        (
            "PUT",
            "slow-mode",
            Some(json!({"intervalMs": "3 s"})),
            "intervalMs is malformed",
        ),
        (
            "PUT",
            "pin",
            Some(json!({"messageId": 7})),
            "messageId is malformed",
        ),
        ("DELETE", "blocked-terms", None, "term is missing"),
        ("DELETE", "users/me/messages", None, "userId is malformed"),
        ("GET", "log?page_size=many", None, "page_size is malformed"),
    ] {
        let body = body.map(|body: Value| body.to_string());
        let (answer, database) = ask("null", method, &path(rest), body.as_deref()).await;
        assert!(database.asked().is_empty(), "{method} {rest}");
        assert_eq!(
            answer.refusal(),
            (400, "invalid_argument".to_owned()),
            "{rest}"
        );
        assert_eq!(answer.json()["detail"], detail, "{rest}");
    }
}
