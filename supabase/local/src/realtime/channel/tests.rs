//! Tests of channels: joining, renewing and replaying.

use serde_json::json;

use super::*;

#[test]
fn a_join_is_read_with_booleans_as_strings_too() {
    let payload = json!({
        "config": {
            "broadcast": {"ack": "true", "self": false, "replication_ready": true},
            "presence": {"key": "", "enabled": "false"},
            "postgres_changes": [],
            "private": true,
        },
        "access_token": "t",
    });
    assert_eq!(
        JoinRequest::parse(&payload),
        JoinRequest {
            private: true,
            acknowledges: true,
            announces_replication: true,
            access_token: Some("t".to_owned()),
            ..JoinRequest::default()
        }
    );
}

#[test]
fn an_empty_join_is_a_public_channel() {
    assert_eq!(JoinRequest::parse(&json!({})), JoinRequest::default());
    assert_eq!(JoinRequest::parse(&Value::Null), JoinRequest::default());
}
