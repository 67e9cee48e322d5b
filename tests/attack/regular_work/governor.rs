//! Somebody holds rows on which the governor of the quota depends, or a stream's relay row cannot be written: the plan is
//! made for all other streams, whoever does the regular work.

use anyhow::Result;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::database::TestDatabase;
use stream_tests::ticking::{Ticker, Ticking};
use tokio_postgres::Client;
use uuid::Uuid;

use super::{is_done, make_due, stream};

attacks! {
    hold_a_relay_row: the_worker_plans_beside_a_held_relay_row
        tick_plans_beside_a_held_relay_row
        the_loop_plans_beside_a_held_relay_row;
    break_a_relay_row: the_worker_plans_beside_a_relay_row_that_cannot_be_written
        tick_plans_beside_a_relay_row_that_cannot_be_written
        the_loop_plans_beside_a_relay_row_that_cannot_be_written;
    hold_the_plan: the_worker_goes_on_beside_whoever_holds_the_plan
        tick_goes_on_beside_whoever_holds_the_plan
        the_loop_goes_on_beside_whoever_holds_the_plan;
}

/// Two streams, which will have more viewers than the limit allows for.
async fn pressed(database: &TestDatabase) -> Result<(Uuid, Uuid)> {
    let first = database.stream_in(StreamState::Active).await?;
    let second = database.stream_in(StreamState::Active).await?;
    Ok((first, second))
}

const PRESS: &str = "update stream.config set realtime_messages_per_s = 100 where id;
    update stream.stream_sessions
    set viewer_count = 4000, peak_viewer_count = 4000, check_at = now() + interval '1 hour'";

fn has_window(id: Uuid) -> String {
    format!("select next_window_ms > 50 from stream.chat_relay where session_id = '{id}'")
}

async fn hold_a_relay_row(mut ticking: Ticking) -> Result<()> {
    let (held, other) = pressed(&ticking.database).await?;
    let holder = ticking.database.connect("postgres").await?;
    holder
        .batch_execute(&format!(
            "begin; select from stream.chat_relay where session_id = '{held}' for update"
        ))
        .await?;
    ticking.database.change(PRESS).await?;
    ticking.until(&has_window(other)).await?;
    assert!(!ticking.database.value::<bool>(&has_window(held)).await?);
    holder.batch_execute("rollback").await?;
    ticking.until(&has_window(held)).await
}

async fn break_a_relay_row(mut ticking: Ticking) -> Result<()> {
    let (broken, other) = pressed(&ticking.database).await?;
    ticking
        .database
        .change(&format!(
            "create function public.refuse() returns trigger language plpgsql as
             $$ begin raise 'not this one'; end $$;
             create trigger refuse before update on stream.chat_relay for each row
             when (new.session_id = '{broken}' and new.next_window_ms > 50)
             execute function public.refuse()"
        ))
        .await?;
    ticking.database.change(PRESS).await?;
    ticking.until(&has_window(other)).await?;
    ticking
        .until(&format!(
            "select exists (select from stream.troubles where rule = 'governor' and session_id = '{broken}')"
        ))
        .await?;
    ticking
        .database
        .change("drop trigger refuse on stream.chat_relay; update stream.troubles set next_attempt_at = now()")
        .await?;
    ticking.until(&has_window(broken)).await
}

const HOLDS_THE_PLAN: &str = "select exists (
    select from stream.doctor() as d
    where d.check_name = 'held_rows' and d.status = 'warning'
        and d.detail ~ 'pid [0-9]+ holds the row of the plan in stream.governor')";

const PLANS_AGAIN: &str = "select
    (select d.status from stream.doctor() as d where d.check_name = 'held_rows') = 'ok'
    and (select m.value from stream.metrics as m where m.name = 'pg_stream_realtime_plan_age_seconds') < 3";

/// Neither the row of the plan nor what was spent is waited for. No plan is made while its row is held, which is no failure of
/// the rule, so doctor() and the figures tell.
async fn hold_the_plan(mut ticking: Ticking) -> Result<()> {
    ticking
        .database
        .change("update stream.config set realtime_messages_per_s = 2500 where id")
        .await?;
    for table in ["governor", "realtime_spending", "realtime_sends"] {
        let id = stream(&ticking.database).await?;
        ticking
            .until("select planned_at > '-infinity' from stream.governor")
            .await?;
        let holder = hold_of_plan(&ticking.database, table).await?;
        let held_at: String = ticking
            .database
            .value("select clock_timestamp()::text")
            .await?;
        make_due(&ticking.database, &[id]).await?;
        ticking.until(&is_done(id)).await?;
        if table == "governor" {
            ticking.until(HOLDS_THE_PLAN).await?;
            let age = ticking
                .database
                .figure("pg_stream_realtime_plan_age_seconds", json!({}))
                .await?;
            assert!(age >= 3.0, "{age} s");
        } else {
            ticking
                .until(&format!(
                    "select planned_at > '{held_at}' from stream.governor"
                ))
                .await?;
        }
        let (status, detail) = ticking.database.check("troubles").await?;
        assert_eq!(status, "ok", "{table}: {detail}");
        holder.batch_execute("rollback").await?;
        ticking.until(PLANS_AGAIN).await?;
    }
    let (status, detail) = ticking.database.check("troubles").await?;
    assert_eq!(status, "ok", "{detail}");
    Ok(())
}

/// Holds all rows of one of the tables of a plan, among them some that the next plan takes.
async fn hold_of_plan(database: &TestDatabase, table: &str) -> Result<Client> {
    let plan = database.connect("postgres").await?;
    // Meanwhile nobody takes them.
    plan.batch_execute("begin; select from stream.governor for update")
        .await?;
    database
        .change(
            "insert into stream.realtime_sends (kind) values ('others');
             insert into stream.realtime_spending (at, others) values (now() - interval '3 hours', 1)",
        )
        .await?;
    if table == "governor" {
        return Ok(plan);
    }
    let holder = database.connect("postgres").await?;
    holder
        .batch_execute(&format!("begin; select from stream.{table} for update"))
        .await?;
    plan.batch_execute("rollback").await?;
    Ok(holder)
}
