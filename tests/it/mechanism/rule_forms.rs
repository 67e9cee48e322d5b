//! The rules that have a form in SQL and another by key: both decide the same, at the instant of their ends too.
//! Everything happens in one transaction, so that both go by the same time.

use anyhow::Result;
use serde_json::{Value, json};
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::session::Session;
use stream_tests::stream::send_message;
use uuid::Uuid;

/// No restriction, one that lasts until it is lifted, and ends around now.
const UNTIL: [&str; 9] = [
    "none",
    "null",
    "'-infinity'",
    "now() - interval '1 year'",
    "now() - interval '1 microsecond'",
    "now()",
    "now() + interval '1 microsecond'",
    "now() + interval '1 hour'",
    "'infinity'",
];

async fn users(database: &TestDatabase, count: usize) -> Result<Vec<Uuid>> {
    let mut users = Vec::with_capacity(count);
    for number in 0..count {
        users.push(database.add_user(&format!("user {number}")).await?);
    }
    Ok(users)
}

/// Each of them holds a lease.
async fn join(database: &TestDatabase, session: Uuid, users: &[Uuid]) -> Result<()> {
    for user in users {
        database.viewer(session, *user).await?;
    }
    Ok(())
}

/// Sending asks by key, and everything else asks the view.
#[tokio::test]
async fn a_restriction_is_in_force_by_key_as_in_statements() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let users = users(&database, UNTIL.len() * UNTIL.len()).await?;
    join(&database, session, &users).await?;
    let cases = UNTIL.iter().flat_map(|mute| {
        UNTIL
            .iter()
            .map(move |ban| [("mute", *mute), ("ban", *ban)])
    });
    let mut statements = String::from("begin;");
    for (user, restrictions) in users.iter().zip(cases) {
        for (kind, until) in restrictions.iter().filter(|(_, until)| *until != "none") {
            statements += &format!(
                "insert into stream.chat_restrictions (session_id, user_id, kind, until)
                 values ('{session}', '{user}', '{kind}', {until});"
            );
        }
    }
    database.owner.batch_execute(&statements).await?;
    let items: Vec<_> = users
        .iter()
        .map(|user| json!({"session_id": session, "user_id": user, "content": "hello"}))
        .collect();
    let rows = database
        .owner
        .query(
            "select m.status, case
                 when exists (select from stream_private.bans as b
                     where b.session_id = $1 and b.user_id = u.id) then 'banned'
                 when exists (select from stream_private.restrictions as r
                     where r.session_id = $1 and r.user_id = u.id and r.kind = 'mute' and r.is_in_force) then 'muted'
                 else 'ok' end
             from stream.send_messages($2::text::json) as m
             join unnest($3::uuid[]) with ordinality as u (id, item) on u.item = m.item
             order by m.item",
            &[&session, &json!(items).to_string(), &users],
        )
        .await?;
    database.owner.batch_execute("rollback").await?;
    assert_eq!(rows.len(), users.len());
    for (case, row) in rows.iter().enumerate() {
        let (mute, ban) = (UNTIL[case / UNTIL.len()], UNTIL[case % UNTIL.len()]);
        let (by_key, in_sql): (String, String) = (row.get(0), row.get(1));
        assert_eq!(by_key, in_sql, "mute {mute}, ban {ban}");
        // Written out, so that both cannot be wrong together.
        let holds = |until: &str| until == "null" || until == "'infinity'" || until.contains('+');
        let expected = match (holds(ban), holds(mute)) {
            (true, _) => "banned",
            (false, true) => "muted",
            (false, false) => "ok",
        };
        assert_eq!(by_key, expected, "mute {mute}, ban {ban}");
    }
    Ok(())
}

const SETTINGS: &str = "update stream.config set lease_s = 40, background_grace_s = 20 where id;";

/// (last sign of life, background since, whether the lease holds), in microseconds from now.
fn leases() -> Vec<(i64, Option<i64>, bool)> {
    const LEASE_US: i64 = 40_000_000;
    const GRACE_US: i64 = 20_000_000;
    let seen = [-LEASE_US - 1, -LEASE_US, -LEASE_US + 1, 0];
    let since = [
        None,
        Some(-GRACE_US - 1),
        Some(-GRACE_US),
        Some(-GRACE_US + 1),
        Some(0),
    ];
    let cases = seen
        .iter()
        .flat_map(|seen| since.iter().map(move |since| (*seen, *since)));
    cases
        .map(|(seen, since)| {
            let holds = seen > -LEASE_US && since.is_none_or(|since| since > -GRACE_US);
            (seen, since, holds)
        })
        .collect()
}

