//! The results that the HTTP tests of `edge_api` take for those of the database are the database's:
//! one of each operation, through the running edge. `cargo x fixtures` writes them.

mod scenario;
mod stable;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{env, fs};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use stream_tests::services::Services;
use xtask::fixtures::{DIRECTORY, WRITE_VARIABLE};
use xtask::workspace;

/// By the name of the operation.
type Fixtures = BTreeMap<String, String>;

fn directory() -> PathBuf {
    workspace::root().join(DIRECTORY)
}

fn committed() -> Result<Fixtures> {
    let mut fixtures = Fixtures::new();
    for file in fs::read_dir(directory())? {
        let path = file?.path();
        let name = path.file_stem().and_then(|name| name.to_str());
        let name = name.context("a fixture without a name")?.to_owned();
        fixtures.insert(name, fs::read_to_string(&path)?);
    }
    Ok(fixtures)
}

fn write(fixtures: &Fixtures) -> Result<()> {
    fs::create_dir_all(directory())?;
    for name in committed()?.keys() {
        if !fixtures.contains_key(name) {
            fs::remove_file(directory().join(format!("{name}.json")))?;
        }
    }
    for (name, text) in fixtures {
        fs::write(directory().join(format!("{name}.json")), text)?;
    }
    Ok(())
}

#[tokio::test]
async fn the_fixtures_of_the_edge_are_answers_of_the_database() -> Result<()> {
    let services = Services::start().await?;
    let played = play(&services).await?;
    if env::var_os(WRITE_VARIABLE).is_some() {
        return write(&played);
    }
    compare(&played)
}

/// Each operation through a real call of PostgREST's stand-in: the same answers, byte for byte.
#[tokio::test]
async fn through_postgrest_every_answer_is_the_same() -> Result<()> {
    let mut services = Services::start().await?;
    services.edge_url = services.start_edge_through_postgrest()?;
    compare(&play(&services).await?)
}

async fn play(services: &Services) -> Result<Fixtures> {
    let mut play = scenario::Play::new(services);
    play.run().await?;
    let mut names = stable::StableNames::default();
    let answers = play.answers.iter();
    Ok(answers
        .map(|(operation, answer)| {
            let answer = names.stable(answer);
            (operation.clone(), format!("{answer:#}\n"))
        })
        .collect())
}

fn compare(played: &Fixtures) -> Result<()> {
    let committed = committed()?;
    for name in played.keys().chain(committed.keys()) {
        let (played, committed) = (played.get(name), committed.get(name));
        ensure!(
            played == committed,
            "{name}: the database answers {}, the fixture says {}; `cargo x fixtures` writes it",
            played.map_or("nothing", String::as_str),
            committed.map_or("nothing", String::as_str),
        );
    }
    Ok(())
}

/// StableNames of the wire are the database's, everywhere but in what an app writes itself.
#[tokio::test]
async fn no_member_of_any_answer_is_in_camel_case() -> Result<()> {
    fn check(operation: &str, answer: &Value) -> Result<()> {
        match answer {
            Value::Object(members) => members.iter().try_for_each(|(name, value)| {
                let is_snake_case = name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
                ensure!(is_snake_case, "{operation} answers with a member {name}");
                match name.as_str() {
                    "metadata" => Ok(()),
                    _ => check(operation, value),
                }
            }),
            Value::Array(items) => items.iter().try_for_each(|item| check(operation, item)),
            _ => Ok(()),
        }
    }
    let services = Services::start().await?;
    let mut play = scenario::Play::new(&services);
    play.run().await?;
    ensure!(!play.answers.is_empty());
    for (operation, answer) in &play.answers {
        check(operation, answer)?;
    }
    for refusal in play.refusals().await? {
        check("a refused call", &refusal)?;
    }
    Ok(())
}
