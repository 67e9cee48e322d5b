//! A lost host whose heartbeat comes while somebody holds Realtime's table: nobody waits for it, and the stream comes back
//! when the table is free.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;

#[tokio::test]
async fn a_return_waits_for_no_table_and_comes_later() -> Result<()> {
    let database = TestDatabase::create().await?;
    // Whoever waits without end is ended by this, and fails.
    let timeout = format!(
        "alter database {} set statement_timeout = '20s'",
        database.name()
    );
    let superuser = database.superuser().await?;
    superuser.batch_execute(&timeout).await?;
    let today: String = database
        .value("select to_char(now() at time zone 'UTC', '\"messages_\"YYYY_MM_DD')")
        .await?;
    for table in ["messages", &today] {
        let session = database.stream_in(StreamState::Active).await?;
        let seller = database.user(demo::SELLER).await?;
        send_heartbeat(&seller, session).await?;
        database.viewer(session, demo::ADA).await?;
        database.pass_time(session, 30).await?;
        database.sweep().await?;
        let holder = database.superuser().await?;
        holder
            .batch_execute(&format!(
                "begin; lock table realtime.{table} in access exclusive mode"
            ))
            .await?;

        let alone = send_heartbeat(&seller, session).await?;
        assert_eq!(
            (&alone["state"], &alone["next_in_ms"]),
            (&json!("error"), &json!(1000))
        );
        let items = json!({"items": [
            {"session_id": session, "user_id": demo::ADA},
            {"session_id": session, "user_id": demo::SELLER},
        ]});
        let service = database.service().await?;
        let batch = async || -> Result<[Vec<Value>; 2]> {
            let answers = service.rpc_rows("heartbeats", items.clone()).await?;
            let part = |of: fn(&Value) -> &Value| {
                answers.iter().map(|answer| of(answer).clone()).collect()
            };
            Ok([
                part(|answer| &answer["status"]),
                part(|answer| &answer["heartbeat"]["state"]),
            ])
        };
        assert_eq!(batch().await?[0], ["ok", "lock_timeout"]);

        holder.batch_execute("rollback").await?;
        let [statuses, states] = batch().await?;
        assert_eq!(statuses, ["ok", "ok"]);
        assert_eq!(states[1], "active");
        let events = database.state_events(session).await?;
        assert_eq!(
            events.last().map(|event| event["state"].clone()),
            Some(json!("active"))
        );
    }
    Ok(())
}