#[tokio::test]
async fn the_sweep_closes_exactly_the_leases_that_do_not_hold() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let cases = leases();
    let users = users(&database, cases.len()).await?;
    join(&database, session, &users).await?;
    let mut statements = format!("begin; {SETTINGS}");
    for (user, (seen, since, _)) in users.iter().zip(&cases) {
        let since = since.map_or("null".to_owned(), |since| {
            format!("now() + {since} * interval '1 microsecond'")
        });
        statements += &format!(
            "update stream.stream_viewers
             set last_seen_at = now() + {seen} * interval '1 microsecond', background_since = {since},
                 lease_check_at = now()
             where session_id = '{session}' and user_id = '{user}';"
        );
    }
    database.owner.batch_execute(&statements).await?;
    let held = "select array_agg(v.user_id) from stream_private.leases as v where v.session_id = $1 and v.holds";
    let before: Vec<Uuid> = database.owner.query_one(held, &[&session]).await?.get(0);
    let counted: i32 = database
        .owner
        .query_one("select stream.get_viewer_count($1)", &[&session])
        .await?
        .get(0);
    database.owner.execute("select stream.sweep()", &[]).await?;
    let left: Vec<Uuid> = database
        .owner
        .query_one(
            "select array_agg(v.user_id) from stream.stream_viewers as v where v.session_id = $1 and v.is_active",
            &[&session],
        )
        .await?
        .get(0);
    database.owner.batch_execute("rollback").await?;
    for (user, (seen, since, holds)) in users.iter().zip(&cases) {
        assert_eq!(before.contains(user), *holds, "view: {seen} {since:?}");
        assert_eq!(left.contains(user), *holds, "sweep: {seen} {since:?}");
    }
    let expected = cases.iter().filter(|(_, _, holds)| *holds).count();
    assert_eq!(usize::try_from(counted)?, expected);
    Ok(())
}

/// SQLSTATE and hint of a refusal; nothing where the call was not refused.
async fn refusal(caller: &Session, function: &str, arguments: Value) -> Option<(String, String)> {
    let error = caller.rpc_rows(function, arguments).await.err()?;
    let error = error.as_db_error()?;
    Some((
        error.code().code().to_owned(),
        error.hint().unwrap_or_default().to_owned(),
    ))
}

/// Lists of native code, and those of bodies in plpgsql.
#[tokio::test]
async fn a_page_has_the_same_limits_in_native_code_and_in_sql() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let seller = database.user(demo::SELLER).await?;
    let mut refused = 0;
    for size in [
        json!(null),
        json!(i32::MIN),
        json!(0),
        json!(1),
        json!(200),
        json!(201),
        json!(i32::MAX),
    ] {
        let arguments = json!({"session_id": session, "page_size": size});
        let native = refusal(&seller, "list_restrictions", arguments.clone()).await;
        let in_sql = refusal(&seller, "list_reports", arguments).await;
        assert_eq!(native, in_sql, "{size}");
        refused += usize::from(native.is_some());
    }
    assert_eq!(refused, 5);
    Ok(())
}

/// Reasons of moderators, and those of reports.
#[tokio::test]
async fn a_reason_has_the_same_limit_in_native_code_and_in_sql() -> Result<()> {
    let database = TestDatabase::create().await?;
    let session = database.stream_in(StreamState::Active).await?;
    let ada = database.viewer(session, demo::ADA).await?;
    let ben = database.viewer(session, demo::BEN).await?;
    let mut refused = 0;
    for characters in [0, 1, 200, 201, 1000] {
        let message = send_message(&ada, session, &format!("message {characters}")).await?;
        let arguments = json!({
            "session_id": session, "message_id": message["id"], "reason": "ü".repeat(characters),
        });
        let in_sql = refusal(&ben, "report_message", arguments.clone()).await;
        let native = refusal(&ada, "delete_message", arguments).await;
        assert_eq!(native, in_sql, "{characters}");
        refused += usize::from(native.is_some());
    }
    assert_eq!(refused, 2);
    Ok(())
}
