//! Cancels of the caller and its statement_timeout: the former ends the call, the latter a unit, which is noted.

use anyhow::{Context, Result};
use serde_json::json;
use stream_tests::database::TestDatabase;
use stream_tests::waiting::wait_until;
use uuid::Uuid;

use super::units::slow_stream;

/// The unit's own timer ends the unit, everybody else's the call.
#[tokio::test]
async fn a_cancel_of_the_caller_ends_the_call() -> Result<()> {
    let database = TestDatabase::create().await?;
    slow_stream(&database).await?;
    let service = database.service().await?;
    let backend = service.backend().await?;
    let tick = tokio::spawn(async move { service.rpc("tick", json!({})).await });
    let superuser = database.superuser().await?;
    wait_until(
        &superuser,
        &format!("select wait_event = 'PgSleep' from pg_stat_activity where pid = {backend}"),
    )
    .await?;
    superuser
        .execute("select pg_cancel_backend($1)", &[&backend])
        .await?;
    let refused = tick.await?.err().context("it went on")?;
    let code = refused.code().context("the connection broke")?;
    assert_eq!(code.code(), "57014");
    let troubles: i64 = database
        .value("select count(*) from stream.troubles")
        .await?;
    assert_eq!(troubles, 0);
    // And the next one is as ever.
    database.service().await?.rpc("tick", json!({})).await?;
    let troubles: i64 = database
        .value("select count(*) from stream.troubles")
        .await?;
    assert_eq!(troubles, 1);
    Ok(())
}

/// Else nothing would ever be noted, and every call fail.
#[tokio::test]
async fn a_unit_ends_before_the_callers_statement_timeout() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = slow_stream(&database).await?;
    database.change("set statement_timeout = '4s'").await?;
    database.change("select stream.tick()").await?;
    expect_noted(&database, id).await
}

/// The timer of a prepared statement runs from Bind on, which plans it; the statement's time is that of Execute, behind it.
#[tokio::test]
async fn a_unit_is_noted_whose_timer_began_before_its_statement() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = slow_stream(&database).await?;
    // Called by the planner, since it is immutable.
    database
        .change(
            "create function public.plan_slowly() returns boolean language plpgsql immutable as $$
             begin
                 perform pg_sleep(0.05);
                 return true;
             end
             $$;
             set statement_timeout = '4s'",
        )
        .await?;
    let statement = "select stream.tick() where public.plan_slowly()";
    let tick = database.owner.prepare(statement).await?;
    database.owner.query(&tick, &[]).await?;
    expect_noted(&database, id).await
}

async fn expect_noted(database: &TestDatabase, stream: Uuid) -> Result<()> {
    let sqlstate: String = database
        .value(&format!(
            "select sqlstate from stream.troubles where session_id = '{stream}'"
        ))
        .await?;
    assert_eq!(sqlstate, "57014");
    Ok(())
}
