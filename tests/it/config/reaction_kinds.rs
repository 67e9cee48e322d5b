//! The setting with the kinds of reactions: which lists of names it takes.

use anyhow::{Context, Result, ensure};
use stream_tests::database::TestDatabase;
use tokio_postgres::error::SqlState;

fn assignment(kinds: &str) -> String {
    format!("update stream.config set reaction_kinds = {kinds} where id")
}

#[tokio::test]
async fn at_most_32_lower_snake_names_of_at_most_32_characters_are_taken() -> Result<()> {
    let database = TestDatabase::create().await?;
    let names = |count: usize| {
        let names: Vec<String> = (0..count).map(|number| format!("kind_{number}")).collect();
        format!("'{{{}}}'", names.join(","))
    };
    let long = |length: usize| format!("array[repeat('x', {length})]");
    for good in [
        "'{}'".to_owned(),
        "'{love}'".to_owned(),
        "array['a', 'bid_up', 'x2']".to_owned(),
        names(32),
        long(32),
    ] {
        let taken = database.change(&assignment(&good)).await;
        taken.with_context(|| good.clone())?;
    }
    for bad in [
        "array['Love']".to_owned(),
        "array['']".to_owned(),
        "array['2x']".to_owned(),
        "array['_x']".to_owned(),
        "array['a b']".to_owned(),
        "array['a,b']".to_owned(),
        "array['null']".to_owned(),
        "array['a', null]".to_owned(),
        "array['a\"b']".to_owned(),
        "array[E'a\\n']".to_owned(),
        "array['\u{e9}']".to_owned(),
        "array[array['a'], array['b']]".to_owned(),
        "'[0:1]={a,b}'".to_owned(),
        names(33),
        long(33),
    ] {
        let refused = database.owner.batch_execute(&assignment(&bad)).await;
        let refusal = refused.err().with_context(|| format!("{bad} was taken"))?;
        let refusal = refusal.as_db_error().context("no refusal")?;
        ensure!(
            *refusal.code() == SqlState::CHECK_VIOLATION,
            "{bad}: {refusal}"
        );
        let constraint = "config_reaction_kinds_are_32_lower_snake_names";
        ensure!(refusal.constraint() == Some(constraint), "{bad}: {refusal}");
    }
    Ok(())
}
