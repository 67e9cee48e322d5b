//! The SQL edition plans a statement once for each connection, and spends one transaction id on a call, however many items it has.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stream_tests::database::TestDatabase;
use stream_tests::own_cluster::OwnCluster;
use stream_tests::session::Session;
use uuid::Uuid;
use xtask::cluster::Options;
use xtask::edition::Edition;

/// More than the five executions for which Postgres tries plans of their own.
const CALLS_BEFORE: usize = 8;

const CALLS: usize = 20;

/// Statements within functions, and how often each was planned. The statement of a client is planned as the client asks for it.
const PLANS: &str = "
select coalesce(jsonb_object_agg(s.queryid::text, jsonb_build_array(s.plans, s.query)), '{}')
from (
    select s.queryid, sum(s.plans)::bigint as plans, min(s.query) as query
    from pg_stat_statements as s
    where not s.toplevel and s.dbid = (select d.oid from pg_catalog.pg_database as d where d.datname = current_database())
    group by s.queryid
) as s";

/// Calls of a viewer, and of the service for several of them.
async fn call_all(
    viewer: &Session,
    service: &Session,
    session: Uuid,
    users: &[Uuid],
    times: usize,
) -> Result<()> {
    for _ in 0..times {
        for (operation, arguments) in [
            (
                "send_message",
                json!({"session_id": session, "content": "Hello", "id": Uuid::new_v4()}),
            ),
            ("heartbeat", json!({"session_id": session})),
            (
                "generate_buyer_token",
                json!({"channel_id": session.to_string()}),
            ),
            ("sync", json!({"session_id": session, "after_seq": 0})),
            ("get_message_history", json!({"session_id": session})),
            ("join_stream", json!({"session_id": session})),
        ] {
            viewer.rpc_rows(operation, arguments).await?;
        }
        let items: Vec<Value> = users
            .iter()
            .map(|user| {
                json!({"session_id": session, "user_id": user, "content": "Hello", "id": Uuid::new_v4(), "foreground": true})
            })
            .collect();
        for (operation, arguments) in [
            ("heartbeats", json!({"items": items})),
            ("send_messages", json!({"items": items})),
            (
                "post_auction_update",
                json!({"session_id": session, "update": {"amount": 5}}),
            ),
        ] {
            service.rpc_rows(operation, arguments).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn statements_are_planned_once_for_each_connection() -> Result<()> {
    // Of its own: what others change in a cluster, and a vacuum, makes plans invalid.
    let own = OwnCluster::start(Options {
        settings: vec!["autovacuum=off".to_owned()],
        ..Options::temporary("edition-plans")?
    })?;
    let database = TestDatabase::of_edition_in(own.make_template("")?, Edition::Sql).await?;
    let superuser = database.superuser().await?;
    superuser
        .batch_execute(&format!(
            "create extension pg_stat_statements schema public;
             alter database {} set pg_stat_statements.track_planning = on",
            database.name()
        ))
        .await?;
    database
        .change("update stream.config set token_rate_per_minute = 1000000 where id")
        .await?;
    let session = database.start_stream().await?;
    let mut users = Vec::new();
    for name in ["ann", "bob", "cid"] {
        let user = database.add_user(name).await?;
        let joining = database.user(user).await?;
        joining
            .rpc("add_viewer", json!({"session_id": session}))
            .await?;
        users.push(user);
    }
    let viewer = database.user(users[0]).await?;
    let service = database.service().await?;
    call_all(&viewer, &service, session, &users, CALLS_BEFORE).await?;
    let plans = async || -> Result<Value> { Ok(superuser.query_one(PLANS, &[]).await?.get(0)) };
    let before = plans().await?;
    call_all(&viewer, &service, session, &users, CALLS).await?;
    let after = plans().await?;
    let planned = |of: &Value, id: &str| of[id][0].as_u64().unwrap_or_default();
    let statements = after.as_object().context("is an object")?;
    assert!(
        statements.len() > 40,
        "only {} statements",
        statements.len()
    );
    let again: Vec<_> = statements
        .iter()
        .map(|(id, statement)| (planned(&after, id) - planned(&before, id), &statement[1]))
        // Its table is that of the application, so it is a statement of its own each time (docs/performance.md).
        .filter(|(_, query)| {
            !query
                .as_str()
                .is_some_and(|text| text.contains("as u where u.id = $1 for key share skip locked"))
        })
        .filter(|(again, _)| *again > 0)
        .collect();
    assert!(
        again.is_empty(),
        "planned again in {CALLS} calls: {again:#?}"
    );
    Ok(())
}

/// How many transactions wrote the rows of users in a table: subtransactions that write take an id each.
async fn transactions(database: &TestDatabase, table: &str, session: Uuid) -> Result<i64> {
    database
        .value(&format!(
            "select count(distinct t.xmin::text) from stream.{table} as t where t.session_id = '{session}' and t.user_id is not null"
        ))
        .await
}

#[tokio::test]
async fn a_call_of_many_items_takes_no_transaction_id_for_each() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Sql).await?;
    let session = database.start_stream().await?;
    let mut users = Vec::new();
    for number in 0..30 {
        let user = database.add_user(&format!("user{number}")).await?;
        database
            .user(user)
            .await?
            .rpc("add_viewer", json!({"session_id": session}))
            .await?;
        users.push(user);
    }
    assert_eq!(
        transactions(&database, "stream_viewers", session).await?,
        30
    );
    let claims = |user: &Uuid| json!({"sub": user, "role": "authenticated"});
    let service = database.service().await?;

    let items: Vec<Value> = users
        .iter()
        .map(|user| json!({"session_id": session, "user_id": user, "claims": claims(user)}))
        .collect();
    let answers = service
        .rpc_rows("heartbeats", json!({"items": items}))
        .await?;
    assert!(
        answers.iter().all(|answer| answer["status"] == "ok"),
        "{answers:?}"
    );
    assert_eq!(transactions(&database, "stream_viewers", session).await?, 1);

    let items: Vec<Value> = users
        .iter()
        .map(|user| {
            json!({"session_id": session, "user_id": user, "content": "Hello", "id": Uuid::new_v4(), "claims": claims(user)})
        })
        .collect();
    let answers = service
        .rpc_rows("send_messages", json!({"items": items}))
        .await?;
    assert!(
        answers.iter().all(|answer| answer["status"] == "ok"),
        "{answers:?}"
    );
    assert_eq!(transactions(&database, "chat_messages", session).await?, 1);
    assert_eq!(transactions(&database, "stream_viewers", session).await?, 1);

    // A call of its own writes as its transaction, not as a subtransaction of it.
    let viewer = database.user(users[0]).await?;
    viewer.begin().await?;
    viewer
        .rpc_within(
            "send_message",
            json!({"session_id": session, "content": "Hello", "id": Uuid::new_v4()}),
        )
        .await?;
    viewer
        .rpc_within(
            "generate_buyer_token",
            json!({"channel_id": session.to_string()}),
        )
        .await?;
    let own = viewer
        .query_within("select to_json(pg_current_xact_id()::xid::text)")
        .await?;
    viewer.execute_within("commit").await?;
    for table in ["chat_messages", "chat_heads", "chat_relay", "agora_tokens"] {
        let newest: String = database
            .value(&format!(
                "select t.xmin::text from stream.{table} as t where t.session_id = '{session}' order by age(t.xmin) limit 1"
            ))
            .await?;
        assert_eq!(Some(&json!(newest)), own.first(), "{table}");
    }
    Ok(())
}
