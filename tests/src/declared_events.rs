//! Comparison of what Realtime delivers with `contract/events.json`.
//!
//! Every database of a test is compared when the test ends, and what a JavaScript client says that it saw. A
//! violation names the event and the place in its payload and never what stands there.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use anyhow::{Context, Result};
use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, Validator};
use serde_json::{Value, json};
use uuid::Uuid;
use xtask::cluster::{Address, SUPERUSER};
use xtask::workspace;

static CONTRACT: LazyLock<Contract> =
    LazyLock::new(|| Contract::read().expect("contract/events.json is a contract of events"));

/// Whoever still holds something is gone first, as when a database is dropped. Columns may have been renamed, and
/// an application without Realtime has sent nothing. The path keeps out what a test laid into schema `public`.
const ROWS: &str = r"
    set search_path = pg_catalog;
    select count(pg_terminate_backend(pid)) as ended,
        to_regclass('realtime.messages') is not null as is_there
    from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() \gset
    \if :is_there
    set lock_timeout = '30s';
    select to_jsonb(m) from realtime.messages as m;
    \endif
";

struct Contract {
    events: Vec<Event>,
}

struct Event {
    /// As `stream:<session_id>`.
    topic: String,
    name: String,
    payload: Validator,
}

impl Contract {
    fn read() -> Result<Self> {
        let file = workspace::root().join("contract/events.json");
        let contract: Value = serde_json::from_slice(&std::fs::read(file)?)?;
        let events = contract["events"].as_array().context("no list of events")?;
        let events = events.iter().map(|event| {
            let schema = json!({"$ref": event["payload"]["$ref"], "$defs": contract["$defs"]});
            let text = |member: &str| event[member].as_str().context("no text").map(str::to_owned);
            Ok(Event {
                topic: text("topic")?,
                name: text("event")?,
                payload: jsonschema::options()
                    .with_draft(Draft::Draft202012)
                    .should_validate_formats(true)
                    .build(&schema)?,
            })
        });
        Ok(Self {
            events: events.collect::<Result<_>>()?,
        })
    }

    fn violations(&self, topic: &str, name: &str, payload: &Value) -> Vec<String> {
        let kind = topic.split(':').next().unwrap_or_default();
        let Some((event, id)) = self
            .events
            .iter()
            .filter(|event| event.name == name)
            .find_map(|event| Some((event, id_in(&event.topic, topic)?)))
        else {
            return vec![format!("{kind} {name}: not declared on such a topic")];
        };
        let mut violations = schema_violations(event, payload);
        if let Some((member, id)) = id
            && payload.get(member).is_some_and(|value| value != id)
        {
            violations.push(format!("{name} /{member}: not the one of the topic"));
        }
        violations
    }
}

fn schema_violations(event: &Event, payload: &Value) -> Vec<String> {
    let errors = event.payload.iter_errors(payload);
    let sentences = errors.map(|error| {
        let what = match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                format!("undeclared members {}", unexpected.join(", "))
            }
            ValidationErrorKind::Required { property } => format!("no member {property}"),
            kind => format!("not as `{}` demands", kind.keyword()),
        };
        format!(
            "{} {}: {what}",
            event.name,
            place(error.instance_path().as_str())
        )
    });
    let mut sentences: Vec<String> = sentences.collect();
    sentences.dedup();
    sentences
}

/// Elements of a list are alike.
fn place(path: &str) -> String {
    let is_index = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    let names = path.split('/').map(|name| match name {
        "" => "",
        index if is_index(index) => "*",
        name => name,
    });
    names.collect::<Vec<_>>().join("/")
}

/// The id that a topic bears with the name that a declared one gives it; `None` where it is another topic.
#[expect(
    clippy::option_option,
    reason = "a topic that fits can be one without an id"
)]
fn id_in<'a>(declared: &'a str, topic: &'a str) -> Option<Option<(&'a str, &'a str)>> {
    let Some((kind, name)) = declared.split_once(":<") else {
        return (declared == topic).then_some(None);
    };
    let id = topic.strip_prefix(kind)?.strip_prefix(':')?;
    let is_canonical = Uuid::try_parse(id).is_ok_and(|parsed| parsed.to_string() == id);
    is_canonical.then_some(Some((name.trim_end_matches('>'), id)))
}

/// The events that are declared.
pub fn names() -> BTreeSet<String> {
    let names = CONTRACT.events.iter().map(|event| event.name.clone());
    names.collect()
}

/// What of a broadcast is not as declared.
pub fn violations(topic: &str, event: &str, payload: &Value) -> Vec<String> {
    CONTRACT.violations(topic, event, payload)
}

/// What is not as declared among the rows of `realtime.messages`, each sentence once.
pub fn violations_in(cluster: &Address, database: &str) -> Result<Vec<String>> {
    let psql = cluster.psql(SUPERUSER, database);
    let mut violations = Vec::new();
    for line in psql.run(ROWS)?.lines() {
        violations.extend(violations_of(&serde_json::from_str(line)?));
    }
    violations.sort();
    violations.dedup();
    Ok(violations)
}

