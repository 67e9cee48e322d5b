//! Tests of reading a call: schema, arguments, the shape of its answer.

use super::*;

fn request(method: Method, query: &str, body: &str) -> RpcRequest {
    RpcRequest {
        function: "f".to_owned(),
        method,
        query: query.to_owned(),
        headers: HeaderMap::new(),
        body: Bytes::from(body.to_owned()),
    }
}

#[test]
fn a_body_keeps_its_text_and_names_its_keys() {
    let arguments = request(Method::POST, "", r#"{"b": 1.10, "a": [1]}"#)
        .arguments()
        .unwrap();
    assert_eq!(arguments.names, ["a", "b"]);
    assert_eq!(arguments.json, r#"{"b": 1.10, "a": [1]}"#);
}

#[test]
fn an_empty_body_is_no_argument() {
    let arguments = request(Method::POST, "", "").arguments().unwrap();
    assert!(arguments.names.is_empty());
    assert_eq!(arguments.json, "{}");
}

#[test]
fn malformed_bodies_are_refused() {
    for body in ["{", "[]", "1", "null", "{\"a\":1} trailing", "{a:1}"] {
        let refused = request(Method::POST, "", body).arguments();
        assert!(matches!(refused, Err(RestError::Json)), "{body}");
    }
}

#[test]
fn a_query_gives_the_arguments_of_a_get() {
    let arguments = request(Method::GET, "session_id=a%20b&skip=5&limit=5", "")
        .arguments()
        .unwrap();
    assert_eq!(arguments.names, ["session_id", "skip"]);
    assert_eq!(arguments.json, r#"{"session_id":"a b","skip":"5"}"#);
    assert!(!arguments.paging.is_empty());
}

#[test]
fn the_query_of_a_post_shapes_its_answer_and_holds_no_arguments() {
    let arguments = request(Method::POST, "limit=1", "{}").arguments().unwrap();
    assert!(!arguments.paging.is_empty());
    let refused = request(Method::POST, "skip=1", "{}").arguments();
    assert!(matches!(refused, Err(RestError::NotModelled(_))));
}

#[test]
fn the_schema_must_be_exposed() {
    let schemas = ["public".to_owned(), "stream".to_owned()];
    let mut asked = request(Method::POST, "", "");
    assert_eq!(asked.schema(&schemas).unwrap(), "public");
    asked
        .headers
        .insert("content-profile", "stream".parse().unwrap());
    assert_eq!(asked.schema(&schemas).unwrap(), "stream");
    asked
        .headers
        .insert("content-profile", "auth".parse().unwrap());
    assert!(matches!(
        asked.schema(&schemas),
        Err(RestError::Schema { .. })
    ));
}

#[test]
fn a_get_reads_the_other_profile_header() {
    let schemas = ["public".to_owned(), "stream".to_owned()];
    let mut asked = request(Method::GET, "", "");
    asked
        .headers
        .insert("content-profile", "stream".parse().unwrap());
    assert_eq!(asked.schema(&schemas).unwrap(), "public");
    asked
        .headers
        .insert("accept-profile", "stream".parse().unwrap());
    assert_eq!(asked.schema(&schemas).unwrap(), "stream");
}

#[test]
fn the_first_media_type_that_there_is_counts() {
    for (accept, expected) in [
        ("*/*", Some(Shape::Natural)),
        (
            "text/html, application/json;q=0.9, */*",
            Some(Shape::Natural),
        ),
        ("application/vnd.pgrst.object+json", Some(Shape::Object)),
        ("text/csv", Some(Shape::Csv)),
        ("text/csv, application/json", Some(Shape::Csv)),
        ("text/html", None),
    ] {
        let mut asked = request(Method::POST, "", "");
        asked.headers.insert(ACCEPT, accept.parse().unwrap());
        assert_eq!(asked.shape().ok(), expected, "{accept}");
    }
    assert_eq!(
        request(Method::POST, "", "").shape().ok(),
        Some(Shape::Natural)
    );
}
