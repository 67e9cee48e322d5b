//! Each kind of breaking change is refused, and each kind of addition is not.

use super::*;

fn contract() -> Value {
    json!({
        "operations": {
            "version": "1.0",
            "oldest_client": "1.0",
            "operations": {
                "mute": {
                    "description": "Mutes.",
                    "callers": ["authenticated", "service_role"],
                    "access": "write",
                    "repeat": {"safe": true, "with": "id"},
                    "errors": ["banned"],
                    "arguments": [
                        {"name": "id", "type": "uuid", "required": true},
                        {"name": "seconds", "type": "integer", "required": false, "default": null}
                    ],
                    "result": {"type": "restriction", "set": false, "null": false}
                }
            }
        },
        "types": {"$defs": {"restriction": {
            "type": "object",
            "required": ["kind", "until", "by", "log"],
            "properties": {
                "kind": {"type": "string", "enum": ["mute", "ban"]},
                "until": {"type": ["string", "null"], "format": "date-time"},
                "by": {"anyOf": [{"$ref": "#/$defs/user"}, {"type": "null"}]},
                "log": {"$ref": "#/$defs/log"}
            }
        }}},
        "events": {
            "events": [
                {"topic": "stream:<session_id>", "event": "state", "payload": {"$ref": "#/$defs/state"}}
            ],
            "$defs": {"state": {"type": "object", "properties": {"seq": {"type": "integer"}}}}
        },
        "errors": [{"code": "banned", "status": 403, "message": "you are banned"}]
    })
}

/// The contract with one change, at a place named as in JSON pointers.
fn changed(pointer: &str, value: Value) -> Value {
    let mut contract = contract();
    let place = contract.pointer_mut(pointer).expect("the place is there");
    *place = value;
    contract
}

fn without(pointer: &str, name: &str) -> Value {
    let mut contract = contract();
    let place = contract.pointer_mut(pointer).expect("the place is there");
    place.as_object_mut().expect("an object").remove(name);
    contract
}

const MUTE: &str = "/operations/operations/mute";
const FIELDS: &str = "/types/$defs/restriction/properties";

fn moved(contract: &Value, version: &str, oldest: &str) -> Value {
    let mut contract = contract.clone();
    contract["operations"]["version"] = version.into();
    contract["operations"]["oldest_client"] = oldest.into();
    contract
}

