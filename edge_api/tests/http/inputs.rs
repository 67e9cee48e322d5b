//! Defects of requests and the refusal of each. None of them reaches the database.

use axum::body::Body;
use axum::http::{Request, header};
use edge_api::contract::Argument;
use serde_json::{Value, json};

use crate::database::RecordingDatabase;
use crate::requests::{Answer, SESSION, USER, ask, request, send, service, user_token};

const AUCTION: &str = "00000000-0000-4000-8000-0000000000a1";

async fn refused(method: &str, path: &str, body: Option<&str>) -> Answer {
    let (answer, database) = ask("null", method, path, body).await;
    assert!(database.asked().is_empty(), "{method} {path} was asked");
    answer
}

fn invalid() -> (u16, String) {
    (400, "invalid_argument".to_owned())
}

async fn assert_field(method: &str, path: &str, body: Option<&str>, detail: &str) {
    let answer = refused(method, path, body).await;
    assert_eq!(answer.refusal(), invalid(), "{}", answer.body);
    assert_eq!(answer.json()["detail"], detail);
    let field = detail.split(' ').next();
    assert_eq!(answer.json()["field"].as_str(), field);
}

#[tokio::test]
async fn a_malformed_id_in_the_path_is_named() {
    for path in [
        "/v1/streams/nonsense",
        "/v1/streams/1/state",
        "/v1/streams/%20/sync",
    ] {
        assert_field("GET", path, None, "session_id is malformed").await;
    }
    let path = format!("/v1/streams/{SESSION}/viewers/me");
    assert_field("DELETE", &path, None, "buyer_id is malformed").await;
}

