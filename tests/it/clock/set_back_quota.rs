//! A server whose clock was set back counts what broadcasts have cost of Realtime's quota as before.

use anyhow::Result;
use serde_json::{Value, json};
use stream_tests::database::TestDatabase;
use stream_tests::governor::Governed;

/// A stream under a limit of 100 a second that has used 60 of them for an hour, 10 of which never wait; then the clock goes
/// back.
async fn busy_hour(back: &str) -> Result<Governed> {
    let governed = Governed::start(100, 8).await?;
    governed
        .change(
            "insert into stream.realtime_spending (at, others, urgent)
             select date_bin('5 seconds', clock_timestamp(), '2000-01-01 00:00:00+00') - n * interval '5 seconds', 300, 50
             from generate_series(0, 719) as n",
        )
        .await?;
    governed
        .change(&format!(
            "update stream.realtime_spending set at = at + interval '{back}';
             update stream.governor set planned_at = planned_at + interval '{back}'"
        ))
        .await?;
    Ok(governed)
}

/// Messages of the last minute, by the sum that is shown, and how many of all were spent in it or ahead of it.
async fn counted(governed: &Governed) -> Result<Value> {
    governed
        .value(
            "select jsonb_build_object(
                 'ahead', coalesce(sum(others) filter (where at > clock_timestamp()), 0),
                 'last_minute', coalesce(sum(others) filter (
                     where at > clock_timestamp() - interval '60 seconds' and at <= clock_timestamp()), 0),
                 'all', sum(others))
             from stream.realtime_spending",
        )
        .await
}

#[tokio::test]
async fn an_hour_of_broadcasts_does_not_count_as_a_minute() -> Result<()> {
    for back in ["20 seconds", "1 hour", "400 days"] {
        let governed = busy_hour(back).await?;
        governed.database.tick().await?;
        let plan: Value = governed
            .value(
                "select jsonb_build_array(reason, is_over, planned_at <= clock_timestamp()) from stream.governor",
            )
            .await?;
        assert_eq!(plan, json!(["room", false, true]), "{back} back");
        assert_eq!(
            governed.windows().await?,
            json!([50, 50, null, 0]),
            "{back} back"
        );
    }
    Ok(())
}

/// Realtime counts by a clock of its own: what was spent in the minute before the clock was set back was spent.
#[tokio::test]
async fn the_last_minute_before_still_counts_and_the_hour_is_not_counted_twice() -> Result<()> {
    let governed = busy_hour("1 hour").await?;
    governed.database.tick().await?;
    let counted = counted(&governed).await?;
    assert_eq!(counted["ahead"], 0, "{counted}");
    let last_minute = counted["last_minute"].as_i64().unwrap_or(0);
    assert!((11 * 300..=12 * 300).contains(&last_minute), "{counted}");
    assert_eq!(counted["all"], 720 * 300, "{counted}");
    Ok(())
}

/// After a crash nobody knows when the last plan was, and a row that somebody holds keeps its time.
#[tokio::test]
async fn rows_that_stay_ahead_of_the_clock_count_for_no_minute() -> Result<()> {
    let governed = busy_hour("2 hours").await?;
    governed.change("truncate stream.governor").await?;
    governed.database.tick().await?;
    assert_eq!(counted(&governed).await?["ahead"], 720 * 300);
    let plan: Value = governed
        .value("select jsonb_build_array(reason, is_over) from stream.governor")
        .await?;
    assert_eq!(plan, json!(["room", false]));
    assert_eq!(governed.windows().await?, json!([50, 50, null, 0]));
    Ok(())
}

#[tokio::test]
async fn a_row_that_somebody_holds_is_left_where_it_is() -> Result<()> {
    let governed = busy_hour("2 hours").await?;
    let holder = governed.database.connect("postgres").await?;
    holder
        .batch_execute(
            "begin; select from stream.realtime_spending where at = (select max(at) from stream.realtime_spending) for update",
        )
        .await?;
    governed.database.tick().await?;
    assert_eq!(counted(&governed).await?["ahead"], 300);
    holder.batch_execute("rollback").await?;
    Ok(())
}

#[tokio::test]
async fn figures_leave_out_what_lies_ahead_of_the_clock() -> Result<()> {
    let database = TestDatabase::create().await?;
    database
        .change(
            "delete from stream.realtime_spending;
             update stream.config set realtime_messages_per_s = 100;
             insert into stream.realtime_spending (span_s, at, frames) values
                 (5, now() - interval '10 seconds', 600),
                 (5, now() + interval '10 minutes', 6000), (3600, now() + interval '400 days', 6000)",
        )
        .await?;
    for (name, labels, value) in [
        ("messages_per_second", json!({"kind": "frames"}), 10.0),
        ("budget_used_ratio", json!({}), 0.1),
        ("month_messages", json!({}), 600.0),
    ] {
        let name = format!("pg_stream_realtime_{name}");
        assert_eq!(database.figure(&name, labels).await?, value, "{name}");
    }
    Ok(())
}
