//! The routes of those who read the log, and of the auction that writes into it.

use edge_api::ids::{MessageId, SubscriptionId};
use edge_api::upstream::functions;
use serde_json::{Value, json};

use crate::requests::{SESSION, USER, ask};
use crate::routes::{MESSAGE, MESSAGE_ROW, calls, session, user};

const SUBSCRIPTION: &str = "00000000-0000-4000-8000-0000000000d1";

const SUBSCRIPTION_ROW: &str = r#"{"id":"00000000-0000-4000-8000-0000000000d1",
    "session_id":"00000000-0000-4000-8000-0000000000b1",
    "user_id":"00000000-0000-4000-8000-000000000002",
    "channel":"chat:00000000-0000-4000-8000-0000000000b1","is_active":true}"#;

fn message() -> MessageId {
    MessageId::parse(MESSAGE).expect("a uuid")
}

#[tokio::test]
async fn the_messages_after_one_that_is_held_are_answered() {
    let path = format!("/v1/streams/{SESSION}/messages/since/{MESSAGE}");
    let expected = functions::sync_messages(session(), message());
    let rows = format!("[{MESSAGE_ROW}]");
    let answer = calls(&rows, ("GET", &path), None, expected).await.json();
    assert_eq!(answer["messages"][0]["id"], MESSAGE);
    assert_eq!(answer["messages"][0]["seq"], 7);
}

#[tokio::test]
async fn messages_are_marked_as_read_one_by_one_or_up_to_a_seq() {
    let path = format!("/v1/streams/{SESSION}/reads");
    for (body, expected) in [
        (
            json!({"messageIds": [MESSAGE, USER]}),
            functions::mark_messages_as_read(
                session(),
                None,
                vec![message(), MessageId::parse(USER).expect("a uuid")],
            ),
        ),
        (
            json!({"messageIds": [], "userId": USER}),
            functions::mark_messages_as_read(session(), Some(user()), Vec::new()),
        ),
        (
            json!({"upToSeq": 5_000_000_000_i64}),
            functions::mark_read_up_to(session(), None, 5_000_000_000),
        ),
    ] {
        let answer = calls("3", ("POST", &path), Some(body), expected).await;
        assert_eq!(answer.json(), json!({"unreadCount": 3}));
    }
}

#[tokio::test]
async fn a_mark_that_names_nothing_or_both_is_refused() {
    let path = format!("/v1/streams/{SESSION}/reads");
    for body in [
        json!({}),
        json!({"messageIds": [MESSAGE], "upToSeq": 1}),
        json!({"messageIds": ["1"]}),
        json!({"messageIds": [MESSAGE], "seq": 1}),
    ] {
        let (answer, database) = ask("3", "POST", &path, Some(&body.to_string())).await;
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(database.asked().len(), 0, "{body}");
    }
}

#[tokio::test]
async fn what_is_unread_is_counted() {
    let path = format!("/v1/streams/{SESSION}/reads");
    let expected = functions::unread_count(session(), None);
    let answer = calls("12", ("GET", &path), None, expected).await;
    assert_eq!(answer.json(), json!({"unreadCount": 12}));
    let path = format!("{path}?userId={USER}");
    let expected = functions::unread_count(session(), Some(user()));
    calls("0", ("GET", &path), None, expected).await;
}

#[tokio::test]
async fn a_chat_is_followed_and_left() {
    let path = format!("/v1/streams/{SESSION}/subscriptions");
    for (body, named) in [
        (None, None),
        (Some(json!({})), None),
        (Some(json!({"userId": USER})), Some(user())),
    ] {
        let expected = functions::subscribe_to_chat(session(), named);
        let answer = calls(SUBSCRIPTION_ROW, ("POST", &path), body, expected).await;
        let expected = json!({
            "id": SUBSCRIPTION, "sessionId": SESSION, "userId": USER,
            "channel": format!("chat:{SESSION}"), "isActive": true,
        });
        assert_eq!(answer.json(), expected);
    }
    let path = format!("/v1/subscriptions/{SUBSCRIPTION}");
    let subscription = SubscriptionId::parse(SUBSCRIPTION).expect("a uuid");
    let expected = functions::unsubscribe_from_chat(subscription);
    let ended = SUBSCRIPTION_ROW.replace("true", "false");
    let answer = calls(&ended, ("DELETE", &path), None, expected).await;
    assert_eq!(answer.json()["isActive"], false);
}

#[tokio::test]
async fn an_auction_update_is_an_object_and_becomes_a_message() {
    let path = format!("/v1/streams/{SESSION}/auction-updates");
    let update = json!({"text": "Ada bids 20", "amount": 20});
    let expected = functions::post_auction_update(session(), update.clone());
    let answer = calls(MESSAGE_ROW, ("POST", &path), Some(update), expected).await;
    assert_eq!(answer.json()["seq"], 7);
    for body in [json!([]), json!("bid"), Value::Null] {
        let (answer, database) = ask(MESSAGE_ROW, "POST", &path, Some(&body.to_string())).await;
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(database.asked().len(), 0, "{body}");
    }
}
