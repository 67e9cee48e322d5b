//! The rules about text in SQL agree with stream_core, character by character.

use anyhow::Result;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use stream_core::blocked_term::{pattern, searchable};
use stream_core::chat::{Content, display_name};
use stream_tests::database::TestDatabase;
use xtask::edition::Edition;

/// What the four functions answer for a text; a refusal as its code.
const ANSWERS: &str = "
create function pg_temp.answers(content text) returns text[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    kept text;
    detail text;
begin
    begin
        kept := concat('=', stream_ext.core_content(content));
    exception
        when others then
            get stacked diagnostics detail = pg_exception_detail;
            kept := detail::jsonb ->> 'code';
    end;
    return array[
        kept, stream_ext.core_display_name(content), stream_ext.core_searchable(content), stream_ext.core_pattern(content)];
end
$$";

fn wanted(text: &str) -> Vec<Option<String>> {
    let content = match Content::parse(text) {
        Ok(content) => format!("={}", content.as_str()),
        Err(code) => code.as_str().to_owned(),
    };
    vec![
        Some(content),
        display_name(text),
        Some(searchable(text)),
        pattern(text),
    ]
}

/// Texts of all kinds: ordinary ones, of every script, of what combines, and of what is forbidden or invisible.
pub fn texts() -> Vec<String> {
    let strategy = prop_oneof![
        "[ -~]{0,60}",
        "[ \\r\\n\\t\u{200B}\u{2000}e\u{301}\u{327}a\u{AD}\u{202E}\u{2028}\u{3164}]{0,40}",
        "[\u{C0}-\u{24F}\u{370}-\u{3FF}\u{FB00}-\u{FB4F}\u{FF00}-\u{FFEF}\u{1E00}-\u{1EFF}]{0,30}",
        "[\u{AC00}-\u{D7A3}\u{3040}-\u{30FF}\u{4E00}-\u{4EFF}\u{E00}-\u{E7F}]{0,20}",
        "\\PC{0,40}",
        any::<String>().prop_map(|text| text.replace('\0', "")),
        "[a\u{E9}]{1990,2010}",
    ];
    let mut runner = TestRunner::new(property_seed::config(1));
    (0..512)
        .map(|_| {
            let tree = strategy.new_tree(&mut runner).expect("a text");
            tree.current()
        })
        .collect()
}

pub async fn expect_agreement(database: &TestDatabase, texts: &[String]) -> Result<()> {
    database.change(ANSWERS).await?;
    for text in texts {
        let row = database
            .owner
            .query_one("select pg_temp.answers($1)", &[text])
            .await?;
        let answers: Vec<Option<String>> = row.get(0);
        assert_eq!(answers, wanted(text), "{text:?}");
    }
    Ok(())
}

#[tokio::test]
async fn random_texts_are_judged_as_by_stream_core() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Sql).await?;
    expect_agreement(&database, &texts()).await
}

/// Every character alone, between letters, in one text of each plane's part.
#[tokio::test]
async fn every_character_is_searched_as_by_stream_core() -> Result<()> {
    let database = TestDatabase::of_edition(Edition::Sql).await?;
    let all: Vec<char> = ('\u{1}'..=char::MAX)
        .filter(|character| {
            u32::from(*character) < 0x32000 || (0xE0000..0xE0200).contains(&u32::from(*character))
        })
        .collect();
    let texts: Vec<String> = all
        .chunks(1000)
        .map(|characters| {
            characters
                .iter()
                .flat_map(|character| ['x', *character, 'y'])
                .collect()
        })
        .collect();
    for text in &texts {
        let row = database
            .owner
            .query_one("select stream_ext.core_searchable($1)", &[text])
            .await?;
        let answer: String = row.get(0);
        assert!(answer == searchable(text), "{:?}", text.chars().nth(1));
    }
    Ok(())
}
