//! The OpenAPI document of a running service: valid by its meta-schema, and kept to by every answer that schemathesis gets.
//!
//! schemathesis makes requests from the document, good and bad ones, and looks at the answers: no 5xx, no status, content
//! type, header or schema that is not described, no refusal of what is described as good, no success of what is not.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context, Result, ensure};
use hyper::Method;
use serde_json::json;
use stream_core::lifecycle::StreamState;
use stream_tests::demo;
use stream_tests::services::Services;
use stream_tests::services::request::Request;
use tokio::process::Command;
use uuid::Uuid;
use xtask::python_packages::PythonPackages;

/// Longer than all requests take; it only ends a run that hangs.
const DEADLINE: Duration = Duration::from_secs(600);

/// A directory of one test, gone with it.
struct Workplace(PathBuf);

impl Workplace {
    fn new(services: &Services) -> Result<Self> {
        let name = format!("{}-openapi", services.database.name());
        let directory = env::temp_dir().join(name);
        fs::create_dir_all(&directory)?;
        Ok(Self(directory))
    }

    fn write(&self, name: &str, text: &[u8]) -> Result<PathBuf> {
        let file = self.0.join(name);
        fs::write(&file, text)?;
        Ok(file)
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs a Python module to its end, which must be a success.
async fn run(module: &str, arguments: &[&str], token: &str, workplace: &Path) -> Result<String> {
    let mut command = Command::from(PythonPackages::installed()?.command(module));
    let child = command
        .args(arguments)
        .current_dir(workplace)
        .env("HOME", workplace)
        .env("COLUMNS", "140")
        // Not among the arguments, which everybody on the machine can see.
        .env("ACCESS_TOKEN", token)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("cannot start Python")?;
    let output = tokio::time::timeout(DEADLINE, child.wait_with_output())
        .await
        .with_context(|| format!("{module} did not end in {DEADLINE:?}"))??;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{module}: {}\n{printed}\n{said}",
        output.status
    );
    Ok(printed)
}

#[tokio::test]
async fn the_document_is_valid_by_the_meta_schema() -> Result<()> {
    let services = Services::start().await?;
    let workplace = Workplace::new(&services)?;
    let document = Request::get("/openapi.json")
        .send(&services.edge_url)
        .await?;
    let mut document = document.ok()?;
    for (is_valid, name) in [(true, "openapi.json"), (false, "broken.json")] {
        if !is_valid {
            document["paths"]["/v1/streams"]["get"]["parameters"][0] = json!({"name": "after"});
        }
        let file = workplace.write(name, document.to_string().as_bytes())?;
        let file = file.to_str().context("no text")?;
        let run = run(
            "openapi_spec_validator",
            &["--schema", "3.1", file],
            "",
            &workplace.0,
        )
        .await;
        assert_eq!(run.is_ok(), is_valid, "{run:?}");
    }
    Ok(())
}

/// A stream that is on the air, with a viewer and a message, and what stands for the parameters of paths.
async fn prepare(services: &Services) -> Result<String> {
    let database = &services.database;
    let stream = database.stream_in(StreamState::Active).await?;
    for viewer in [demo::ADA, demo::BEN] {
        database.viewer(stream, viewer).await?;
    }
    // Of its own, for what would take the stream away from all other requests.
    let auction = database.add_auction(demo::SELLER).await?;
    let seller = services.token_of(demo::SELLER);
    let body = json!({"auction_id": auction});
    let other = services.edge_json(&seller, Method::POST, "/v1/streams", body);
    let other = other.await?.ok()?["id"].clone();
    let message = Uuid::new_v4();
    let body = json!({"content": "Good evening", "id": message});
    let sent = Request::post(format!("/v1/streams/{stream}/messages")).json(&body);
    let ada = services.token_of(demo::ADA);
    sent.bearer(&ada).send(&services.edge_url).await?.ok()?;
    Ok(format!(
        r#"
[[operations]]
include-operation-id = ["end_stream", "pause_stream", "resume_stream", "update_stream_state"]
parameters = {{ "path.session_id" = {other} }}

[[operations]]
include-operation-id = "forget_user"
parameters = {{ "path.user_id" = "{cleo}" }}

[parameters]
"path.session_id" = "{stream}"
"path.message_id" = "{message}"
"path.last_message_id" = "{message}"
"path.auction_id" = "{auction}"
"path.user_id" = "{ada}"
"path.buyer_id" = "{ada}"
"path.subscription_id" = "{unknown}"
"#,
        auction = demo::AUCTION,
        ada = demo::ADA,
        cleo = demo::CLEO,
        unknown = Uuid::new_v4(),
    ))
}

/// Makes the requests as the holder of a token; `particular` are settings for them.
async fn explore(services: &Services, token: &str, particular: &str) -> Result<()> {
    let workplace = Workplace::new(services)?;
    let parameters = prepare(services).await?;
    let settings = include_str!("openapi/schemathesis.toml");
    let settings = format!("{settings}{particular}{parameters}");
    workplace.write("hooks.py", include_bytes!("openapi/hooks.py"))?;
    let settings = workplace.write("schemathesis.toml", settings.as_bytes())?;
    let document = format!("{}/openapi.json", services.edge_url);
    let arguments = [
        "--config-file",
        settings.to_str().context("no text")?,
        "run",
        &document,
    ];
    let printed = run("schemathesis.cli", &arguments, token, &workplace.0).await?;
    // One that asks nothing finds nothing.
    let mut lines = printed.lines();
    let generated: Option<u32> =
        lines.find_map(|line| line.trim().split_once(" generated")?.0.parse().ok());
    let generated = generated.context("no summary")?;
    ensure!(generated > 1000, "{printed}");
    ensure!(services.are_alive(), "a service has ended");
    Ok(())
}

#[tokio::test]
async fn schemathesis_finds_nothing_as_the_seller() -> Result<()> {
    let services = Services::start().await?;
    let token = services.token_of(demo::SELLER);
    explore(&services, &token, "").await
}

#[tokio::test]
async fn schemathesis_finds_nothing_as_the_service() -> Result<()> {
    let services = Services::start().await?;
    let token = services.keys.service_role_key.clone();
    explore(&services, &token, include_str!("openapi/service.toml")).await
}