fn violations_of(row: &Value) -> Vec<String> {
    let (Some(topic), Some(event)) = (row["topic"].as_str(), row["event"].as_str()) else {
        return vec!["a row without topic or event".to_owned()];
    };
    let mut payload = row["payload"].clone();
    // Realtime's own function adds the id of its row.
    if let Some(members) = payload.as_object_mut()
        && members.get("id") == Some(&row["id"])
    {
        members.remove("id");
    }
    violations(topic, event, &payload)
}

/// What is not as declared among the broadcasts that a script says it saw: objects with a `payload` and a
/// `topic` or an `event`. What a script sends itself bears a member `forged`.
pub fn violations_in_sightings(output: &Value) -> Vec<String> {
    match output {
        Value::Array(items) => items.iter().flat_map(violations_in_sightings).collect(),
        Value::Object(members) => match members.get("payload") {
            Some(payload) if payload.is_object() => {
                violations_of_sighting(output, payload.get("forged").is_some(), payload)
            }
            _ => members.values().flat_map(violations_in_sightings).collect(),
        },
        _ => Vec::new(),
    }
}

/// Of the topic a script may tell the kind alone, or nothing; of the event nothing where the topic has one only.
fn violations_of_sighting(sighting: &Value, is_forged: bool, payload: &Value) -> Vec<String> {
    let (topic, event) = (sighting["topic"].as_str(), sighting["event"].as_str());
    if is_forged || topic.is_none() && event.is_none() {
        return Vec::new();
    }
    let kind = topic.and_then(|topic| topic.split(':').next());
    let candidates = CONTRACT.events.iter().filter(|declared| {
        event.is_none_or(|event| declared.name == event)
            && kind.is_none_or(|kind| declared.topic.split(':').next() == Some(kind))
    });
    let violations: Vec<_> = candidates
        .map(|declared| schema_violations(declared, payload))
        .collect();
    match violations.iter().find(|found| found.is_empty()) {
        Some(_) => Vec::new(),
        None if violations.is_empty() => vec!["a socket saw an undeclared event".to_owned()],
        None => violations.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "01890000-0000-7000-8000-000000000001";

    fn entry() -> Value {
        json!({
            "id": Uuid::nil(), "seq": 1, "user_id": null, "username": "ada", "content": "secret text",
            "message_type": "user_message", "created_at": "2026-01-01T00:00:00.5+00:00",
            "metadata": {"any": ["thing"]}, "deleted_at": null,
        })
    }

    fn frame(entry: &Value) -> Value {
        json!({
            "v": 1, "session_id": SESSION, "epoch": "e", "from_seq": 1, "to_seq": 1, "head_seq": 1,
            "server_time": "2026-01-01T00:00:01+00:00", "poll_ms": null, "digest": false, "messages": [entry],
        })
    }

    fn of_frame(payload: &Value) -> Vec<String> {
        violations(&format!("chat:{SESSION}"), "messages", payload)
    }

    #[test]
    fn violation_names_the_event_and_the_place_without_the_content() {
        assert!(of_frame(&frame(&entry())).is_empty());
        let changed = |member: &str, value: Value| {
            let mut entry = entry();
            entry[member] = value;
            of_frame(&frame(&entry))
        };
        for (found, expected) in [
            (
                changed("timestamp", json!("secret time")),
                "messages /messages/*: undeclared members timestamp",
            ),
            (
                changed("content", json!(["secret text"])),
                "messages /messages/*/content: not as `type` demands",
            ),
            (
                changed("id", json!("secret id")),
                "messages /messages/*/id: not as `format` demands",
            ),
            (
                changed("created_at", json!("yesterday")),
                "messages /messages/*/created_at: not as `format` demands",
            ),
        ] {
            assert_eq!(found, [expected]);
        }
        let mut without = entry();
        without.as_object_mut().unwrap().remove("deleted_at");
        assert_eq!(
            of_frame(&frame(&without)),
            ["messages /messages/*: no member \"deleted_at\""]
        );
    }

    #[test]
    fn event_belongs_to_its_topic() {
        let payload = frame(&entry());
        for topic in [
            format!("stream:{SESSION}"),
            format!("chat:{}", SESSION.replace("a", "A").replace('-', "")),
            "chat".to_owned(),
            "chat:".to_owned(),
        ] {
            let kind = topic.split(':').next().unwrap_or_default();
            assert_eq!(
                violations(&topic, "messages", &payload),
                [format!("{kind} messages: not declared on such a topic")]
            );
        }
        assert_eq!(
            violations(&format!("chat:{}", Uuid::nil()), "messages", &payload),
            ["messages /session_id: not the one of the topic"]
        );
    }

    #[test]
    fn sightings_are_found_wherever_they_stand() {
        let (good, mut bad) = (frame(&entry()), frame(&entry()));
        bad["extra"] = json!(true);
        let seen = |payload: &Value| {
            let sighting = json!({"topic": "chat", "event": "messages", "payload": payload});
            violations_in_sightings(&json!({"viewer": [sighting]})).len()
        };
        assert_eq!((seen(&good), seen(&bad)), (0, 1));
        assert_eq!(seen(&json!({"forged": true})), 0);
        let unknown = json!([{"event": "surprise", "payload": {}}]);
        assert_eq!(violations_in_sightings(&unknown).len(), 1);
    }
}
