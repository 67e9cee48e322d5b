//! The tables of docs/realtime.md against `contract/events.json`.

use std::fs;

use serde_json::Value;
use xtask::workspace;

fn read(path: &str) -> String {
    fs::read_to_string(workspace::root().join(path)).expect("is a file of the repository")
}

fn contract() -> Value {
    serde_json::from_str(&read("contract/events.json")).expect("is JSON")
}

/// The members of a payload, in the order of the composite.
fn members(contract: &Value, name: &str) -> String {
    let required = contract["$defs"][name]["required"].as_array();
    let members = required.expect("is a schema").iter();
    let members = members.map(|member| format!("`{}`", member.as_str().expect("is a name")));
    members.collect::<Vec<_>>().join(", ")
}

/// Topic, event and payload of each row of the table of topics.
fn documented(document: &str) -> Vec<[String; 3]> {
    let rows = document
        .lines()
        .skip_while(|line| !line.starts_with("| topic | event | payload |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let rows = rows.map(|row| {
        let mut cells = row.split('|').skip(1).map(|cell| cell.trim().to_owned());
        std::array::from_fn(|_| cells.next().unwrap_or_default())
    });
    rows.collect()
}

#[test]
fn table_of_topics_is_the_contract() {
    let contract = contract();
    let events = contract["events"].as_array().expect("is a list");
    let mut declared: Vec<[String; 3]> = events
        .iter()
        .map(|event| {
            let text = |value: &Value| value.as_str().expect("is a text").to_owned();
            let payload = text(&event["payload"]["$ref"]);
            let payload = payload.trim_start_matches("#/$defs/");
            [
                format!("`{}`", text(&event["topic"])),
                format!("`{}`", text(&event["event"])),
                members(&contract, payload),
            ]
        })
        .collect();
    let mut documented = documented(&read("docs/realtime.md"));
    declared.sort();
    documented.sort();
    assert_eq!(documented, declared);
}

#[test]
fn entry_of_a_frame_is_described_as_declared() {
    let sentence = format!(
        "An entry of `messages` has {},",
        members(&contract(), "log_entry")
    );
    assert!(read("docs/realtime.md").contains(&sentence), "{sentence}");
}
