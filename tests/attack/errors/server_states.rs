//! A server that lacks something is named to the caller of the edge, and is no internal error.
//! `tests/e2e/outage.rs` plays servers that go away.

use anyhow::Result;
use serde_json::json;
use stream_core::error::ErrorCode;
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use stream_tests::services::Services;
use stream_tests::services::answer::Answer;
use stream_tests::services::edge::expect_problem;
use stream_tests::services::request::Request;
use stream_tests::stream::send_message;
use uuid::Uuid;

async fn send(services: &Services, stream: Uuid) -> Result<Answer> {
    Request::post(format!("/v1/streams/{stream}/messages"))
        .bearer(&services.token_of(demo::SELLER))
        .json(&json!({"content": "hi"}))
        .send(&services.edge_url)
        .await
}

/// Lets every message run a statement as the table's owner.
fn at_every_message(statement: &str) -> String {
    format!(
        "create or replace function public.fail() returns trigger language plpgsql
             as $$ begin {statement} return new; end $$;
         create or replace trigger fail before insert on stream.chat_messages
             for each row execute function public.fail()"
    )
}

#[tokio::test]
async fn a_limit_of_the_server_is_named() -> Result<()> {
    let services = Services::start().await?;
    let database = &services.database;
    let stream = database.stream_in(StreamState::Active).await?;
    let superuser = database.superuser().await?;
    // More than fits into the memory of a sort, and into the files that the limit allows.
    let sort = "perform from (select md5(n::text) as x from generate_series(1, 50000) as n) as s order by s.x;";
    superuser.batch_execute(&at_every_message(sort)).await?;
    send(&services, stream).await?.ok()?;
    superuser
        .batch_execute(&format!(
            "alter function public.fail() set work_mem = '64kB';
             alter database \"{}\" set temp_file_limit = '64kB'",
            database.name()
        ))
        .await?;
    end_connections(&services).await?;
    expect_problem(&send(&services, stream).await?, ErrorCode::ResourceLimit)?;
    // Over RPC it is Postgres's own state.
    let seller = database.user(demo::SELLER).await?;
    let refused = send_message(&seller, stream, "hi")
        .await
        .expect_err("it is refused");
    assert_eq!(refused.code().map(|code| code.code()), Some("53400"));
    Ok(())
}

/// So that settings of the database hold for the edge.
async fn end_connections(services: &Services) -> Result<()> {
    let superuser = services.database.superuser().await?;
    superuser
        .execute(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity
             where datname = current_database() and application_name = 'edge_api'",
            &[],
        )
        .await?;
    let ready = Request::get("/readyz");
    // The first may still meet a connection that is gone.
    let _ = ready.send(&services.edge_url).await?;
    Ok(())
}

#[tokio::test]
async fn every_state_that_a_server_reports_has_its_own_problem() -> Result<()> {
    let services = Services::start().await?;
    let database = &services.database;
    let stream = database.stream_in(StreamState::Active).await?;
    let superuser = database.superuser().await?;
    for (state, code) in [
        ("53100", ErrorCode::DiskFull),
        ("53200", ErrorCode::OutOfMemory),
        ("53300", ErrorCode::TooManyConnections),
        ("53400", ErrorCode::ResourceLimit),
        ("58030", ErrorCode::StorageFailed),
        ("57P02", ErrorCode::ServerCrashed),
        ("57P03", ErrorCode::ServerStarting),
        ("22P05", ErrorCode::InvalidEscape),
        ("22003", ErrorCode::OutOfRange),
    ] {
        let raise = format!("raise sqlstate '{state}' using message = 'secret path';");
        superuser.batch_execute(&at_every_message(&raise)).await?;
        let answer = send(&services, stream).await?;
        expect_problem(&answer, code)?;
        assert!(!answer.json().to_string().contains("secret"), "{state}");
    }
    superuser
        .batch_execute("drop trigger fail on stream.chat_messages")
        .await?;
    send(&services, stream).await?.ok()?;
    Ok(())
}
