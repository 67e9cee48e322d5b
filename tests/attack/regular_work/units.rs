//! Units of the regular work: what ends them, and when a stream that failed is tried again.

use anyhow::Result;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::demo;
use stream_tests::heartbeat::send_heartbeat;
use stream_tests::ticking::database_with_worker;
use stream_tests::waiting::wait_until;
use uuid::Uuid;

/// A stream that is counted by the next tick, and whose count takes a minute.
pub async fn slow_stream(database: &TestDatabase) -> Result<Uuid> {
    let seller = database.user(demo::SELLER).await?;
    let id = database.stream_in(StreamState::Active).await?;
    send_heartbeat(&seller, id).await?;
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

/// Each attempt takes two seconds, so a server that stops would wait for them one after the other.
#[tokio::test]
async fn a_worker_that_is_to_end_begins_no_further_unit() -> Result<()> {
    let (_own, database) = database_with_worker("regular-work-ends").await?;
    let ids = [
        database.stream_in(StreamState::Active).await?,
        database.stream_in(StreamState::Active).await?,
    ];
    let superuser = database.superuser().await?;
    // The owner cannot log in, so that no other worker follows.
    superuser
        .batch_execute(
            "create function public.attack() returns trigger language plpgsql as $$
             begin
                 perform pg_sleep(60);
                 return new;
             end
             $$;
             create trigger attack after update of viewer_count on stream.stream_sessions
             for each row execute function public.attack();
             alter role postgres nologin",
        )
        .await?;
    for id in ids {
        database.viewer(id, demo::ADA).await?;
    }
    let worker: i32 = superuser
        .query_one(
            "select pid from pg_stat_activity where backend_type = 'pg_stream_ext worker'",
            &[],
        )
        .await?
        .get(0);
    wait_until(
        &superuser,
        &format!("select wait_event = 'PgSleep' from pg_stat_activity where pid = {worker}"),
    )
    .await?;
    superuser
        .execute("select pg_terminate_backend($1)", &[&worker])
        .await?;
    wait_until(
        &superuser,
        &format!("select count(*) = 0 from pg_stat_activity where pid = {worker}"),
    )
    .await?;
    let attempts: i64 = database
        .value("select coalesce(sum(attempts), 0)::bigint from stream.troubles")
        .await?;
    assert_eq!(attempts, 1);
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

/// All streams wait for it then, and what it failed at is often over soon: a table that somebody locked.
#[tokio::test]
async fn a_rule_that_fails_altogether_is_tried_again_soon() -> Result<()> {
    let database = TestDatabase::create().await?;
    let superuser = database.superuser().await?;
    superuser
        .batch_execute("begin; lock table stream.agora_tokens in access exclusive mode")
        .await?;
    for _ in 0..11 {
        database.tick().await?;
        database
            .change("update stream.troubles set next_attempt_at = now() - interval '1 second'")
            .await?;
    }
    database.tick().await?;
    let row = database
        .owner
        .query_one(
            "select rule, sqlstate, attempts, session_id is null,
                 next_attempt_at between clock_timestamp() - interval '30 seconds'
                     and clock_timestamp() + interval '8 seconds'
             from stream.troubles where rule = 'tokens'",
            &[],
        )
        .await?;
    let trouble: (String, String, i32, bool, bool) =
        (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4));
    let expected = ("tokens".to_owned(), "55P03".to_owned(), 12, true, true);
    assert_eq!(trouble, expected);
    superuser.batch_execute("rollback").await?;
    database
        .change("update stream.troubles set next_attempt_at = now()")
        .await?;
    database.tick().await?;
    let (status, detail) = database.check("troubles").await?;
    assert_eq!(status, "ok", "{detail}");
    Ok(())
}

/// A heartbeat that finds no ticker sends, in a scope of its own, and the unit's timer would end with that.
#[tokio::test]
async fn a_heartbeat_inside_a_unit_leaves_the_units_timer_running() -> Result<()> {
    let database = TestDatabase::create().await?;
    let (id, other) = (
        slow_stream(&database).await?,
        database.stream_in(StreamState::Active).await?,
    );
    database.viewer(other, demo::ADA).await?;
    database.append_messages(other, 3, 10).await?;
    database
        .change(&format!(
            "update stream.chat_relay set flushed_seq = 0 where session_id = '{other}';
             create or replace function public.attack() returns trigger language plpgsql as $$
             begin
                 perform stream.heartbeats(json_build_array(json_build_object(
                     'session_id', '{other}', 'user_id', '{ada}')));
                 perform pg_sleep(60);
                 return new;
             end
             $$",
            ada = demo::ADA,
        ))
        .await?;
    database.tick().await?;
    let sqlstate: String = database
        .value(&format!(
            "select sqlstate from stream.troubles where session_id = '{id}'"
        ))
        .await?;
    assert_eq!(sqlstate, "57014");
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
