//! What a sweep reports: every rule in one order, and the age of the oldest row.

use anyhow::Result;
use serde_json::{Value, json};
use stream_tests::database::TestDatabase;
use stream_tests::regular_work::RULES;

use super::{prepare, seconds};

#[tokio::test]
async fn every_sweep_reports_every_rule_in_one_order() -> Result<()> {
    let database = TestDatabase::create().await?;
    for _ in 0..2 {
        let swept = database.sweep().await?;
        let names: Vec<_> = swept.0.iter().map(|rule| rule["rule"].clone()).collect();
        assert_eq!(json!(names), json!(RULES));
        for rule in &swept.0 {
            assert_eq!(rule["rows"], 0);
            assert_eq!(rule["oldest_age"], Value::Null);
        }
        let id = prepare(&database, "paused_timeout").await?;
        database.pass_time(id, 4000).await?;
        // One ends the stream, the next checks it.
        database.sweep().await?;
        database.sweep().await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_oldest_of_several_is_reported() -> Result<()> {
    let database = TestDatabase::create().await?;
    for overdue in [50, 500, 5] {
        let id = prepare(&database, "paused_timeout").await?;
        database.pass_time(id, 3600 + overdue).await?;
        let id = prepare(&database, "expiring_tokens").await?;
        database.pass_time(id, 3600 + overdue).await?;
    }
    let swept = database.sweep().await?;
    for rule in ["paused_timeout", "tokens"] {
        let rule = swept.rule(rule)?;
        assert_eq!(rule["rows"], 3);
        let age = seconds(&database, &rule["oldest_age"]).await?;
        assert!((500.0..530.0).contains(&age), "{rule}");
    }
    Ok(())
}

#[tokio::test]
async fn the_age_of_an_old_log_counts_from_when_it_was_due() -> Result<()> {
    let database = TestDatabase::create().await?;
    let id = prepare(&database, "retention").await?;
    database.pass_time(id, 90 * 86_400 + 100).await?;
    let swept = database.sweep().await?;
    let age = seconds(&database, &swept.rule("retention")?["oldest_age"]).await?;
    assert!((100.0..130.0).contains(&age), "{age} s");
    Ok(())
}
