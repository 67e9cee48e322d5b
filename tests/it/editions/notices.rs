//! Notices of Agora: both editions refuse the same ones, but for what stands in fields that nobody knows.

use anyhow::Result;
use stream_tests::database::TestDatabase;
use uuid::Uuid;
use xtask::edition::Edition;

/// What a notice is told with one more field.
async fn told(database: &TestDatabase, more: &str) -> Result<String> {
    let id = Uuid::new_v4();
    let notice = format!(
        r#"{{"noticeId": "{id}", "productId": 1, "eventType": 1, "notifyMs": 1, "payload": {{}}, "more": {more}}}"#
    );
    let call = "select concat(a.status, ' ', a.effect) from stream_ext.apply_webhook($1) as a";
    database
        .change("set search_path = pg_catalog, pg_temp")
        .await?;
    Ok(match database.owner.query_one(call, &[&notice]).await {
        Ok(row) => row.get(0),
        Err(error) => error
            .as_db_error()
            .map_or_else(|| error.to_string(), |error| error.code().code().to_owned()),
    })
}

fn nested(levels: usize) -> String {
    "[".repeat(levels) + &"]".repeat(levels)
}

#[tokio::test]
async fn both_editions_read_the_same_notices_but_for_fields_that_nobody_knows() -> Result<()> {
    let native = TestDatabase::of_edition(Edition::Native).await?;
    let sql = TestDatabase::of_edition(Edition::Sql).await?;
    for more in ["1", "1e308", "-1e308", "1e-999", "\"1e999\"", &nested(126)] {
        let wanted = told(&native, more).await?;
        assert!(wanted.contains("ignored"), "{more}: {wanted}");
        assert_eq!(told(&sql, more).await?, wanted, "{more}");
    }
    for more in ["", "nothing", "01", "1e", "[", "{\"a\": }", "\"\n\""] {
        assert_eq!(told(&native, more).await?, "PT400", "{more}");
        assert_eq!(told(&sql, more).await?, "PT400", "{more}");
    }
    // As docs/editions.md says.
    for more in ["1e309", "-1e999", &nested(127)] {
        assert_eq!(told(&native, more).await?, "PT400", "{more}");
        let said = told(&sql, more).await?;
        assert!(said.contains("ignored"), "{more}: {said}");
    }
    Ok(())
}