#[tokio::test]
async fn a_malformed_missing_unknown_or_repeated_field_is_named() {
    let start = "/v1/streams";
    let body = |body: Value| body.to_string();
    for (body, detail) in [
        (
            body(json!({"auction_id": "nonsense"})),
            "auction_id is malformed",
        ),
        (body(json!({"auction_id": 7})), "auction_id is malformed"),
        (body(json!({"auction_id": null})), "auction_id is malformed"),
        (
            body(json!({"auction_id": AUCTION, "seller_id": "me"})),
            "seller_id is malformed",
        ),
        (
            body(json!({"auction_id": AUCTION, "reconnect_window_s": 1.5})),
            "reconnect_window_s is malformed",
        ),
        (body(json!({})), "auction_id is missing"),
        (
            body(json!({"auction_id": AUCTION, "auctionId": AUCTION})),
            "auctionId is unknown",
        ),
        (
            format!(r#"{{"auction_id":"{AUCTION}","auction_id":"{AUCTION}"}}"#),
            "auction_id is given twice",
        ),
    ] {
        assert_field("POST", start, Some(&body), detail).await;
    }
    let state = format!("/v1/streams/{SESSION}/state");
    let large = r#"{"state":"active","generation":5000000000}"#;
    assert_field("PATCH", &state, Some(large), "generation is malformed").await;
}

#[tokio::test]
async fn a_malformed_unknown_or_repeated_query_parameter_is_named() {
    let path = format!("/v1/streams/{SESSION}/messages");
    for (query, detail) in [
        ("page_size=ten", "page_size is malformed"),
        ("page_size=", "page_size is malformed"),
        ("after_seq=1.5", "after_seq is malformed"),
        // PostgREST's own words page its answer; here they are unknown.
        ("limit=1", "limit is unknown"),
        ("offset=1", "offset is unknown"),
        ("afterSeq=1", "afterSeq is unknown"),
        ("page_size=1&page_size=2", "page_size is given twice"),
    ] {
        assert_field("GET", &format!("{path}?{query}"), None, detail).await;
    }
    let path = format!("/v1/streams/{SESSION}/viewers/{USER}?join_no=x");
    assert_field("DELETE", &path, None, "join_no is malformed").await;
    let path = format!("/v1/streams/{SESSION}/viewers");
    for (query, detail) in [
        ("after=me", "after is malformed"),
        ("page_size=3000000000", "page_size is malformed"),
        ("skip=1", "skip is unknown"),
    ] {
        assert_field("GET", &format!("{path}?{query}"), None, detail).await;
    }
}

#[tokio::test]
async fn a_refusal_never_repeats_a_value_and_cuts_a_name() {
    let long = "n".repeat(5000);
    let body = json!({"content": {"card": "4111 1111"}}).to_string();
    let path = format!("/v1/streams/{SESSION}/messages");
    let answer = refused("POST", &path, Some(&body)).await;
    assert!(!answer.body.contains("4111"), "{}", answer.body);

    let body = json!({"content": "hi", long: 1}).to_string();
    let answer = refused("POST", &path, Some(&body)).await;
    assert_eq!(answer.refusal(), invalid());
    assert!(answer.body.len() < 1000, "{}", answer.body);
}

#[tokio::test]
async fn only_one_whole_json_object_is_a_body() {
    for body in [
        "[]",
        "null",
        "7",
        r#""x""#,
        "{",
        "{]",
        "{} {}",
        r#"{"content":"\ud800"}"#,
    ] {
        let path = format!("/v1/streams/{SESSION}/messages");
        let answer = refused("POST", &path, Some(body)).await;
        assert_eq!(answer.refusal(), invalid(), "{body}: {}", answer.body);
    }
    // An array would otherwise be read as the fields in their order.
    let fields = format!(r#"["{AUCTION}", null]"#);
    assert_eq!(
        refused("POST", "/v1/streams", Some(&fields))
            .await
            .refusal(),
        invalid()
    );
}

#[tokio::test]
async fn a_body_that_may_be_left_out_must_still_be_right() {
    for path in ["pause", "resume", "end", "viewers", "join", "heartbeat"] {
        let path = format!("/v1/streams/{SESSION}/{path}");
        assert_field("POST", &path, Some(r#"{"why":1}"#), "why is unknown").await;
    }
}

#[tokio::test]
async fn invalid_utf8_in_body_and_path_is_invalid_text() {
    let database = RecordingDatabase::answering("null");
    let path = format!("/v1/streams/{SESSION}/messages");
    let mut bad = request("POST", &path, Some("{}"));
    *bad.body_mut() = Body::from(b"{\"content\":\"\xff\xfe\"}".to_vec());
    let answer = send(service(&database), bad).await;
    assert_eq!(answer.refusal(), (400, "invalid_text".to_owned()));

    let answer = refused("GET", "/v1/streams/%ff%fe", None).await;
    assert_eq!(answer.refusal(), (400, "invalid_text".to_owned()));
}

#[tokio::test]
async fn a_text_with_nul_is_invalid_text_and_named() {
    let path = format!("/v1/streams/{SESSION}/messages");
    let answer = refused("POST", &path, Some(r#"{"content":"a\u0000b"}"#)).await;
    assert_eq!(answer.refusal(), (400, "invalid_text".to_owned()));
    assert_eq!(answer.json()["field"], "content");
    let path = format!("{path}/{USER}?reason=a%00b");
    let answer = refused("DELETE", &path, None).await;
    assert_eq!(answer.refusal(), (400, "invalid_text".to_owned()));
    assert_eq!(answer.json()["field"], "reason");
}

#[tokio::test]
async fn an_auction_update_is_an_object_whose_digits_are_kept() {
    let path = format!("/v1/streams/{SESSION}/auction-updates");
    let update = r#"{"text":"Ada bids", "amount":123456789012345678901234567890.10, "amount":1}"#;
    let (_, database) = ask("null", "POST", &path, Some(update)).await;
    match database.only_call().1.argument("update") {
        Some(Argument::Json(json)) => assert_eq!(json.as_str(), update),
        other => panic!("{other:?}"),
    }
    for body in ["[]", r#""bid""#, "null", "", " "] {
        let answer = refused("POST", &path, Some(body)).await;
        assert_eq!(answer.refusal(), invalid(), "{body}: {}", answer.body);
    }
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(1000), "]".repeat(1000));
    assert_field("POST", &path, Some(&deep), "update is malformed").await;
}

#[tokio::test]
async fn the_content_type_is_json() {
    let send_as = async |content_type: Option<&str>| {
        let database = RecordingDatabase::answering(r#""active""#);
        let mut request = Request::post("/v1/tokens/buyer")
            .header(header::AUTHORIZATION, format!("Bearer {}", user_token()));
        if let Some(content_type) = content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        let body = Body::from(r#"{"channel_id":"s_b1"}"#);
        let answer = send(service(&database), request.body(body).expect("a request")).await;
        (answer, database.asked().len())
    };
    for wrong in [
        None,
        Some("text/plain"),
        Some("application/jsonp"),
        Some(""),
    ] {
        let (answer, asked) = send_as(wrong).await;
        assert_eq!(
            answer.refusal(),
            (415, "invalid_argument".to_owned()),
            "{wrong:?}"
        );
        assert_eq!(asked, 0);
    }
    for right in ["application/json", "Application/JSON; charset=utf-8"] {
        assert_eq!(send_as(Some(right)).await.1, 1, "{right}");
    }
}

#[tokio::test]
async fn a_body_beyond_64_kib_is_too_large_and_one_of_64_kib_is_read() {
    let path = format!("/v1/streams/{SESSION}/messages");
    let frame = r#"{"content":""}"#.len();
    for (length, expected) in [(64 * 1024, 200), (64 * 1024 + 1, 413)] {
        let body = format!(r#"{{"content":"{}"}}"#, "x".repeat(length - frame));
        let (answer, _) = ask("null", "POST", &path, Some(&body)).await;
        assert_eq!(answer.status, expected, "{length}: {}", answer.body);
        if expected == 413 {
            assert_eq!(answer.refusal().1, "payload_too_large");
        }
    }
}

#[tokio::test]
async fn an_unknown_route_or_method_is_route_not_found() {
    for path in ["/", "/v1", "/v2/streams", "/v1/streams/", "/healthz/x"] {
        let answer = refused("GET", path, None).await;
        assert_eq!(
            answer.refusal(),
            (404, "route_not_found".to_owned()),
            "{path}"
        );
    }
    for (method, path) in [
        ("DELETE", "/v1/streams"),
        ("PUT", "/healthz"),
        ("POST", "/v1/errors"),
        ("GET", "/v1/heartbeats"),
    ] {
        let answer = refused(method, path, None).await;
        assert_eq!(
            answer.refusal(),
            (405, "route_not_found".to_owned()),
            "{method} {path}"
        );
        assert!(!answer.header("allow").is_empty(), "{method} {path}");
    }
}
