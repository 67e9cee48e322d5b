//! Who reads the view: the service alone.

use anyhow::Result;
use stream_tests::database::TestDatabase;
use tokio_postgres::error::SqlState;

#[tokio::test]
async fn the_service_reads_the_view_and_nobody_else() -> Result<()> {
    let database = TestDatabase::create().await?;
    for (role, may) in [
        ("service_role", true),
        ("authenticated", false),
        ("anon", false),
    ] {
        let mut client = database.connect("authenticator").await?;
        let transaction = client.transaction().await?;
        transaction
            .batch_execute(&format!("set local role {role}"))
            .await?;
        let answer = transaction
            .query("select name, labels, value from stream.metrics", &[])
            .await;
        match answer {
            Ok(rows) => assert!(may && rows.len() > 10, "{role}: {} rows", rows.len()),
            Err(error) => {
                assert!(!may, "{role}: {error:?}");
                assert_eq!(
                    error.code(),
                    Some(&SqlState::INSUFFICIENT_PRIVILEGE),
                    "{role}"
                );
            }
        }
    }
    Ok(())
}
