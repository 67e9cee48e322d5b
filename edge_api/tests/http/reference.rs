//! The reference page: it needs no other host, and every operation and every type stands on it.

use axum::body::Body;
use axum::http::Request;
use edge_api::routes::ROUTES;
use serde_json::Value;

use crate::database::RecordingDatabase;
use crate::requests::{Answer, send, service};

const PARTS: [&str; 3] = ["/docs", "/docs/page.css", "/docs/page.js"];

async fn get(path: &str) -> Answer {
    let request = Request::get(path).body(Body::empty()).expect("a request");
    let answer = send(service(&RecordingDatabase::answering("null")), request).await;
    assert_eq!(answer.status, 200, "{path}");
    answer
}

/// The value of every attribute of this name.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    let pieces = page.split(start.as_str()).skip(1);
    let values = pieces.map(|piece| piece.split_once('"').expect("a closed attribute").0);
    values.collect()
}

#[tokio::test]
async fn the_page_needs_no_other_host() {
    for path in PARTS {
        let part = get(path).await.body;
        for foreign in [
            "http://", "https://", "=\"//", "url(", "@import", "import(", "fetch(",
        ] {
            assert!(!part.contains(foreign), "{path} has {foreign}");
        }
    }
    let page = get("/docs").await;
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(
        !policy.contains("unsafe") && !policy.contains('*') && !policy.contains(':'),
        "{policy}"
    );
    // What the policy would keep from working.
    for inline in [" style=", " onclick=", "<style", "javascript:"] {
        assert!(!page.body.contains(inline), "{inline}");
    }
    assert_eq!(page.body.matches("<script").count(), 1);
    assert_eq!(attributes(&page.body, "src"), ["/docs/page.js"]);
    assert_eq!(page.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn every_link_leads_somewhere() {
    let page = get("/docs").await.body;
    let ids = attributes(&page, "id");
    for link in attributes(&page, "href") {
        match link.strip_prefix('#') {
            Some(id) => assert!(ids.contains(&id), "{link}"),
            None => {
                get(link).await;
            }
        }
    }
    let mut once = ids.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), ids.len(), "an id is there twice");
}

#[tokio::test]
async fn every_operation_and_every_type_stands_on_it() {
    let page = get("/docs").await.body;
    let ids = attributes(&page, "id");
    for route in ROUTES {
        assert!(ids.contains(&route.operation), "{route:?}");
        assert!(
            page.contains(&format!("<code>{}</code>", route.path)),
            "{route:?}"
        );
    }
    let document = get("/openapi.json").await.json();
    let paths = document["paths"].as_object().expect("paths");
    for described in paths
        .values()
        .filter_map(Value::as_object)
        .flat_map(|item| item.values())
    {
        let id = described["operationId"].as_str().expect("a name");
        assert!(ids.contains(&id), "{id}");
    }
    for name in document["components"]["schemas"]
        .as_object()
        .expect("schemas")
        .keys()
    {
        assert!(ids.contains(&format!("type-{name}").as_str()), "{name}");
    }
}

/// Elements without an end tag aside, each is closed in the order in which it was opened.
#[tokio::test]
async fn the_page_is_well_formed() {
    let page = get("/docs").await.body;
    let mut open = Vec::new();
    for piece in page.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').expect("a closed tag");
        let name = tag.split_whitespace().next().expect("a name");
        match name.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), Some(closed), "{piece:.80}"),
            None if ["!doctype", "meta", "link", "input"].contains(&name) => {}
            None => open.push(name),
        }
    }
    assert_eq!(open, [""; 0]);
    for needed in ["lang=\"en\"", "name=\"viewport\"", "content=\"light dark\""] {
        assert!(page.contains(needed), "{needed}");
    }
    assert!(
        get("/docs/page.css")
            .await
            .body
            .contains("prefers-color-scheme: dark")
    );
}
