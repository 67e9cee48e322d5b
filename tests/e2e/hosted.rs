//! The guide for hosted Supabase, played by its own lines with the real command line against a server like theirs, to the first
//! token and the first notice.

mod guide;
mod lint;
mod project;

use std::fs;

use anyhow::{Context, Result};
use hyper::Method;
use serde_json::{Value, json};
use stream_tests::demo;
use stream_tests::hosted::Hosted;
use stream_tests::services::Services;
use stream_tests::services::request::Request;
use stream_tests::services::script;
use stream_tests::supabase_tools::SupabaseTools;
use stream_tests::webhook::notice;
use xtask::database;

use self::guide::Guide;
use self::project::Project;

/// Lines that want a hosted project, or the registry.
const NOT_RUN: [&str; 5] = [
    "npm install ",
    "npx supabase login",
    "npx supabase link ",
    "npx supabase secrets set ",
    "npx supabase functions deploy ",
];

fn is_run(line: &str) -> bool {
    !NOT_RUN.iter().any(|beginning| line.starts_with(beginning))
}

#[test]
fn the_guide_names_what_no_test_runs() -> Result<()> {
    let guide = Guide::read()?;
    let commands = guide.commands();
    for beginning in NOT_RUN {
        let is_there = commands.iter().any(|line| line.starts_with(beginning));
        assert!(is_there, "the guide has no line {beginning}");
    }
    let confessed = guide.section("What was tested")?;
    for command in ["login", "link", "secrets set", "functions deploy"] {
        assert!(confessed.contains(command), "{command} is not named");
    }
    let package = fs::read_to_string(xtask::workspace::root().join("tests/supabase/package.json"))?;
    let package: Value = serde_json::from_str(&package)?;
    for (version, written) in [
        (
            &package["optionalDependencies"]["@supabase/cli-linux-x64"],
            "supabase@",
        ),
        (&package["dependencies"]["deno"], "Deno ("),
    ] {
        let expected = format!("{written}{}", version.as_str().context("no version")?);
        assert!(guide.text.contains(&expected), "the guide lacks {expected}");
    }
    Ok(())
}

#[tokio::test]
async fn the_guide_leads_to_the_first_token() -> Result<()> {
    let guide = Guide::read()?;
    let (hosted, has_cron, has_check) = Hosted::start_with_extensions("hosted-guide").await?;
    let project = Project::create(&SupabaseTools::ensure()?, &hosted.database)?;
    for block in guide.blocks() {
        match block.language.as_str() {
            "sh" => {
                for line in block.commands() {
                    let is_possible = (has_cron || !line.contains("pg_cron"))
                        && (has_check || !line.contains("db lint"));
                    if is_run(&line) && is_possible {
                        let printed = project.run(&line).await?;
                        check(&line, &printed, &hosted, &project).await?;
                    }
                }
            }
            "toml" => project.change_config(&block.text)?,
            _ => {}
        }
    }
    compile(&guide, &project, &hosted).await?;
    reach_the_first_token(hosted, has_cron).await
}

/// What a line is to have done, beyond its success.
async fn check(line: &str, printed: &str, hosted: &Hosted, project: &Project) -> Result<()> {
    let database = &hosted.database;
    if line.contains(" init") {
        project.add_application()?;
    } else if line.contains(" db push ") {
        hosted.close().await?;
        let secret: String = database
            .value(
                "select decrypted_secret from vault.decrypted_secrets
                 where name = 'agora_app_certificate'",
            )
            .await?;
        assert!(secret == database.environment.agora.certificate);
        // Once more: nothing is left to do.
        assert!(!project.run(line).await?.contains("Applying"));
    } else if line.contains(" migration list ") {
        for version in project.versions()? {
            assert_eq!(printed.matches(&version).count(), 2, "{version}: {printed}");
        }
    } else if line.contains("agora_app_id") {
        let app_id: String = database
            .value("select agora_app_id from stream.config where id")
            .await?;
        assert_eq!(app_id, database.environment.agora.app_id);
    } else if line.contains("doctor()") {
        assert!(printed.contains("certificate"), "{printed}");
    } else if line.contains(" db lint ") {
        lint::check(project, database).await?;
    }
    Ok(())
}

/// The guide's TypeScript, against the types that the command line wrote and the client's own.
async fn compile(guide: &Guide, project: &Project, hosted: &Hosted) -> Result<()> {
    let examples: Vec<String> = guide
        .blocks()
        .into_iter()
        .filter(|block| block.language == "tsx")
        .map(|block| block.text)
        .collect();
    assert!(!examples.is_empty());
    let argument = json!({
        "types": fs::read_to_string(project.directory.join("database.types.ts"))?,
        "examples": examples,
        "client": xtask::workspace::root().join("client"),
    });
    let environment = &hosted.database.environment;
    let file = project.directory.join("examples.json");
    fs::write(&file, argument.to_string())?;
    let file = file.to_str().context("a path")?;
    let finished = script::run(environment, "tests/js/with_client.mjs", &[file]).await?;
    assert_eq!(finished.json()?, json!([]), "{finished:?}");
    Ok(())
}

/// Over the gateway, as the seller of the demo application; and Agora's check of its URL, over the function.
async fn reach_the_first_token(hosted: Hosted, has_cron: bool) -> Result<()> {
    let Hosted { database, own } = hosted;
    database::seed(&database.environment.cluster, database.name())?;
    if has_cron {
        let jobs: i64 = database.value("select count(*) from cron.job").await?;
        assert_eq!(jobs, 2);
    }
    let mut services = Services::start_on(database)?;
    let secret = services.webhook_secret.clone();
    let variables = [("AGORA_WEBHOOK_SECRET", secret.as_str())];
    let function = services
        .start_edge_function("agora_webhook_guide", &variables)
        .await?;
    let seller = services.token_of(demo::SELLER);
    let session = services
        .rpc(
            &seller,
            "start_stream",
            json!({"auction_id": demo::AUCTION}),
        )
        .await?
        .ok()?;
    let token = services
        .rpc(
            &seller,
            "generate_seller_token",
            json!({"channel_id": session["channel_id"]}),
        )
        .await?
        .ok()?;
    let text = token["token"].as_str().unwrap_or_default();
    assert!(text.starts_with("007"), "no token");

    let test = json!({"channelName": "test_webhook", "uid": 12_121_212, "ts": 1, "clientSeq": 1});
    let body = notice(103, test).to_string();
    let signature = crate::agora_webhook::sign(&secret, body.as_bytes())?;
    let answer = Request::new(Method::POST, "/")
        .json_bytes(body)
        .header("Agora-Signature-V2", signature)
        .send(&function)
        .await?;
    assert_eq!(answer.ok()?, json!({"status": "test", "effect": null}));
    drop(services);
    drop(own);
    Ok(())
}
