//! One call carries the heartbeats of many devices, and a bad one costs only itself.

mod equality;
mod one_write;
mod refusals;

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use uuid::Uuid;

/// The statuses of the answers to a batch, in their order: those of the results, and the codes of the refusals.
async fn send_heartbeats(database: &TestDatabase, items: &Value) -> Result<Vec<Value>> {
    let service = database.service().await?;
    let answers = service
        .rpc_rows("heartbeats", json!({"items": items}))
        .await?;
    for (place, answer) in answers.iter().enumerate() {
        assert_eq!(answer["item"], place + 1);
    }
    Ok(answers
        .into_iter()
        .map(|answer| match answer["status"].as_str() {
            Some("ok") => answer["heartbeat"]["status"].clone(),
            _ => answer["status"].clone(),
        })
        .collect())
}

#[tokio::test]
async fn each_item_is_answered_at_its_place() -> Result<()> {
    let database = TestDatabase::create().await?;
    let first = database.stream_in(StreamState::Active).await?;
    let second = database.stream_in(StreamState::Active).await?;
    let ended = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(first, demo::ADA).await?;
    ada.rpc("add_viewer", json!({"session_id": first})).await?;
    database.viewer(second, demo::BEN).await?;
    database.viewer(ended, demo::ADA).await?;
    let service = database.service().await?;
    service
        .rpc("end_stream", json!({"session_id": ended}))
        .await?;
    for id in [first, second] {
        database.pass_time(id, 30).await?;
    }

    let items = json!([
        {"session_id": second, "user_id": demo::BEN},
        {"session_id": first, "user_id": demo::BEN},
        {"session_id": first, "user_id": demo::ADA, "join_no": 1},
        {"session_id": first, "user_id": demo::ADA, "join_no": 2, "foreground": false},
        {"session_id": Uuid::new_v4(), "user_id": demo::ADA},
        {"session_id": ended, "user_id": demo::ADA},
        {"session_id": first, "user_id": null},
        {"user_id": demo::ADA},
        {},
        {"session_id": first, "user_id": demo::SELLER},
        {"session_id": first, "user_id": demo::ADA, "unknown": [1]},
    ]);
    let statuses = send_heartbeats(&database, &items).await?;
    assert_eq!(
        json!(statuses),
        json!([
            "ok",
            "not_viewer",
            "superseded",
            // The last one about her does not say where the app is.
            "lock_timeout",
            "session_not_found",
            "stream_ended",
            "invalid_argument",
            "invalid_argument",
            "invalid_argument",
            // The host's.
            "ok",
            "ok",
        ])
    );
    // Thirty seconds ago they were seen last; only those who beat still hold a lease.
    for id in [first, second] {
        database.pass_time(id, 30).await?;
    }
    let swept = database.sweep().await?;
    assert_eq!(swept.rule("viewer_leases")?["rows"], 0);
    Ok(())
}

#[tokio::test]
async fn an_item_of_the_wrong_form_costs_only_itself() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    let good = json!({"session_id": id, "user_id": demo::ADA});
    for bad in [
        json!(null),
        json!(5),
        json!("text"),
        json!([]),
        json!({"session_id": "not a uuid", "user_id": demo::ADA}),
        json!({"session_id": id, "user_id": 5}),
        json!({"session_id": id, "user_id": demo::ADA, "join_no": "x"}),
        json!({"session_id": id, "user_id": demo::ADA, "join_no": 99_999_999_999_i64}),
        json!({"session_id": id, "user_id": demo::ADA, "foreground": "perhaps"}),
        json!({"session_id": {"a": 1}, "user_id": demo::ADA}),
    ] {
        let statuses = send_heartbeats(&database, &json!([good, bad, good]))
            .await
            .map_err(|error| error.context(bad.to_string()))?;
        assert_eq!(
            json!(statuses),
            json!(["ok", "invalid_argument", "ok"]),
            "{bad}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_last_item_about_a_viewer_decides_where_the_app_is() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    database.viewer(id, demo::ADA).await?;
    let item = |foreground: Value| json!({"session_id": id, "user_id": demo::ADA, "foreground": foreground});
    for (items, expected) in [
        (json!([item(json!(true)), item(json!(false))]), false),
        (json!([item(Value::Null)]), false),
        (json!([item(json!(false)), item(json!(true))]), true),
    ] {
        send_heartbeats(&database, &items).await?;
        let row = database.viewer_row(id, demo::ADA).await?;
        assert_eq!(row["foreground"], expected);
        assert_eq!(row["background_since"].is_null(), expected);
    }
    // The background counts here too.
    send_heartbeats(&database, &json!([item(json!(false))])).await?;
    for _ in 0..3 {
        database.pass_time(id, 20).await?;
        send_heartbeats(&database, &json!([item(Value::Null)])).await?;
    }
    assert_eq!(database.sweep().await?.handled()["viewer_leases"], 1);
    Ok(())
}

#[tokio::test]
async fn a_batch_is_an_array_of_at_most_a_thousand() -> Result<()> {
    let database = TestDatabase::create().await?;
    let service = database.service().await?;
    for items in [json!({}), json!(5), json!(true), Value::Null] {
        let call = service.rpc_rows("heartbeats", json!({"items": items}));
        database.refuses(ErrorCode::InvalidArgument, call).await?;
    }
    // The JSON null is not the SQL one.
    for items in ["null", "\"text\""] {
        let call = format!("select to_jsonb(h) from stream.heartbeats('{items}'::json) as h");
        database
            .refuses(ErrorCode::InvalidArgument, service.run(&call))
            .await?;
    }
    assert!(send_heartbeats(&database, &json!([])).await?.is_empty());
    let of = |count: usize| {
        json!(vec![
            json!({"session_id": Uuid::nil(), "user_id": Uuid::nil()});
            count
        ])
    };
    assert_eq!(send_heartbeats(&database, &of(1000)).await?.len(), 1000);
    let call = service.rpc_rows("heartbeats", json!({"items": of(1001)}));
    database.refuses(ErrorCode::InvalidArgument, call).await
}

#[tokio::test]
async fn users_do_not_beat_for_others() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(id, demo::ADA).await?;
    for caller in [ada, database.anon().await?] {
        let items = json!([{"session_id": id, "user_id": demo::ADA}]);
        let call = caller.rpc_rows("heartbeats", json!({"items": items}));
        database.refuses(ErrorCode::PermissionDenied, call).await?;
    }
    Ok(())
}

