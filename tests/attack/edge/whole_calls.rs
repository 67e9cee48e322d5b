//! Calls in one statement: they take on a role and claims for their transaction alone, and give nobody a right.

use anyhow::{Context, Result, ensure};
use edge_api::upstream::sql::SqlUpstream;
use edge_api::upstream::{Call, Upstream, UpstreamError};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::direct_calls::{ask, call_for, plain_settings};
use tokio::time::Instant;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};
use uuid::Uuid;

/// More often than Postgres plans a kept statement for its values.
const OFTEN: usize = 8;

/// Everything that a call sets.
const SETTINGS: &str =
    "select jsonb_build_array(current_user, session_user, current_setting('role'),
     coalesce(current_setting('request.jwt.claims', true), ''),
     coalesce(current_setting('request.method', true), ''),
     coalesce(current_setting('request.path', true), ''), current_setting('lock_timeout'),
     current_setting('transaction_read_only'), current_setting('search_path'))";

async fn settings(client: &Client) -> Result<Value> {
    Ok(client.query_one(SETTINGS, &[]).await?.try_get(0)?)
}

fn claims_of(user: Uuid) -> String {
    json!({"sub": user, "role": "authenticated"}).to_string()
}

/// The user that the claims of a call name, by a statement that stays prepared or by one that does not.
async fn caller(client: &Client, role: &str, claims: &str, is_kept: bool) -> Result<Value, Error> {
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&role, &claims];
    const CALL: &str = "select stream_edge.user_id($1, $2, 'GET', '/here', '1234')";
    let row = if is_kept {
        client
            .query_one(&client.prepare(CALL).await?, &parameters)
            .await?
    } else {
        let text = tokio_postgres::types::Type::TEXT;
        let typed = parameters.map(|value| (value, text.clone()));
        client.query_typed_one(CALL, &typed).await?
    };
    Ok(row.try_get::<_, Option<Value>>(0)?.unwrap_or_default())
}

#[tokio::test]
async fn each_call_is_its_own_callers_and_leaves_nothing() -> Result<()> {
    let database = TestDatabase::create().await?;
    let client = database.connect("authenticator").await?;
    let before = settings(&client).await?;
    let (ada, seller) = (claims_of(demo::ADA), claims_of(demo::SELLER));
    for is_kept in [true, false] {
        for _ in 0..OFTEN {
            for (role, claims, expected) in [
                ("authenticated", &*ada, json!(demo::ADA)),
                ("authenticated", &*seller, json!(demo::SELLER)),
                ("service_role", "{}", Value::Null),
                // Of the call before nothing counts, though these say nothing.
                ("authenticated", "", Value::Null),
            ] {
                let found = caller(&client, role, claims, is_kept).await;
                assert_eq!(found.ok(), Some(expected), "{role} {claims}");
                assert_eq!(settings(&client).await?, before);
            }
            let refused = caller(&client, "authenticated", "no JSON", is_kept).await;
            ensure!(refused.is_err(), "{refused:?}");
            assert_eq!(settings(&client).await?, before);
        }
    }
    Ok(())
}

