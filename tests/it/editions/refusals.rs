//! Both editions raise the same errors: state, sentence, DETAIL and HINT.

use anyhow::{Context, Result};
use stream_core::error::ErrorCode;
use stream_tests::database::TestDatabase;
use xtask::edition::Edition;

/// The four fields of the error that a statement of the owner raises.
async fn raised(database: &TestDatabase, statement: &str) -> Result<[String; 4]> {
    let refusal = database.native(statement).await.expect_err("is refused");
    let refusal = refusal
        .downcast_ref::<tokio_postgres::Error>()
        .and_then(tokio_postgres::Error::as_db_error)
        .context("is raised by the database")?;
    let field = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Ok([
        refusal.code().code().to_owned(),
        refusal.message().to_owned(),
        field(refusal.detail()),
        field(refusal.hint()),
    ])
}

#[tokio::test]
async fn both_editions_raise_the_same_errors() -> Result<()> {
    let native = TestDatabase::of_edition(Edition::Native).await?;
    let sql = TestDatabase::of_edition(Edition::Sql).await?;
    let mut statements = vec![
        "select stream_ext.refuse('no_such_code')".to_owned(),
        "select stream_ext.take_rate(null, null)".to_owned(),
        "select stream_ext.enter_gate(null, true)".to_owned(),
        "select stream_ext.enter_gate('00000000-0000-4000-8000-000000000002', null)".to_owned(),
    ];
    for code in ErrorCode::ALL {
        let code = code.as_str();
        statements.push(format!("select stream_ext.refuse('{code}')"));
        statements.push(format!(
            "select stream_ext.refuse_with_hint('{code}', 'it''s \"exact\"')"
        ));
    }
    for statement in statements {
        let wanted = raised(&native, &statement).await?;
        assert_eq!(raised(&sql, &statement).await?, wanted, "{statement}");
    }
    Ok(())
}

/// A limit counts down in the same way, and says the same wait.
#[tokio::test]
async fn both_editions_count_a_rate_alike() -> Result<()> {
    for edition in Edition::ALL {
        let database = TestDatabase::of_edition(edition).await?;
        database
            .change("set search_path = pg_catalog, pg_temp")
            .await?;
        let taken: Vec<f64> = database
            .value(
                "with recursive calls (place, tat) as (
                     select 1, stream_ext.take_rate(3, null)
                     union all
                     select place + 1, stream_ext.take_rate(3, tat) from calls where place < 3
                 )
                 select array_agg(round(extract(epoch from tat - now()))::double precision order by place) from calls",
            )
            .await?;
        assert_eq!(taken, [20.0, 40.0, 60.0], "{}", edition.as_str());
        let beyond = "select stream_ext.take_rate(3, clock_timestamp() + interval '59.5 seconds')";
        let [state, _, detail, _] = raised(&database, beyond).await?;
        assert_eq!(state, "PT429");
        assert!(
            detail.contains("\"retry_after_ms\":19500")
                || detail.contains("\"retry_after_ms\":194"),
            "{detail}"
        );
        // A clock that was set back silences nobody.
        database
            .native("select stream_ext.take_rate(3, clock_timestamp() + interval '1 hour')")
            .await?;
    }
    Ok(())
}
