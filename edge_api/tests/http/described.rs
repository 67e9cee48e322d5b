//! Comparing an answer with its description in the OpenAPI document.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::database::RecordingDatabase;
use crate::requests::{Answer, send, service};

pub async fn get(path: &str) -> Answer {
    let request = Request::get(path).body(Body::empty()).expect("a request");
    send(service(&RecordingDatabase::answering("null")), request).await
}

pub async fn document() -> Value {
    let answer = get("/openapi.json").await;
    assert_eq!(answer.status, 200);
    answer.json()
}

/// The description of a response; a reference is followed.
pub fn response<'a>(document: &'a Value, path: &str, method: &str, status: u16) -> &'a Value {
    let responses = &document["paths"][path][method.to_lowercase()]["responses"];
    let response = &responses[status.to_string()];
    assert!(!response.is_null(), "{method} {path} has no {status}");
    followed(document, response)
}

/// What a reference leads to.
fn followed<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let reference = value["$ref"].as_str();
    let target =
        reference.and_then(|reference| document.pointer(reference.trim_start_matches('#')));
    target.unwrap_or(value)
}

/// Makes every object closed, so that a member that nobody described is an error.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.contains_key("properties") && members.contains_key("type") {
                members.insert("additionalProperties".to_owned(), false.into());
            }
            members.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// What is wrong with an answer's body, status, content type and headers by the document.
pub fn faults(document: &Value, path: &str, method: &str, answer: &Answer) -> Vec<String> {
    let described = response(document, path, method, answer.status.as_u16());
    let mut faults = Vec::new();
    for (name, header) in described["headers"].as_object().into_iter().flatten() {
        let header = followed(document, header);
        if header["required"] == true && answer.header(name).is_empty() {
            faults.push(format!("no header {name}"));
        }
    }
    let undescribed = answer.headers.keys().filter(|name| {
        let is_usual = ["content-length", "content-type"].contains(&name.as_str());
        !is_usual && described["headers"].get(name.as_str()).is_none()
    });
    faults.extend(undescribed.map(|name| format!("header {name} is not described")));
    let Some(content) = described.get("content") else {
        assert_eq!(answer.body, "", "{method} {path}");
        return faults;
    };
    let media = &content[answer.header("content-type")];
    if media.is_null() {
        faults.push(format!("content type {}", answer.header("content-type")));
        return faults;
    }
    if answer.header("content-type").starts_with("text/") {
        return faults;
    }
    let mut schema = json!({"allOf": [media["schema"]], "components": document["components"]});
    close(&mut schema["components"]["schemas"]);
    let options = jsonschema::options().should_validate_formats(true);
    let validator = options.build(&schema).expect("a schema");
    let body = answer.json();
    faults.extend(
        validator
            .iter_errors(&body)
            .map(|error| format!("{}: {error}", error.instance_path())),
    );
    faults
}

#[track_caller]
pub fn assert_described(document: &Value, path: &str, method: &str, answer: &Answer) {
    let faults = faults(document, path, method, answer);
    assert!(
        faults.is_empty(),
        "{method} {path} {}: {faults:?}\n{}",
        answer.status,
        answer.body
    );
}
