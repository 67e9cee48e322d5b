//! The errors that plpgsql_check reports in the functions of the SQL edition: none but the known ones.

use anyhow::{Context, Result};
use serde_json::Value;
use stream_tests::database::TestDatabase;

use super::project::Project;

/// Function, message and reason of each.
const KNOWN_ON_15: [(&str, &str, &str); 1] = [(
    "stream_ext.caller_is_claims",
    "function pg_input_is_valid(text, unknown) does not exist",
    "a function of Postgres 16, in a branch for that and later ones: as a dynamic statement it would be planned in every call",
)];

/// Lints schema `stream_ext`, whose functions the guide's own line leaves out.
pub async fn check(project: &Project, database: &TestDatabase) -> Result<()> {
    let line = "npx supabase db lint --schema stream_ext --level error --remote";
    let found = errors(&project.run(line).await?)?;
    let is_15: bool = database
        .value("select current_setting('server_version_num')::integer < 160000")
        .await?;
    let known = KNOWN_ON_15
        .iter()
        .filter(|_| is_15)
        .map(|(function, message, _)| ((*function).to_owned(), (*message).to_owned()));
    assert_eq!(found, known.collect::<Vec<_>>());
    Ok(())
}

/// Function and message of each error in what the command line printed: a list of JSON, and none where there is no error.
fn errors(printed: &str) -> Result<Vec<(String, String)>> {
    let Some(begin) = printed.find("[\n") else {
        anyhow::ensure!(printed.contains("No schema errors found"), "{printed}");
        return Ok(Vec::new());
    };
    let mut values = serde_json::Deserializer::from_str(&printed[begin..]).into_iter::<Value>();
    let list = values.next().context("no list")??;
    let mut errors = Vec::new();
    for function in list.as_array().context("no list")? {
        for issue in function["issues"].as_array().context("no issues")? {
            let text = |value: &Value| value.as_str().map(str::to_owned).context("no text");
            errors.push((text(&function["function"])?, text(&issue["message"])?));
        }
    }
    Ok(errors)
}