/// EXECUTE is judged as the role that was taken on, in every call anew.
#[tokio::test]
async fn a_role_without_the_grant_is_refused_also_behind_one_that_has_it() -> Result<()> {
    let database = TestDatabase::create().await?;
    let client = database.connect("authenticator").await?;
    let before = settings(&client).await?;
    let kept = client
        .prepare("select stream_edge.tick($1, '{}', '', '', '1000')")
        .await?;
    for _ in 0..OFTEN {
        client.query_one(&kept, &[&"service_role"]).await?;
        for role in ["authenticated", "anon"] {
            let refused = client.query_one(&kept, &[&role]).await;
            let refused = refused.err().with_context(|| format!("{role} may tick"))?;
            assert_eq!(refused.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
            assert_eq!(settings(&client).await?, before);
        }
    }
    database
        .change("revoke execute on function stream.tick() from service_role")
        .await?;
    let refused = client.query_one(&kept, &[&"service_role"]).await.err();
    let state = refused.as_ref().and_then(Error::code);
    assert_eq!(state, Some(&SqlState::INSUFFICIENT_PRIVILEGE));
    Ok(())
}

/// Under PostgREST the login role may become the service: who could call these would be it.
#[tokio::test]
async fn no_role_of_the_api_reaches_them_and_no_login_role_gains_one() -> Result<()> {
    let database = TestDatabase::create().await?;
    const CALL: &str = "select stream_edge.tick('service_role', '{}', '', '', '1000')";
    let client = database.connect("authenticator").await?;
    for role in ["anon", "authenticated", "service_role"] {
        client.batch_execute(&format!("set role {role}")).await?;
        let refused = client.simple_query(CALL).await.err();
        let state = refused.as_ref().and_then(Error::code);
        assert_eq!(state, Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{role}");
    }
    let stranger = format!("stranger_{}", database.name());
    let superuser = database.superuser().await?;
    superuser
        .batch_execute(&format!(
            "create role {stranger}; grant usage on schema stream_edge to {stranger};
             grant execute on all functions in schema stream_edge to {stranger};
             set session authorization {stranger}"
        ))
        .await?;
    let refused = superuser
        .simple_query(CALL)
        .await
        .err()
        .context("a stranger ticks")?;
    assert_eq!(refused.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
    let message = refused.as_db_error().map(|reported| reported.message());
    ensure!(
        message.is_some_and(|text| text.contains("set role")),
        "{message:?}"
    );
    Ok(())
}

/// An upstream with one connection, and the statements by which hooks were reached.
async fn watched(database: &TestDatabase) -> Result<SqlUpstream> {
    database
        .change(
            "create table public.reached (statement text, read_only text, method text);
             create or replace function stream.hook_username(user_id uuid) returns text
             language plpgsql set search_path = pg_catalog, pg_temp as $$
             begin
                 insert into public.reached values (current_query(),
                     current_setting('transaction_read_only'), current_setting('request.method'));
                 return 'somebody';
             end
             $$",
        )
        .await?;
    let url = database
        .environment
        .cluster
        .url("authenticator", database.name())?;
    Ok(SqlUpstream::new(plain_settings(&url, 1)?)?)
}

async fn statements(database: &TestDatabase) -> Result<Vec<String>> {
    let rows = database
        .owner
        .query("select left(statement, 18) from public.reached", &[])
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

fn message(stream: Uuid) -> Value {
    json!({"session_id": stream, "user_id": demo::SELLER, "content": "hello"})
}

#[tokio::test]
async fn a_login_role_without_the_right_is_served_in_four_messages() -> Result<()> {
    let database = TestDatabase::create().await?;
    let stream = database.stream_in(StreamState::Active).await?;
    let upstream = watched(&database).await?;
    let send = || ask(&upstream, demo::SELLER, "send_message", &message(stream));
    const WHOLE: &str = "select stream_edge";
    send()?.await?;
    assert_eq!(statements(&database).await?, [WHOLE]);

    database
        .change("revoke usage on schema stream_edge from authenticator")
        .await?;
    // A connection that has prepared the statement finds out when it runs it, another one when it prepares it.
    let url = database
        .environment
        .cluster
        .url("authenticator", database.name())?;
    let another = SqlUpstream::new(plain_settings(&url, 1)?)?;
    database
        .change("revoke execute on all functions in schema stream_edge from authenticator")
        .await?;
    for upstream in [&upstream, &another] {
        for _ in 0..3 {
            ask(upstream, demo::SELLER, "send_message", &message(stream))?.await?;
        }
    }
    let found = statements(&database).await?;
    assert_eq!(found.len(), 7);
    ensure!(found[1..].iter().all(|text| text != WHOLE), "{found:?}");
    Ok(())
}

#[tokio::test]
async fn a_refusal_of_the_role_is_told_from_one_of_the_operation() -> Result<()> {
    let database = TestDatabase::create().await?;
    let stream = database.stream_in(StreamState::Active).await?;
    let upstream = watched(&database).await?;
    database
        .change("revoke execute on function stream.send_message(uuid, uuid, text, uuid) from service_role")
        .await?;
    let send = || ask(&upstream, demo::SELLER, "send_message", &message(stream));
    for _ in 0..2 {
        let refused = send()?.await;
        let expected = UpstreamError::Refused {
            code: ErrorCode::PermissionDenied,
            retry_after_ms: None,
        };
        assert_eq!(refused.err(), Some(expected));
    }
    // It was the operation that was refused: calls go on in one statement.
    database
        .change(
            "grant execute on function stream.send_message(uuid, uuid, text, uuid) to service_role",
        )
        .await?;
    send()?.await?;
    assert_eq!(statements(&database).await?, ["select stream_edge"]);
    Ok(())
}

/// Of a call that is due in so much.
fn due_in(call: &Call, time: Duration) -> Arc<Call> {
    Arc::new(Call {
        deadline: Instant::now() + time,
        ..call.clone()
    })
}

/// The time of a statement is the session's, so one call must not keep that of another.
#[tokio::test]
async fn each_call_has_its_own_time() -> Result<()> {
    let database = TestDatabase::create().await?;
    let stream = database.stream_in(StreamState::Active).await?;
    let upstream = watched(&database).await?;
    database
        .change(
            "create or replace function stream.hook_username(user_id uuid) returns text
             language plpgsql set search_path = pg_catalog, pg_temp as $$
             begin
                 perform pg_sleep(1.5);
                 return current_setting('statement_timeout') || ' ' || current_setting('lock_timeout');
             end
             $$",
        )
        .await?;
    let call = call_for(demo::SELLER, "send_message", &message(stream))?;
    let times = [400, 20_000, 400, 6_400].map(Duration::from_millis);
    let mut answers = Vec::new();
    for time in times {
        answers.push(match upstream.call(due_in(&call, time)).await {
            Ok(answer) => {
                let answer: Value = serde_json::from_str(answer.get())?;
                answer["username"].as_str().context("no name")?.to_owned()
            }
            Err(error) => error.to_string(),
        });
    }
    let refused = "refused with statement_timeout";
    assert_eq!(answers[0], refused);
    // The longest there is.
    assert_eq!(answers[1], "8s 7500ms");
    assert_eq!(answers[2], refused);
    // Some have passed when the call goes out.
    let is_shorter = answers[3] != refused && !answers[3].starts_with("8s");
    ensure!(is_shorter, "{answers:?}");
    Ok(())
}