/// A viewer whose row is held costs the others nothing, and is answered without a write.
#[tokio::test]
async fn a_lease_that_somebody_holds_is_not_waited_for() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    for user in [demo::ADA, demo::BEN] {
        database.viewer(id, user).await?;
    }
    database.pass_time(id, 40).await?;
    let of = |user| json!({"session_id": id, "user_id": user});
    let items = json!([of(demo::BEN), of(demo::ADA), of(demo::CLEO)]);
    let holder = database.connect("postgres").await?;
    let hold = format!(
        "begin; select from stream.stream_viewers where user_id = '{}' for no key update",
        demo::ADA
    );
    holder.batch_execute(&hold).await?;
    assert_eq!(
        json!(send_heartbeats(&database, &items).await?),
        json!(["ok", "ok", "not_viewer"])
    );
    let ada = database.viewer_row(id, demo::ADA).await?;
    let ben = database.viewer_row(id, demo::BEN).await?;
    assert_ne!(
        ada["last_seen_at"], ben["last_seen_at"],
        "a held row was written"
    );
    holder.batch_execute("rollback").await?;
    assert_eq!(
        json!(send_heartbeats(&database, &json!([of(demo::ADA)])).await?),
        json!(["ok"])
    );
    // Both were seen, so neither lease is over.
    database.pass_time(id, 40).await?;
    assert!(database.sweep().await?.handled().is_empty());
    Ok(())
}

/// Two batches that name the same viewers in opposite orders.
#[tokio::test]
async fn batches_in_opposite_orders_do_not_deadlock() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = database.stream_in(StreamState::Active).await?;
    let mut items = Vec::new();
    for number in 0..200 {
        let user = database.add_user(&format!("viewer{number}")).await?;
        database.viewer(id, user).await?;
        items.push(json!({"session_id": id, "user_id": user}));
    }
    let mut connections = Vec::new();
    for number in 0..4 {
        let service = database.service().await?;
        if number % 2 == 1 {
            items.reverse();
        }
        let arguments = json!({"items": items});
        connections.push(tokio::spawn(async move {
            for _ in 0..10 {
                let answers = service.rpc_rows("heartbeats", arguments.clone()).await?;
                for answer in answers {
                    assert_eq!(answer["status"], "ok");
                }
            }
            Ok::<_, tokio_postgres::Error>(())
        }));
    }
    for connection in connections {
        connection.await??;
    }
    Ok(())
}

/// States of a server that stops, fails or lacks something, raised by a trigger of the application for one of them.
#[tokio::test]
async fn no_state_that_an_item_raises_throws_the_batch_away() -> Result<()> {
    for (state, code) in [
        ("57P01", "server_stopping"),
        ("53100", "disk_full"),
        ("53400", "resource_limit"),
        ("58030", "storage_failed"),
        ("25006", "read_only"),
    ] {
        let database = TestDatabase::create().await?;
        let session = database.stream_in(StreamState::Active).await?;
        for user in [demo::ADA, demo::BEN, demo::CLEO] {
            database.viewer(session, user).await?;
        }
        database
            .change(&format!(
                "create function public.fail() returns trigger language plpgsql
                     as $$ begin raise sqlstate '{state}'; end $$;
                 create trigger fail before update on stream.stream_viewers for each row
                     when (new.user_id = '{}') execute function public.fail()",
                demo::BEN
            ))
            .await?;
        let items: Value = [demo::ADA, demo::BEN, demo::CLEO]
            .map(|user| json!({"session_id": session, "user_id": user}))
            .into();
        let statuses = send_heartbeats(&database, &items).await?;
        assert_eq!(json!(statuses), json!(["ok", code, "ok"]), "{state}");
    }
    Ok(())
}