#[test]
fn what_clients_would_miss_is_refused_until_the_major_version_moves() {
    let at = |member: &str| format!("{MUTE}/{member}");
    let field = |name: &str| format!("{FIELDS}/{name}");
    let no_arguments = json!([{"name": "id", "type": "uuid", "required": true}]);
    let new_required = json!([
        {"name": "id", "type": "uuid", "required": true},
        {"name": "seconds", "type": "integer", "required": false, "default": null},
        {"name": "reason", "type": "text", "required": true}
    ]);
    for (expected, changed) in [
        (
            "operation mute is gone",
            without("/operations/operations", "mute"),
        ),
        (
            "argument seconds of mute is gone",
            changed(&at("arguments"), no_arguments),
        ),
        (
            "mute has a new required argument reason",
            changed(&at("arguments"), new_required),
        ),
        (
            "argument id of mute is of another type",
            changed(&at("arguments/0/type"), json!("text")),
        ),
        (
            "argument seconds of mute is required",
            changed(&at("arguments/1/required"), json!(true)),
        ),
        (
            "argument seconds of mute has another default",
            changed(&at("arguments/1/default"), json!(5)),
        ),
        (
            "authenticated may not call mute any more",
            changed(&at("callers"), json!(["service_role"])),
        ),
        (
            "mute is repeated in another way",
            changed(&at("repeat"), json!({"safe": false})),
        ),
        (
            "mute is of another access",
            changed(&at("access"), json!("read")),
        ),
        (
            "mute returns another type",
            changed(&at("result/type"), json!("text")),
        ),
        (
            "mute returns another type",
            changed(&at("result/set"), json!(true)),
        ),
        (
            "mute can return null",
            changed(&at("result/null"), json!(true)),
        ),
        (
            "types: restriction is gone",
            without("/types/$defs", "restriction"),
        ),
        ("field kind of restriction is gone", without(FIELDS, "kind")),
        (
            "field kind of restriction is never ban",
            changed(&field("kind/enum"), json!(["mute"])),
        ),
        (
            "field kind of restriction is of another type",
            changed(
                &field("kind"),
                json!({"type": "integer", "enum": ["mute", "ban"]}),
            ),
        ),
        (
            "field kind of restriction can be null",
            changed(
                &field("kind"),
                json!({"type": ["string", "null"], "enum": ["mute", "ban", null]}),
            ),
        ),
        (
            "field log of restriction can be null",
            changed(
                &field("log"),
                json!({"anyOf": [{"$ref": "#/$defs/log"}, {"type": "null"}]}),
            ),
        ),
        (
            "field until of restriction is of another type",
            changed(&field("until/format"), json!("date")),
        ),
        (
            "field by of restriction is of another type",
            changed(&field("by/anyOf/0/$ref"), json!("#/$defs/role")),
        ),
        (
            "events: stream:<session_id> state is gone",
            changed("/events/events", json!([])),
        ),
        ("events: state is gone", without("/events/$defs", "state")),
        (
            "field seq of state is gone",
            without("/events/$defs/state/properties", "seq"),
        ),
        (
            "events: stream:<session_id> state is another one",
            changed("/events/events/0/payload/$ref", json!("#/$defs/x")),
        ),
        ("errors: banned is gone", changed("/errors", json!([]))),
        (
            "errors: banned is another one",
            changed("/errors/0/status", json!(400)),
        ),
    ] {
        assert_eq!(breaks(&contract(), &changed), [expected]);
        for (version, oldest) in [("1.0", "1.0"), ("1.1", "1.0"), ("2.0", "1.0")] {
            let refusal =
                check(&contract(), &moved(&changed, version, oldest)).expect_err(expected);
            assert!(refusal.to_string().contains(expected), "{refusal}");
        }
        check(&contract(), &moved(&changed, "2.0", "2.0")).expect(expected);
    }
}

#[test]
fn additions_need_the_minor_version_to_move() {
    let field = |name: &str| format!("{FIELDS}/{name}");
    let mut operation = contract();
    operation["operations"]["operations"]["lift"] =
        contract()["operations"]["operations"]["mute"].clone();
    let mut argument = contract();
    argument["operations"]["operations"]["mute"]["arguments"]
        .as_array_mut()
        .expect("a list")
        .push(json!({"name": "reason", "type": "text", "required": false, "default": null}));
    for added in [
        operation,
        argument,
        changed(&format!("{MUTE}/errors"), json!(["banned", "muted"])),
        changed(&format!("{MUTE}/arguments/0/required"), json!(false)),
        changed(&field("kind/enum"), json!(["mute", "ban", "warning"])),
        changed(&field("until/type"), json!("string")),
        changed(&field("by"), json!({"$ref": "#/$defs/user"})),
    ] {
        assert_eq!(breaks(&contract(), &added), Vec::<String>::new());
        let refusal = check(&contract(), &added).expect_err("the version stands");
        assert!(refusal.to_string().contains("1.1"), "{refusal}");
        check(&contract(), &moved(&added, "1.1", "1.0")).expect("the version moved");
    }
}

#[test]
fn texts_for_people_may_change_and_no_client_is_newer_than_the_server() {
    let described = changed(&format!("{MUTE}/description"), json!("Mutes somebody."));
    check(&contract(), &described).expect("texts are for people");
    let reworded = changed("/errors/0/message", json!("banned"));
    check(&contract(), &reworded).expect("texts are for people");
    assert!(check(&contract(), &moved(&contract(), "1.1", "1.2")).is_err());
}
