//! `events.ts`: what the database sends on each topic.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, Result};
use serde_json::Value;

use super::header::header;
use super::schema::{comment, pascal, referenced};

pub fn write(contract: &Value) -> Result<String> {
    let mut topics: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for event in contract["events"].as_array().context("has no events")? {
        let topic = event["topic"].as_str().context("has no topic")?;
        let kind = topic.split(':').next().unwrap_or(topic);
        topics.entry(kind).or_default().push(event);
    }
    let mut text = header("Topics, their events and the payloads of these.");
    text.push_str("import type * as Wire from './wire.ts'\n\n");
    text.push_str("/** The payload of each event, by the part of its topic before the colon. */\n");
    text.push_str("export interface TopicEvents {\n");
    for (kind, events) in &topics {
        writeln!(text, "    {kind}: {{")?;
        for event in events {
            let payload = referenced(&event["payload"]).context("has no payload")?;
            let name = event["event"].as_str().context("has no name")?;
            writeln!(
                text,
                "{}        {name}: Wire.{}",
                comment(event, "        "),
                pascal(payload)
            )?;
        }
        text.push_str("    }\n");
    }
    text.push_str("}\n\nexport type TopicKind = keyof TopicEvents\n\n");
    text.push_str("export const EVENTS: { readonly [Kind in TopicKind]: readonly (keyof TopicEvents[Kind])[] } = {\n");
    for (kind, events) in &topics {
        let names = events.iter().filter_map(|event| event["event"].as_str());
        let names: Vec<_> = names.map(|name| format!("'{name}'")).collect();
        writeln!(text, "    {kind}: [{}],", names.join(", "))?;
    }
    text.push_str("}\n");
    Ok(text)
}
