//! Requests of any route, made from the contract.

use axum::body::Body;
use axum::http::Request;
use edge_api::contract::{ArgumentType, Contract, Operation, Parameter};
use edge_api::routes::Route;

use crate::database::RecordingDatabase;
use crate::requests::{Answer, ask, request, send, service};

pub fn operation(route: &Route) -> &'static Operation {
    let operation = Contract::get().operation(route.operation);
    operation.expect("a route of an operation")
}

/// A value of a type, as a JSON text.
pub fn sample(argument_type: ArgumentType) -> &'static str {
    match argument_type {
        ArgumentType::Uuid => r#""00000000-0000-4000-8000-0000000000e1""#,
        ArgumentType::Uuids => r#"["00000000-0000-4000-8000-0000000000e1"]"#,
        ArgumentType::Text => r#""a & b=ü?""#,
        ArgumentType::Texts => r#"["a", "ü"]"#,
        ArgumentType::Integer => "2147483647",
        ArgumentType::Bigint => "9223372036854775807",
        ArgumentType::Double => "1.5",
        ArgumentType::Boolean => "true",
        ArgumentType::Timestamptz => r#""2026-11-22T16:48:00.123456Z""#,
        ArgumentType::Json | ArgumentType::Jsonb => {
            r#"{"big":123456789012345678901234567890, "b":1.50, "a":[]}"#
        }
    }
}

/// A request in the making: what the path, the query and the body of a route hold.
pub struct Draft {
    pub route: &'static Route,
    pub path: String,
    pub arguments: Vec<(String, String)>,
}

impl Draft {
    /// With a sample for each parameter that is wanted, and for those of the path always.
    pub fn new(route: &'static Route, is_wanted: impl Fn(&Parameter) -> bool) -> Self {
        let parameters = operation(route).parameters.iter();
        let elsewhere = parameters
            .filter(|parameter| !route.path_parameters().any(|name| name == parameter.name));
        let arguments = elsewhere
            .filter(|parameter| is_wanted(parameter))
            .map(|parameter| {
                let sample = sample(parameter.argument_type);
                (parameter.name.to_owned(), sample.to_owned())
            })
            .collect();
        Self {
            route,
            path: filled(route.path.to_owned(), operation(route)),
            arguments,
        }
    }

    pub fn with(mut self, name: &str, json: &str) -> Self {
        self.arguments.push((name.to_owned(), json.to_owned()));
        self
    }

    /// A request of a method without a body that has one nevertheless.
    pub async fn ask_with_body(&self, answer: &str, body: &str) -> (Answer, RecordingDatabase) {
        let method = self.route.verb.method();
        ask(answer, method.as_str(), &self.path_and_query(), Some(body)).await
    }

    fn path_and_query(&self) -> String {
        let pairs = self.arguments.iter();
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs.map(|(name, json)| (name, as_text(json))))
            .finish();
        format!("{}?{query}", self.path)
    }

    pub async fn ask(&self, answer: &str) -> (Answer, RecordingDatabase) {
        let database = RecordingDatabase::answering(answer);
        (send(service(&database), self.request()).await, database)
    }

    pub fn request(&self) -> Request<Body> {
        let method = self.route.verb.method();
        if !self.route.verb.has_body() {
            return request(method.as_str(), &self.path_and_query(), None);
        }
        let body = match self.route.whole_body {
            Some(_) => self.arguments[0].1.clone(),
            None => {
                let members = self.arguments.iter();
                let members: Vec<_> = members
                    .map(|(name, json)| format!("\"{name}\": {json}"))
                    .collect();
                format!("{{{}}}", members.join(", "))
            }
        };
        request(method.as_str(), &self.path, Some(&body))
    }
}

/// A path with samples for its parameters.
pub fn filled(path: String, operation: &Operation) -> String {
    let parameters = operation.parameters.iter();
    parameters.fold(path, |path, parameter| {
        let sample = sample(parameter.argument_type).trim_matches('"');
        path.replace(&format!("{{{}}}", parameter.name), sample)
    })
}

/// As a query says it.
fn as_text(json: &str) -> String {
    serde_json::from_str(json).unwrap_or_else(|_| json.to_owned())
}
