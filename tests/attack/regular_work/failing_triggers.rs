//! A trigger on one stream's row raises, sleeps, loops, or raises only at the end.

use anyhow::Result;
use stream_tests::database::TestDatabase;
use stream_tests::ticking::{Ticker, Ticking};
use uuid::Uuid;

use super::{is_done, make_due, stream};

attacks! {
    wait: the_worker_goes_on_beside_a_trigger_that_waits
        tick_goes_on_beside_a_trigger_that_waits
        the_loop_goes_on_beside_a_trigger_that_waits;
    raise: the_worker_goes_on_beside_a_trigger_that_raises
        tick_goes_on_beside_a_trigger_that_raises
        the_loop_goes_on_beside_a_trigger_that_raises;
    sleep: the_worker_goes_on_beside_a_trigger_that_sleeps
        tick_goes_on_beside_a_trigger_that_sleeps
        the_loop_goes_on_beside_a_trigger_that_sleeps;
    run_in_circles: the_worker_goes_on_beside_a_trigger_that_loops
        tick_goes_on_beside_a_trigger_that_loops
        the_loop_goes_on_beside_a_trigger_that_loops;
    pose_as_a_cancel: the_worker_goes_on_beside_a_trigger_that_poses_as_a_cancel
        tick_goes_on_beside_a_trigger_that_poses_as_a_cancel
        the_loop_goes_on_beside_a_trigger_that_poses_as_a_cancel;
    fail_an_assertion: the_worker_goes_on_beside_a_trigger_whose_assertion_fails
        tick_goes_on_beside_a_trigger_whose_assertion_fails
        the_loop_goes_on_beside_a_trigger_whose_assertion_fails;
    defer: the_worker_goes_on_beside_a_trigger_that_raises_at_commit
        tick_goes_on_beside_a_trigger_that_raises_at_commit
        the_loop_goes_on_beside_a_trigger_that_raises_at_commit;
}

/// Makes the trigger's body happen whenever the row of one stream is changed.
async fn attach(database: &TestDatabase, id: Uuid, kind: &str, body: &str) -> Result<()> {
    database
        .change(&format!(
            "create function public.attack() returns trigger language plpgsql as $$
             begin
                 if new.id = '{id}' and (new.state, new.viewer_count) is distinct from (old.state, old.viewer_count) then
                     {body}
                 end if;
                 return new;
             end
             $$;
             create {kind} for each row execute function public.attack()"
        ))
        .await
}

const AFTER: &str = "trigger attack after update on stream.stream_sessions";

/// The attacked stream is in trouble with this SQLSTATE, the other one is done; and it is mended.
async fn fail_one(mut ticking: Ticking, kind: &str, body: &str, sqlstate: &str) -> Result<()> {
    let database = &ticking.database;
    let attacked = stream(database).await?;
    let others = [stream(database).await?, stream(database).await?];
    attach(database, attacked, kind, body).await?;
    make_due(database, &[others[0], attacked, others[1]]).await?;
    for other in others {
        ticking.until(&is_done(other)).await?;
    }
    let in_trouble = format!(
        "select count(*) >= 2 and bool_and(sqlstate = '{sqlstate}') from stream.troubles
         where session_id = '{attacked}'"
    );
    ticking.until(&in_trouble).await?;
    let nobody_else = format!(
        "select count(*) = 0 from stream.troubles where session_id is distinct from '{attacked}'"
    );
    assert!(ticking.database.value::<bool>(&nobody_else).await?);
    let (status, detail) = ticking.database.check("troubles").await?;
    assert_ne!(status, "ok");
    let advice = if sqlstate == "55P03" {
        "waited for a lock"
    } else {
        "mend"
    };
    for what in [
        attacked.to_string().as_str(),
        sqlstate,
        "attempts since",
        advice,
    ] {
        assert!(detail.contains(what), "{what}: {detail}");
    }

    ticking
        .database
        .change(
            "drop trigger attack on stream.stream_sessions;
             update stream.troubles set next_attempt_at = now()",
        )
        .await?;
    ticking.until(&is_done(attacked)).await?;
    ticking
        .until("select count(*) = 0 from stream.troubles")
        .await
}

async fn raise(ticking: Ticking) -> Result<()> {
    // A state that is in no list of anybody's.
    let body = "raise exception 'no' using errcode = 'QQ123';";
    fail_one(ticking, AFTER, body, "QQ123").await
}

/// It gives up long before the unit is cut off.
async fn wait(ticking: Ticking) -> Result<()> {
    let holder = ticking.database.connect("postgres").await?;
    holder.batch_execute("create table public.held ()").await?;
    holder
        .batch_execute("begin; lock table public.held")
        .await?;
    fail_one(ticking, AFTER, "perform from public.held;", "55P03").await
}

/// As a foreign server does that cancels what a trigger asks of it.
async fn pose_as_a_cancel(ticking: Ticking) -> Result<()> {
    let body = "raise exception 'no' using errcode = 'query_canceled';";
    fail_one(ticking, AFTER, body, "57014").await
}

/// PL/pgSQL catches it only by its name.
async fn fail_an_assertion(ticking: Ticking) -> Result<()> {
    fail_one(ticking, AFTER, "assert false;", "P0004").await
}

async fn sleep(ticking: Ticking) -> Result<()> {
    fail_one(ticking, AFTER, "perform pg_sleep(60);", "57014").await
}

async fn run_in_circles(ticking: Ticking) -> Result<()> {
    fail_one(ticking, AFTER, "loop end loop;", "57014").await
}

async fn defer(ticking: Ticking) -> Result<()> {
    let kind = "constraint trigger attack after update on stream.stream_sessions
                deferrable initially deferred";
    fail_one(ticking, kind, "raise exception 'no';", "P0001").await
}
