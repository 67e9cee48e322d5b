//! `/demo`: the files of the demo app and its settings, where a folder is configured.

use std::fs;

use anyhow::{Context, Result};
use serde_json::json;
use stream_tests::services::Services;
use stream_tests::services::answer::Answer;
use stream_tests::services::request::Request;
use uuid::Uuid;

async fn get(services: &Services, path: &str) -> Result<Answer> {
    Request::get(path).send(&services.supabase_url).await
}

#[tokio::test]
async fn files_of_the_folder_are_served_and_nothing_beside_it() -> Result<()> {
    let parent = std::env::temp_dir().join(format!("demo-app-{}", Uuid::new_v4()));
    let folder = parent.join("dist");
    fs::create_dir_all(folder.join("assets"))?;
    fs::write(folder.join("index.html"), "<h1>the app</h1>")?;
    fs::write(folder.join("assets/main.js"), "start()")?;
    fs::write(parent.join("secret"), "not for you")?;
    let directory = folder.to_str().context("is UTF-8")?;
    let services = Services::start_with(&[("DEMO_DIRECTORY", directory)]).await?;

    let page = get(&services, "/demo/").await?;
    assert_eq!(
        (page.status, &page.body[..]),
        (200, &b"<h1>the app</h1>"[..])
    );
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let script = get(&services, "/demo/assets/main.js").await?;
    assert_eq!((script.status, &script.body[..]), (200, &b"start()"[..]));
    assert_eq!(get(&services, "/demo").await?.header("location"), "/demo/");
    let settings = get(&services, "/demo/settings.json").await?.ok()?;
    let expected = json!({"anonKey": settings["anonKey"], "agoraAppId": null});
    assert_eq!(settings, expected);
    let key = settings["anonKey"].as_str().context("has a key")?;
    let health = Request::get("/auth/v1/health").header("apikey", key);
    assert_eq!(health.send(&services.supabase_url).await?.status, 200);

    for path in [
        "/demo/../secret",
        "/demo/%2e%2e/secret",
        "/demo/assets/none.js",
    ] {
        assert_eq!(get(&services, path).await?.status, 404, "{path}");
    }
    fs::remove_dir_all(parent)?;
    Ok(())
}

#[tokio::test]
async fn without_a_folder_there_is_no_app() -> Result<()> {
    let services = Services::start().await?;
    for path in ["/demo", "/demo/", "/demo/settings.json"] {
        assert_eq!(get(&services, path).await?.status, 404, "{path}");
    }
    Ok(())
}
