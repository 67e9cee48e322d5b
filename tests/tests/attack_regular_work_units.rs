//! Units of the regular work: who may end them, and when a stream that failed is tried again.

use anyhow::{Context, Result};
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::beat;
use stream_tests::waiting::wait_until;
use uuid::Uuid;

/// A stream that is counted by the next tick, and whose count takes a minute.
async fn slow_stream(database: &TestDatabase) -> Result<Uuid> {
    let seller = database.user(demo::SELLER).await?;
    let id = database.stream_in(StreamState::Active).await?;
    beat(&seller, id).await?;
    database.viewer(id, demo::ADA).await?;
    database
        .change(&format!(
            "create function public.attack() returns trigger language plpgsql as $$
             begin
                 perform pg_sleep(60);
                 return new;
             end
             $$;
             create trigger attack after update of viewer_count on stream.stream_sessions
             for each row when (new.id = '{id}') execute function public.attack()"
        ))
        .await?;
    Ok(id)
}

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
    let sqlstate: String = database
        .value(&format!(
            "select sqlstate from stream.troubles where session_id = '{id}'"
        ))
        .await?;
    assert_eq!(sqlstate, "57014");
    Ok(())
}

#[tokio::test]
async fn a_stream_in_trouble_is_tried_again_later_and_later() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = slow_stream(&database).await?;
    database
        .change(
            "create or replace function public.attack() returns trigger language plpgsql as $$
             begin
                 raise exception 'no';
             end
             $$",
        )
        .await?;
    let mut waits = Vec::new();
    for _ in 0..11 {
        database.tick().await?;
        let (attempts, wait): (i32, i32) = {
            let row = database
                .owner
                .query_one(
                    "select attempts, round(extract(epoch from next_attempt_at - clock_timestamp()) + 0.4)::integer
                     from stream.troubles where session_id = $1",
                    &[&id],
                )
                .await?;
            (row.get(0), row.get(1))
        };
        waits.push((attempts, wait));
        // Not before its time.
        database.tick().await?;
        let again: i32 = database
            .value("select attempts from stream.troubles")
            .await?;
        assert_eq!(again, attempts);
        database
            .change("update stream.troubles set next_attempt_at = now()")
            .await?;
    }
    let expected = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300];
    for ((attempts, wait), (number, most)) in waits.iter().zip((1..).zip(expected)) {
        assert_eq!(*attempts, number);
        assert!(
            (0..=most).contains(wait),
            "{wait} s after {attempts} attempts"
        );
        // A machine may stand still, but not for half of these.
        assert!(
            most < 64 || *wait > most / 2,
            "{wait} s after {attempts} attempts"
        );
    }
    Ok(())
}

/// A trigger that ticks would work in the middle of a unit.
#[tokio::test]
async fn a_tick_inside_a_unit_does_nothing() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = slow_stream(&database).await?;
    database
        .change(
            "create or replace function public.attack() returns trigger language plpgsql as $$
             begin
                 update stream.ticker set swept_at = '-infinity';
                 perform stream.tick();
                 perform stream.sweep();
                 return new;
             end
             $$",
        )
        .await?;
    database.tick().await?;
    assert_eq!(database.session_row(id).await?["viewer_count"], 1);
    let troubles: i64 = database
        .value("select count(*) from stream.troubles")
        .await?;
    assert_eq!(troubles, 0);
    Ok(())
}
