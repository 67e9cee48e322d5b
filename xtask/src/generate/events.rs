//! `contract/events.json`: the topics, events and payloads of Realtime, from the composites with `@event`.
//!
//! Unlike `types.json` it names every member there is: the tests find a member that nobody declared.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::annotations::Annotated;
use super::catalogue::{Catalogue, Composite};
use super::types_json::{self, DIALECT, ObjectSchema};

#[derive(Debug, Serialize)]
struct EventsFile {
    #[serde(rename = "$schema")]
    dialect: &'static str,
    events: Vec<Event>,
    #[serde(rename = "$defs")]
    payloads: BTreeMap<String, ObjectSchema>,
}

/// One event of one topic.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Event {
    /// With the name of an id in angle brackets, as `stream:<session_id>`.
    topic: String,
    event: String,
    description: String,
    payload: Reference,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Reference {
    #[serde(rename = "$ref")]
    path: String,
}

pub fn write(catalogue: &Catalogue) -> Result<String> {
    super::json::pretty(&contract(catalogue)?)
}

fn contract(catalogue: &Catalogue) -> Result<EventsFile> {
    let mut events = Vec::new();
    let mut payloads = BTreeMap::new();
    for composite in &catalogue.composites {
        let comment = composite.annotated();
        if !comment.has("event") && !comment.has("topic") {
            continue;
        }
        let of_composite = declared(composite, &comment)
            .with_context(|| format!("the comment of type stream.{}", composite.name))?;
        events.extend(of_composite);
        add_payload(catalogue, composite, &mut payloads)?;
    }
    events.sort();
    if let Some(twice) = events
        .windows(2)
        .find(|pair| (&pair[0].topic, &pair[0].event) == (&pair[1].topic, &pair[1].event))
    {
        bail!(
            "two composites declare {} {}",
            twice[0].topic,
            twice[0].event
        );
    }
    Ok(EventsFile {
        dialect: DIALECT,
        events,
        payloads,
    })
}

fn declared(composite: &Composite, comment: &Annotated) -> Result<Vec<Event>> {
    let topics = comment.list("topic");
    if topics.is_empty() || !topics.iter().all(|topic| is_topic(topic)) {
        bail!("@topic lists names, or names with an id as in stream:<session_id>");
    }
    let names = comment.list("event");
    if names.is_empty() {
        bail!("@event names none");
    }
    let mut events = Vec::new();
    for topic in topics {
        events.extend(names.iter().map(|event| Event {
            topic: topic.clone(),
            event: event.clone(),
            description: comment.description.clone(),
            payload: Reference {
                path: format!("#/$defs/{}", composite.name),
            },
        }));
    }
    Ok(events)
}

fn is_topic(topic: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    match topic.split_once(':') {
        None => is_name(topic),
        Some((kind, id)) => {
            let id = id.strip_prefix('<').and_then(|id| id.strip_suffix('>'));
            is_name(kind) && id.is_some_and(is_name)
        }
    }
}

/// The composite and those that it holds.
fn add_payload(
    catalogue: &Catalogue,
    composite: &Composite,
    payloads: &mut BTreeMap<String, ObjectSchema>,
) -> Result<()> {
    let mut schema = types_json::object(catalogue, composite)
        .with_context(|| format!("the comments of type stream.{}", composite.name))?;
    schema.additional_properties = Some(false);
    let held: Vec<String> = schema.composites().map(str::to_owned).collect();
    if payloads.insert(composite.name.clone(), schema).is_some() {
        return Ok(());
    }
    for name in held {
        let held = catalogue
            .composite(&format!("stream.{name}"))
            .with_context(|| format!("there is no type stream.{name}"))?;
        add_payload(catalogue, held, payloads)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn composite(name: &str, comment: &str, fields: &[(&str, &str, &str)]) -> Value {
        let fields = fields.iter().map(|(name, type_name, comment)| {
            json!({"name": name, "type": type_name, "comment": comment})
        });
        json!({"name": name, "comment": comment, "fields": fields.collect::<Vec<_>>()})
    }

    fn written(composites: &[Value]) -> Result<Value> {
        let catalogue = json!({"functions": [], "composites": composites});
        let catalogue: Catalogue = serde_json::from_value(catalogue)?;
        Ok(serde_json::from_str(&write(&catalogue)?)?)
    }

    fn frame(comment: &str) -> Value {
        composite("frame", comment, &[("entries", "stream.entry[]", "")])
    }

    fn entry() -> Value {
        composite("entry", "An entry.", &[("text", "text", "Its text. @null")])
    }

    #[test]
    fn events_are_the_annotated_composites_and_what_they_hold() {
        let frame = frame("Some entries.\n@topic chat:<session_id>\n@event one, two");
        let other = composite("other", "Of no event.", &[("text", "text", "")]);
        let contract = written(&[entry(), frame, other]).unwrap();
        let event = |name: &str| {
            json!({
                "topic": "chat:<session_id>", "event": name, "description": "Some entries.",
                "payload": {"$ref": "#/$defs/frame"},
            })
        };
        assert_eq!(contract["events"], json!([event("one"), event("two")]));
        let of_two = written(&[
            entry(),
            composite("frame", "@topic live, user:<user_id> @event one", &[]),
        ]);
        let topics = |contract: Value| -> Vec<Value> {
            let events = contract["events"].as_array().unwrap().iter();
            events.map(|event| event["topic"].clone()).collect()
        };
        assert_eq!(topics(of_two.unwrap()), ["live", "user:<user_id>"]);
        assert_eq!(
            contract["$defs"],
            json!({
                "frame": {
                    "description": "Some entries.", "type": "object", "additionalProperties": false,
                    "required": ["entries"],
                    "properties": {"entries": {"type": "array", "items": {"$ref": "#/$defs/entry"}}},
                },
                "entry": {
                    "description": "An entry.", "type": "object", "additionalProperties": false,
                    "required": ["text"],
                    "properties": {"text": {"description": "Its text.", "type": ["string", "null"]}},
                },
            })
        );
    }

    #[test]
    fn half_declared_and_doubly_declared_events_are_refused() {
        for comment in [
            "@topic chat:<session_id>",
            "@event messages",
            "@topic chat:<session_id> @event",
            "@topic chat:session @event messages",
            "@topic chat:<session id> @event messages",
            "@topic live, chat:session @event messages",
        ] {
            assert!(written(&[entry(), frame(comment)]).is_err(), "{comment}");
        }
        let comment = "@topic live @event started";
        assert!(written(&[entry(), frame(comment)]).is_ok());
        let mut twin = frame(comment);
        twin["name"] = json!("twin");
        assert!(written(&[entry(), frame(comment), twin]).is_err());
    }
}
